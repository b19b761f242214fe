"""What differs where only weights of networks do, as on another make of processor, in words."""

import json
from collections.abc import Iterable, Sequence

import h5py

from alpha.history.verify import contents
from alpha.history.verify.differences import Difference

METRICS = "results/evaluate/metrics.json"
PREDICTIONS = "results/predict/"


def are_weights(one: Difference) -> bool:
    return one.path.endswith(".weights.h5")


def what_follows(trained: Iterable[Difference], found: Sequence[Difference]) -> str:
    """Which weights of `trained` differ, by how much predictions do at most, and whether the
    verdicts do; `found` is all that differs."""
    names = [one for one in trained if are_weights(one)]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    line = "only what follows from network weights differs"
    return f"{line}: {names[0]}{more}; {_predictions(found)}; {_verdicts(found)}"


def _predictions(found: Iterable[Difference]) -> str:
    moved = [one for one in found if one.path.startswith(PREDICTIONS)]
    files = [(one.before, one.after) for one in moved if one.path.endswith(".h5")]
    if not moved:
        return "predictions are the same"
    if not files or any(before is None or not h5py.is_hdf5(before) for before, _ in files):
        return "predictions differ, and the recorded ones are not at hand"
    most = max(contents.largest(before, after) for before, after in files if before)
    return f"predictions differ by at most {most:.1e}"


def _verdicts(found: Iterable[Difference]) -> str:
    metrics = next((one for one in found if one.path == METRICS), None)
    if metrics is None:
        return "every verdict is the same"
    if metrics.before is None:
        return "the recorded verdicts are not at hand"
    then, now = (json.loads(path.read_text()) for path in (metrics.before, metrics.after))
    others = [
        f"{name}: {model.get('verdict')} → {now.get(name, {}).get('verdict')}"
        for name, model in then.items()
        if model.get("verdict") != now.get(name, {}).get("verdict")
    ]
    return f"verdicts differ ({', '.join(others)})" if others else "every verdict is the same"
