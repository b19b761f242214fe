"""A copy of this checkout in a repository of its own, where Snakemake and DVC really run."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]

# A market of seconds: two days of 2,000 rows, three rungs, one seed, one epoch.
MINIATURE = {
    "simulate.days": 2,
    "simulate.rows_per_day": 2000,
    "label.horizon_seconds": 300,
    "label.max_gap_seconds": 120,
    "split.embargo_seconds": 600,
    "baselines": ["mean", "ridge"],
    "networks": ["mlp"],
    "trees": [],
    "seeds": [0],
    "train.epochs": 1,
}


class Checkout:
    """A folder with a checkout in it, and the environment to run commands there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.params = folder / "params.yaml"
        search = os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
        cache = folder.with_name(f"{folder.name}-dvc")
        author = {"NAME": "test", "EMAIL": "test@localhost"}
        self.environment = {
            **os.environ,
            **{
                f"GIT_{who}_{what}": text
                for who in ("AUTHOR", "COMMITTER")
                for what, text in author.items()
            },
            "PATH": search,
            "DVC_SITE_CACHE_DIR": str(cache),
        }
        for name in ("ALPHA_REPRO_FLAGS", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
            self.environment.pop(name, None)

    @classmethod
    def clone(
        cls, folder: Path, changes: dict[str, Any] | None = None, *, compiled: bool = True
    ) -> "Checkout":
        """The files of this checkout, uncommitted ones too, as one commit in a new `folder`, with
        the miniature market's params and `changes` of them. What was `compiled` of the files comes
        along: compiling takes longer than the miniature."""
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in names.split("\0"):
            made = name == "dvc.lock" or name.startswith("results/")
            if (ROOT / name).is_file() and not made:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                # With its time, by which it is known what is compiled of it.
                shutil.copy2(ROOT / name, folder / name)
        for path in (ROOT / "alpha").rglob("__pycache__/*") if compiled else ():
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(exist_ok=True)
            # Other tests compile meanwhile, and rename what they have written.
            with suppress(FileNotFoundError):
                shutil.copy2(path, target)
        shutil.copy(ROOT / "tests" / "params.yaml", folder)
        checkout = cls(folder)
        checkout.edit(MINIATURE | (changes or {}))
        checkout.run("git", "init", "--quiet")
        checkout.commit("start")
        return checkout

    def copy(self, folder: Path) -> "Checkout":
        """All of it in a new folder: results, records, DVC's cache."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Checkout(folder)

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--no-gpg-sign", "--message", message)

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command in the folder; what it printed. Asserts that it ended as expected."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (done.returncode != 0) == fails, f"{' '.join(command)}:\n{done.stdout}"
        return done.stdout

    def work_off_queue(self, *, jobs: int) -> None:
        """Run the queued experiments, so many at a time; asserts that none failed."""
        self.run("dvc", "queue", "start", "--jobs", str(jobs))
        while re.search("Queued|Running", status := self.run("dvc", "queue", "status")):
            time.sleep(3)  # to ask takes a second of both cores
        assert "Failed" not in status, status

    def planned(self) -> set[str]:
        """The jobs that Snakemake would run now, such as `train 0/mlp/0`."""
        return jobs(self.run("snakemake", "--dry-run"))

    def edit(self, changes: dict[str, Any]) -> None:
        """Edit params.yaml; keys are dotted."""
        yaml = YAML()
        content = yaml.load(self.params)
        for key, value in changes.items():
            *sections, last = key.split(".")
            section = content
            for name in sections:
                section = section[name]
            section[last] = value
        yaml.dump(content, self.params)

    def results(self) -> dict[str, str]:
        """The md5 of each file in results."""
        return {
            str(path.relative_to(self.folder)): hashlib.md5(path.read_bytes()).hexdigest()
            for path in sorted((self.folder / "results").rglob("*"))
            if path.is_file() and path.name != ".snakemake_timestamp"
        }

    def outs(self) -> dict[str, list[dict[str, Any]]]:
        """The outputs of each stage, with their md5, as dvc.lock records them."""
        lock = YAML(typ="safe").load(self.folder / "dvc.lock")
        return {name: stage["outs"] for name, stage in lock["stages"].items()}

    def executed(self) -> set[str]:
        """The stages that the last job of each rule really ran, where DVC could have skipped."""
        return {
            stage
            for log in (self.folder / "logs").rglob("*.log")
            for stage in re.findall(r"^Running stage '(.+)':$", log.read_text(), re.MULTILINE)
        }


def jobs(printed: str) -> set[str]:
    """The jobs that Snakemake announced, but for the target that only collects."""
    return set(re.findall(r"^Job \d+: (.+)$", printed, re.MULTILINE)) - {"all"}


def job(stage: str) -> str:
    """What Snakemake calls a stage's job: `train 0/mlp/0` for train_networks@0-mlp-0, and
    `baselines 0` for train_baselines@0."""
    name, _, run = stage.partition("@")
    step, _, kind = name.partition("_")
    return f"{kind if kind == 'baselines' else step} {run.replace('-', '/')}".strip()


def related(one, other):
    """Whether two paths are the same, or one lies in the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
