"""What a running training looks like, epoch by epoch: a line in its log, and files to watch.

The files are those of DVCLive, as `dvc plots show` and editors read them: metrics.json has the last
epoch, plots/metrics/NAME.tsv a line for each. A training never fails because of them.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from alpha.learn.history import Epoch


@dataclass
class Live:
    """Told of every epoch of the training of `name`, which has at most `epochs`; writes to
    `folder`, in place of an earlier training's files, or to nowhere if it is None."""

    name: str
    epochs: int
    folder: Path | None
    _mode: str = "w"

    def __call__(self, figures: Epoch, *, best: int) -> None:
        """`best` is the epoch whose weights would be kept now."""
        if not sys.stderr.isatty():  # where there is no bar
            losses = f"train {figures.train_loss:.4f}, valid {figures.valid_loss:.4f}"
            line = f"{self.name}: epoch {figures.epoch} of {self.epochs}: {losses}, best {best}"
            print(line, file=sys.stderr, flush=True)
        if self.folder is None:
            return
        try:
            self._write(self.folder, asdict(figures) | {"best_epoch": best})
        except OSError as error:
            why = error.strerror or str(error)
            print(f"no live metrics in {self.folder}: {why}", file=sys.stderr, flush=True)
            self.folder = None

    def _write(self, folder: Path, figures: dict[str, float | None]) -> None:
        step = figures.pop("epoch")
        plots = folder / "plots" / "metrics"
        plots.mkdir(parents=True, exist_ok=True)
        known = {name: value for name, value in figures.items() if value is not None}
        for name, value in known.items():
            with (plots / f"{name}.tsv").open(self._mode, encoding="utf-8") as file:
                file.write(f"step\t{name}\n" * (self._mode == "w") + f"{step}\t{value}\n")
        self._mode = "a"
        # JSON has no word for what is not finite.
        finite = {
            name: value if abs(value) < float("inf") else str(value)
            for name, value in known.items()
        }
        text = json.dumps(finite | {"step": step}, indent=4)
        (folder / "metrics.json").write_text(text, encoding="utf-8")
