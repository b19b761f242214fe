"""What rules share: their files and command are those of dvc.yaml's stages, and DVC alone says
which stages are stale. Snakemake decides in which order, how many at a time, and where."""

import os
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

from dvc.dvcfile import PROJECT_FILE, ProjectFile
from dvc.exceptions import DvcException
from dvc.repo import Repo
from recover import AtWork, recover, snakemake_locks, wait
import warm

from alpha.core.errors import InputError
from alpha.check import load
from alpha.learn.params import KINDS
from alpha.history.record.lock import related

# Params and data are checked before anything runs, as Snakemake and DVC remove a step's earlier
# results before the step itself could object. `alpha check` says the same.
try:
    PARAMS = load(Path("params.yaml"))
except InputError as error:
    sys.exit(f"alpha check: error: {error}")

# Each stage, and each instance of a matrix (train_baselines@ridge-0), with every ${...} resolved;
# and why DVC would run a stage again. A job on a cluster knows that it is to run.
try:
    REPO = Repo(".", _wait_for_lock=True)
    if workflow.is_main_process:
        for line in [*snakemake_locks(), *recover(REPO)]:
            print(line, file=sys.stderr)
        wait(REPO)
    STAGES = ProjectFile(REPO, PROJECT_FILE).resolver.resolve()["stages"]
    STALE = REPO.status() if workflow.is_main_process else {}
except AtWork as error:
    sys.exit(f"snakemake: error: {error}")
except DvcException as error:
    sys.exit(f"dvc: error: {' '.join(str(error).split())}")

# Data, too, is looked at if something is to run; else that would cost more than all else here.
if STALE:
    from alpha import check

    try:
        check.run(PARAMS)
    except InputError as error:
        sys.exit(f"alpha check: error: {error}")

# The kinds of rungs have stages of their own, but share their rules: `train@ridge-0` stands for
# train_baselines@ridge-0.
NAMES = {stage: stage for stage in STAGES}
for stage in STAGES:
    rule_name, _, kind = stage.partition("@")[0].partition("_")
    if kind in KINDS:
        NAMES[f"{rule_name}@{stage.partition('@')[2]}"] = NAMES.pop(stage)

# What a stage waits for, but what does not make it stale: it changes with nothing that the stage's
# other dependencies do not change with.
ORDER_ONLY = ["results/guard/passed.json"]

# The one command of all rules: `dvc repro`, by a process of DVC that is already loaded. DVC removes
# what a step wrote earlier; should the step fail, it comes back from DVC's cache.
# ALPHA_REPRO_FLAGS=--force also runs what DVC would restore.
REPRO = """
python -IS workflow/scripts/repro.py ${{ALPHA_REPRO_FLAGS:-}} --single-item {params.stage} \
> {log} 2>&1 \
|| {{ dvc --wait-for-lock checkout --quiet {params.stage} >> {log} 2>&1; exit 1; }}
"""


def outs(stage):
    found = STAGES[NAMES[stage]]
    return [*found.get("outs", []), *found.get("metrics", [])]


@cache
def all_outputs():
    return [out for stage in NAMES for out in outs(stage)]


def outputs(stage):
    """A rule's outputs; of `train@{run}` those of an instance, with the wildcard in its place."""
    if stage in NAMES:
        paths = outs(stage)
    else:
        run = runs(stage.partition("@")[0])[0]
        paths = [path.replace(run, "{run}") for path in outs(stage.format(run=run))]
    return [path if Path(path).suffix else directory(path) for path in paths]


def inputs(stage):
    """A function from wildcards to the files that a rule waits for.

    The times of a fresh stage's mean nothing (ancient): git, DVC and a copy of the folder set them
    as they like. A stage that is stale, or comes after one, has a mark that is newer than anything.
    """

    def files(wildcards):
        name = stage.format(**wildcards)
        found = [file for dep in STAGES[NAMES[name]]["deps"] for file in waited_for(dep)]
        # Of a stage in RERUN no input may be ancient: below a job that is to run, Snakemake looks
        # at nothing else.
        return [*found, mark(name)] if name in RERUN else [ancient(file) for file in found]

    return files


@cache
def waited_for(dep):
    """A dependency as rules know it: whole outputs of other rules, or else itself."""
    relative = os.path.relpath(dep)
    path = dep if relative.startswith(os.pardir) else relative
    return [out for out in all_outputs() if related(out, path)] or [path]


def with_what_follows(stale):
    """Those stages and all that come after them."""
    found, waiting = set(stale), list(stale)
    while waiting:
        made = set(outs(waiting.pop()))
        for stage in NAMES.keys() - found:
            deps = [dep for dep in STAGES[NAMES[stage]]["deps"] if dep not in ORDER_ONLY]
            if any(made.intersection(waited_for(dep)) for dep in deps):
                found.add(stage)
                waiting.append(stage)
    return found


def mark(stage):
    """A file that is newer than what the stage made last."""
    path = Path(".snakemake/stale") / stage
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{time.time_ns()}\n")
    return str(path)


def name(stage):
    """A function from wildcards to what DVC calls a stage."""
    return lambda wildcards: NAMES[stage.format(**wildcards)]


def runs(rule_name):
    """The instances of a matrix stage, such as ridge-0."""
    return [stage.partition("@")[2] for stage in NAMES if stage.startswith(f"{rule_name}@")]


RERUN = with_what_follows([stage for stage, called in NAMES.items() if called in STALE])
