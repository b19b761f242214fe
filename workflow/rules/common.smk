"""What rules share: their files, params and command are those of dvc.yaml's stages."""

import json
import os
import sys
from pathlib import Path

# The package of this checkout, and the environment's own dvc and python for the jobs, however
# Snakemake was started.
sys.path.insert(0, os.getcwd())
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))

import yaml
from dvc.dvcfile import LOCK_FILE, PROJECT_FILE, ProjectFile
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

from alpha import check
from alpha.errors import InputError
from alpha.params import load

# Checked before anything runs, as Snakemake and DVC remove a step's earlier results before
# the step itself could object. `alpha check` says the same.
try:
    PARAMS = load(Path("params.yaml"))
    check.run(PARAMS)
except InputError as error:
    sys.exit(f"alpha check: error: {error}")

# DVC does not write its lock in one go: an interruption can cut it short, and then nothing runs.
try:
    if os.path.exists(LOCK_FILE):
        COMPILED_LOCKFILE_SCHEMA(yaml.load(Path(LOCK_FILE).read_bytes(), yaml.CSafeLoader))
except (yaml.YAMLError, Invalid):
    sys.exit(
        f"{LOCK_FILE}: error: was cut short by an interruption; `git checkout {LOCK_FILE}`, then "
        "run again: what was built since comes back from DVC's cache"
    )

# Each stage, and each instance of a matrix (train@ridge-0), with every ${...} resolved.
try:
    STAGES = ProjectFile(Repo("."), PROJECT_FILE).resolver.resolve()["stages"]
except DvcException as error:
    sys.exit(f"dvc: error: {error}")

# Baselines and models have stages of their own, but share their rules: `train@ridge-0` stands for
# train_baseline@ridge-0.
STAGES = {
    stage.replace("_baseline@", "@"): found | {"name": stage} for stage, found in STAGES.items()
}

# The one command of all rules. DVC removes what a step wrote earlier; should the step fail, it
# comes back from DVC's cache. ALPHA_REPRO_FLAGS=--force also runs what DVC would restore.
REPRO = """
dvc --wait-for-lock repro ${{ALPHA_REPRO_FLAGS:-}} --single-item {params.stage} > {log} 2>&1 \
|| {{ dvc --wait-for-lock checkout --quiet {params.stage} >> {log} 2>&1; exit 1; }}
"""


def outs(stage):
    return [*STAGES[stage].get("outs", []), *STAGES[stage].get("metrics", [])]


def all_outputs():
    return [out for stage in STAGES for out in outs(stage)]


def outputs(stage):
    """A rule's outputs; of `train@{run}` those of an instance, with the wildcard in its place."""
    if stage in STAGES:
        paths = outs(stage)
    else:
        run = runs(stage.partition("@")[0])[0]
        paths = [path.replace(run, "{run}") for path in outs(stage.format(run=run))]
    return [path if Path(path).suffix else directory(path) for path in paths]


def inputs(stage):
    """A function from wildcards to the files that a rule waits for and watches."""
    return lambda wildcards: [
        file for dep in STAGES[stage.format(**wildcards)]["deps"] for file in watched(dep)
    ]


def watched(dep):
    """A dependency as rules know it: whole outputs of other rules, or else plain files.

    A folder of the user's or of code is taken apart, as its own time says nothing of edits in it.
    """
    relative = os.path.relpath(dep)
    path = dep if relative.startswith(os.pardir) else relative
    made = [out for out in all_outputs() if within(out, path) or within(path, out)]
    if made or not os.path.isdir(path):
        return made or [path]
    files = (file for file in Path(path).rglob("*") if file.is_file())
    return sorted(str(file) for file in files if "__pycache__" not in file.parts)


def within(path, folder):
    return f"{path}/".startswith(f"{folder}/")


def record(stage):
    """A function from wildcards to what else may call for a new run: command and params."""
    sections = PARAMS.model_dump(mode="json")

    def text(wildcards):
        found = STAGES[stage.format(**wildcards)]
        params = {name: sections[name] for name in found.get("params", [])}
        return json.dumps([found["cmd"], params], sort_keys=True)

    return text


def name(stage):
    """A function from wildcards to what DVC calls a stage."""
    return lambda wildcards: STAGES[stage.format(**wildcards)]["name"]


def runs(name):
    """The instances of a matrix stage, such as ridge-0."""
    return [stage.partition("@")[2] for stage in STAGES if stage.startswith(f"{name}@")]
