"""Steps as processes of their own, as the workflow would start them: how long, how much memory."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from alpha.audit import findings
from alpha.check import Params, load
from alpha.core.artifacts import write_json
from alpha.data.splits import splits_digest
from alpha.learn.params import run_folder

ROOT = Path(__file__).resolve().parent.parent
_LAUNCH = Path(__file__).with_name("launch.py")
# Byte-compiled, as the Makefile has them, and without messages about GPUs.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
} | {"TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Cost:
    seconds: float
    peak_mb: float


def process(words: Sequence[object]) -> Cost:
    """Run `python WORDS...` from the repository. Raises RuntimeError with its last words."""
    with tempfile.NamedTemporaryFile() as out:
        command = [sys.executable, _LAUNCH, out.name, sys.executable, *words]
        done = subprocess.run(
            [str(word) for word in command],
            cwd=ROOT,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            said = " ".join(map(str, words))
            raise RuntimeError(f"python {said}: {done.stderr.strip()[-2000:]}")
        return Cost(**json.loads(Path(out.name).read_text(encoding="utf-8")))


def in_turn(commands: Mapping[str, Sequence[object]], rounds: int) -> dict[str, list[Cost]]:
    """What each command costs in each round, in turns."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, words in commands.items():
            costs[name].append(process(words))
    return costs


def seconds(costs: Sequence[Cost]) -> list[float]:
    return [cost.seconds for cost in costs]


def peak_mb(costs: Sequence[Cost]) -> float:
    return max(cost.peak_mb for cost in costs)


@dataclass(frozen=True)
class Job:
    """A command, and the names of the jobs that must have ended before it starts."""

    words: Sequence[object]
    needs: Sequence[str] = ()


def flow(jobs: Mapping[str, Job], *, side_by_side: int = 2) -> tuple[float, dict[str, Cost]]:
    """Run jobs, as many at once as they may be: seconds of the whole, and what each cost."""
    order = TopologicalSorter({name: job.needs for name, job in jobs.items()})
    order.prepare()
    started, costs, running = time.perf_counter(), {}, {}
    with ThreadPoolExecutor(side_by_side) as pool:
        while order.is_active():
            for name in order.get_ready():
                running[pool.submit(process, jobs[name].words)] = name
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(done)
                costs[name] = done.result()
                order.done(name)
    return time.perf_counter() - started, costs


def params_file(path: Path, **sections: Any) -> tuple[Path, Params]:
    """The tests' params.yaml with some keys of some sections changed, written to `path`."""
    content = load(ROOT / "tests" / "params.yaml").model_dump(mode="json")
    for name, value in sections.items():
        content[name] = content[name] | value if isinstance(value, Mapping) else value
    # JSON is YAML.
    path.write_text(json.dumps(content), encoding="utf-8")
    return path, load(path)


def no_findings(splits: str, audit: str) -> None:
    """Write findings.json of an audit that found nothing in these splits."""
    Path(audit).mkdir(parents=True, exist_ok=True)
    found = {"findings": [], "splits": splits_digest(Path(splits))}
    write_json(Path(audit) / findings.NAME, found)


@dataclass(frozen=True)
class Chain:
    """The commands of one flow in one folder, from feature files to the evaluation."""

    params: Path
    features: Path
    folder: Path

    def _words(self, step: str, **options: Path | str | int) -> list[object]:
        given = [word for name, value in options.items() for word in (f"--{name}", value)]
        return ["-m", "alpha", step, "--params", self.params, *given]

    @property
    def contract(self) -> Path:
        return self.folder / "normalize" / "0.json"

    @property
    def splits_folder(self) -> Path:
        """That of the one fold."""
        return self.folder / "splits" / "0"

    def labels(self) -> list[object]:
        return self._words("label", features=self.features, out=self.folder / "labels")

    def guard(self) -> list[object]:
        folder = self.folder
        return self._words(
            "guard", labels=folder / "labels", pins=folder / "pins", out=folder / "guard"
        )

    def splits(self) -> list[object]:
        return self._words(
            "split",
            features=self.features,
            labels=self.folder / "labels" / "labels",
            out=self.splits_folder.parent,
        )

    def normalize(self) -> list[object]:
        splits = self.splits_folder.parent
        return self._words("normalize", splits=splits, out=self.contract.parent)

    def train(self, run: str) -> list[object]:
        """A run, named model-seed, or all baselines, as "baselines"."""
        model, _, seed = run.rpartition("-")
        which = {"model": model, "seed": seed} if model else {"kind": run}
        return self._words(
            "train",
            **which,
            train=self.splits_folder / "train",
            valid=self.splits_folder / "valid",
            normalization=self.contract,
            out=self.folder / "train" / "0" / (run_folder(run) if model else run),
        )

    def predict(self, models: str) -> list[object]:
        """All seeds of a model, or all baselines."""
        return self._words(
            "predict",
            models=self.folder / "train" / "0" / models,
            splits=self.splits_folder,
            normalization=self.contract,
            out=self.folder / "predict" / "0" / models,
        )

    def skip_audit(self) -> list[object]:
        """In place of an audit: nothing looks at the splits, so no leaks are known."""
        code = "import sys; from benchmarks.steps import no_findings; no_findings(*sys.argv[1:])"
        return ["-c", code, self.splits_folder.parent, self.folder / "audit"]

    def evaluate(self) -> list[object]:
        """What `predict` wrote."""
        return self._words(
            "evaluate",
            features=self.features,
            audit=self.folder / "audit",
            models=self.folder / "train",
            predictions=self.folder / "predict",
            splits=self.splits_folder.parent,
            out=self.folder / "evaluate",
        )
