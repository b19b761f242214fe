"""What rules share: their files and command are those of dvc.yaml's stages, and DVC alone says
which stages are stale. Snakemake decides in which order, how many at a time, and where."""

import os
import sqlite3
import sys
import time
from functools import cache
from pathlib import Path

# The package of this checkout, and the environment's own dvc and python for the jobs, however
# Snakemake was started.
sys.path[:0] = [os.getcwd(), str(Path("workflow/scripts").resolve())]
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))
# Byte-compiled, a step starts in half the time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from dvc.exceptions import DvcException
from failures import failures
from recover import AtWork, hold_as_job, opened, recover, snakemake_locks, wait, wait_for_jobs

from alpha import check
from alpha.core.errors import InputError
from alpha.core.text import one_line
from alpha.history.repository import FAILED, files, pipeline, related

# Each stage, and each instance of a matrix (train_networks@mlp-0), after those that it depends on;
# and why DVC would run a stage again. A job on a cluster knows that it is to run.
#
# Params are checked before anything runs, as Snakemake and DVC remove a step's earlier results before
# the step itself could object; and data if something is to run, else that would cost more than all
# else here. `alpha check` says the same.
try:
    PARAMS = check.load(Path("params.yaml"))
    check.look(PARAMS)
    REPO = opened()
    if workflow.is_main_process:
        found = snakemake_locks()
        wait_for_jobs()
        wait(REPO)
        for line in [*found, *recover(REPO)]:
            print(line, file=sys.stderr)
    else:
        hold_as_job()
    STAGES = {stage.name: stage for stage in pipeline(REPO)}
    STALE = REPO.status() if workflow.is_main_process else {}
    if STALE:
        # Which rows the splits would keep is to be known before labels are made.
        rows = bool(STALE.keys() & {"label", "split"})
        ingested = not any(stage.startswith("ingest@") for stage in STALE)
        check.run(PARAMS, rows=rows, ingested=ingested)
    elif workflow.is_main_process:
        Path(FAILED).unlink(missing_ok=True)
except InputError as error:
    sys.exit(f"alpha check: error: {one_line(str(error))}")
except AtWork as error:
    sys.exit(f"snakemake: error: {error}")
except (DvcException, OSError, sqlite3.Error) as error:
    sys.exit(f"dvc: error: {' '.join(str(error).split())}")

# What a stage waits for, but what does not make it stale: it changes with nothing that the stage's
# other dependencies do not change with.
ORDER_ONLY = ("results/guard/passed.json", "results/audit/passed/")

# The one command of all rules. DVC removes what a step wrote earlier. Should the step fail, it
# comes back: from DVC's cache, or what is in git and not there from a copy; and its log is named.
# ALPHA_REPRO_FLAGS=--force also runs what DVC would restore.
REPRO = """
tar -cf {log}.tar {params.in_git} 2> /dev/null || true
dvc --wait-for-lock repro ${{ALPHA_REPRO_FLAGS:-}} --single-item {params.stage} \
> {log} 2>&1 \
|| {{ echo {log} >> {params.failed}; \
dvc --wait-for-lock checkout --quiet {params.stage} >> {log} 2>&1 || true; \
tar -xf {log}.tar 2> /dev/null || true; exit 1; }}
"""


def outs(stage, *, in_git=False):
    """What a stage writes into DVC's cache, or else into git."""
    return [out.def_path for out in STAGES[stage].outs if out.use_cache != in_git]


def job(stage):
    """What rules call a stage: `train 0/mlp/0` is train_networks@0-mlp-0, for kinds of models share
    their rules; the second word is the folder in results/train. All baselines of a fold are trained
    and predicted by one job, such as `baselines 0`."""
    name, _, item = stage.partition("@")
    step, _, kind = name.partition("_")
    if kind == "baselines":
        return f"{kind} {item}"
    return f"{step} {os.path.relpath(outs(stage)[0], f'results/{step}')}" if kind else step


STAGE_OF = {job(stage): stage for stage in STAGES}
ALL_OUTPUTS = [out for stage in STAGES for out in outs(stage)]


def outputs(stage):
    """A rule's outputs. What is in git is none of them: Snakemake would remove it before a job."""
    return [path if Path(path).suffix else directory(path) for path in outs(stage)]


def stage_of(step):
    """A function from wildcards to the stage of a step's job."""
    return lambda wildcards: STAGE_OF[" ".join([step, *wildcards])]


def inputs(step):
    """A function from wildcards to the files that a rule waits for.

    The times of a fresh stage's mean nothing (ancient): git, DVC and a copy of the folder set them
    as they like. A stage that is stale, or comes after one, has a mark that is newer than anything.
    """

    def files_of(wildcards):
        stage = stage_of(step)(wildcards)
        # Below a job that is to run, Snakemake looks at nothing but what that job writes anew. So
        # no input of a stage in RERUN may be ancient, and one that does not run waits for nothing
        # in ORDER_ONLY.
        runs = stage in RERUN or workflow.dag_settings.forceall
        found = waits(stage, order=runs)
        return [*found, MARKS[stage]] if stage in RERUN else [ancient(file) for file in found]

    return files_of


def waits(stage, *, order=True):
    """The files that a stage waits for; without `order`, but for those of ORDER_ONLY."""
    paths = [dep.def_path for dep in files(STAGES[stage])]
    kept = [path for path in paths if order or not path.startswith(ORDER_ONLY)]
    return [file for path in kept for file in waited_for(path)]


@cache
def waited_for(dep):
    """A dependency as rules know it: whole outputs of other rules, or else itself."""
    relative = os.path.relpath(dep)
    path = dep if relative.startswith(os.pardir) else relative
    made = [out for out in ALL_OUTPUTS if related(path, [out])]
    beside = [out for stage in STAGES if path in outs(stage, in_git=True) for out in outs(stage)]
    return made or beside or [path]


def with_what_follows(stale):
    """Those stages and all that come after them."""
    found, made = set(), set()
    for stage in STAGES:
        if stage in stale or made.intersection(waits(stage, order=False)):
            found.add(stage)
            made.update(outs(stage))
    return found


def mark(stage):
    """A file that is newer than what the stage made last."""
    path = Path(".snakemake/stale") / stage
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{time.time_ns()}\n")
    return str(path)


def runs(step):
    """The second words of a step's jobs, such as 0/mlp/0."""
    return [name.partition(" ")[2] for name in STAGE_OF if name.split()[0] == step]


RERUN = with_what_follows(STALE)
# Of a time to come, as after a clock was set back, results would be newer than any mark, and
# Snakemake would run nothing, or refuse what is older than its inputs.
for file in {file for stage in RERUN for file in [*outs(stage), *waits(stage)]}:
    for made in Path(file), Path(file, ".snakemake_timestamp"):
        if os.access(made, os.W_OK) and made.stat().st_mtime > time.time():
            made.touch()
# All at once: Snakemake looks once at what is in their folder.
MARKS = {stage: mark(stage) for stage in RERUN}
