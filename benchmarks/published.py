"""A published case of a leak: an order-book data set whose test rows were drawn at random from the
minutes that its training rows come from. The same rows, features and labels, split in two ways.

The rows are those of AAPL on 2012-05-22 that the authors of doutib/lobpredict (ISC) drew, with
their labels, which look 30 events (MP) and 1,000 events (SC) ahead, and their own draw into train,
validation and test; and the project's label `direction` of the same quotes. Random splits live
here alone: no step of the workflow can make one.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from alpha.check import Params
from alpha.core.frames import open_frame
from alpha.data.features import last_of_each
from alpha.label.targets import compute
from alpha.learn.dataset import Dataset, Known
from alpha.split.ranges import KEPT, holdout, row_status
from benchmarks.fits import Estimate, Judge, Rows, fitted, normalized

FILE, PUBLISHED = "AAPL-data-22-05-2012.h5", "aapl_published.csv.gz"
# How many events the published labels look ahead.
EVENTS = {"MP": 30, "SC": 1000}
# What the project's label `direction` is of: whether, and where, the spread is crossed within 10 s.
DIRECTION = {
    "horizon_seconds": 10.0, "price": "touch", "target": "direction", "threshold_bps": 0.0,
}  # fmt: skip
# As the authors shared the rows out, in that order.
SHARES = {"train": 0.5, "valid": 0.25, "test": 0.25}
EMBARGO_SECONDS = 60.0
# Longer than the longest window; test has eight of them, the hour after twenty-three.
BLOCK_SECONDS = 150.0
# 10,000 rows, not millions: smaller leaves (LightGBM's default), smaller batches, more epochs.
SMALL = {
    "lightgbm": {"min_data_in_leaf": 20},
    "train": {"batch_size": 256, "epochs": 60, "patience": 10},
}
MODELS = ("ridge", "mlp", "lightgbm")
MAJORITY, NEAREST, FOREST = "majority class", "nearest row in time", "random forest"


class Draw(NamedTuple):
    """Row numbers, ascending: what is fitted on, what it stops by, and what it is judged on."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


class Case(NamedTuple):
    """A label, and the rows that have one. `longest_ns` is no less than any row's window; `later`
    are the rows of the hour after, `random` and `by_time` share out those before it."""

    label: str
    rows: Rows
    longest_ns: int
    random: Draw
    by_time: Draw
    later: np.ndarray


def at_random(rows: int, *, seed: int) -> Draw:
    """Share out so many rows by chance, whenever they are."""
    order = np.random.default_rng(seed).permutation(rows)
    cuts = np.cumsum([round(rows * share) for share in SHARES.values()])[:-1]
    return Draw(*(np.sort(part) for part in np.split(order, cuts)))


def by_time(time_ns: np.ndarray, longest_ns: int, params: Params) -> Draw:
    """Share out rows at ascending times by time, as the step `split` does: a row is purged if a
    window of `longest_ns` from it reaches the next range, which starts with an embargo."""
    update = {"fractions": SHARES, "times": None, "embargo_seconds": EMBARGO_SECONDS}
    splits = params.split.model_copy(update=update)
    span_ns = int(time_ns[-1] - time_ns[0])
    ranges = holdout(splits, lambda: [time_ns], max_gap_ns=span_ns)
    sound = np.zeros(len(time_ns), dtype=np.int8)
    which, status = row_status(time_ns, sound, ranges, horizon_ns=longest_ns)
    return Draw(*(np.flatnonzero((which == at) & (status == KEPT)) for at in range(len(ranges))))


def longest_window(event: np.ndarray, time_ns: np.ndarray, events: int) -> int:
    """No window of so many events of these rows is longer, in ns. Rows know the number of their
    `event` (rows,), ascending, and are some of all events: a window ends by the next of them."""
    end = np.searchsorted(event, event + events)
    seen = end < len(event)
    return int(np.max(time_ns[end[seen]] - time_ns[seen]))


def nearest(time_ns: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Which of the ascending times is nearest to each of the times `of`: the first of equals, the
    earlier of two as near."""
    right = np.clip(np.searchsorted(time_ns, of), 1, len(time_ns) - 1)
    before, after = time_ns[right - 1], time_ns[right]
    return np.searchsorted(time_ns, np.where(of - before <= after - of, before, after))


def cases(folder: Path, params: Params) -> Iterator[Case]:
    """The published labels, and the project's own."""
    with open_frame(folder / FILE) as frame:
        time_ns, x = frame.time_ns(), frame.matrix(list(frame.columns))
        bid, ask = (frame.column(side) for side in ("best_bid", "best_ask"))
    table = pd.read_csv(folder / PUBLISHED)
    event = table["index"].to_numpy()
    for label, events in EVENTS.items():
        split, longest = table[f"split_{label}"], longest_window(event, time_ns, events)
        # Rows that share a time are other events, with labels of their own: all of them stay.
        names = "train", "validation", "test", "strategy_validation"
        *drawn, after = (np.flatnonzero(split == name) for name in names)
        y = table[f"labels_{label}"].to_numpy()
        yield _case(label, Rows(time_ns, x, y), longest, Draw(*drawn), after, params)
    # Of rows that share a time the last stands, as in the step `label`.
    kept = last_of_each(time_ns, None)
    label = params.label.model_copy(update=DIRECTION)
    y = compute(time_ns[kept], bid[kept], ask[kept], label).alpha_outcome
    known = np.isfinite(y)
    rows = Rows(time_ns[kept], x[kept], y)[known]
    # The hour after starts where the authors' does.
    start_ns = time_ns[split == names[-1]].min() // 60_000_000_000 * 60_000_000_000
    before = int(np.searchsorted(rows.time_ns, start_ns))
    drawn, after = at_random(before, seed=0), np.arange(before, len(rows.y))
    yield _case("direction", rows, label.horizon_ns, drawn, after, params)


def _case(
    label: str, rows: Rows, longest_ns: int, drawn: Draw, after: np.ndarray, params: Params
) -> Case:
    shared_out = np.sort(np.concatenate(drawn))
    cut = by_time(rows.time_ns[shared_out], longest_ns, params)
    # What trained on random rows must not see the hour after either.
    clear_ns = rows.time_ns[shared_out[-1]] + longest_ns + round(EMBARGO_SECONDS * 1e9)
    later = after[rows.time_ns[after] > clear_ns]
    return Case(label, rows, longest_ns, drawn, Draw(*(shared_out[part] for part in cut)), later)


def params_of(case: Case, params: Params) -> Params:
    """How a case is fitted and judged: classes, blocks of BLOCK_SECONDS, and what SMALL has."""
    horizon = case.longest_ns / 1e9
    label = params.label.model_copy(update=DIRECTION | {"horizon_seconds": horizon})
    blocks = {"block_horizons": BLOCK_SECONDS / horizon}
    bootstrap = params.evaluate.bootstrap.model_copy(update=blocks)
    evaluate = params.evaluate.model_copy(update={"bootstrap": bootstrap})
    small = {name: getattr(params, name).model_copy(update=SMALL[name]) for name in SMALL}
    return params.model_copy(update={"label": label, "evaluate": evaluate} | small)


Figures = dict[str, Estimate]


def measure(
    case: Case, draw: Draw, judged: Sequence[np.ndarray], params: Params
) -> Iterator[tuple[str, list[Figures]]]:
    """Each model that is fitted on a draw, and its figures on each of the row numbers `judged`."""
    params = params_of(case, params)
    parts = [case.rows[part] for part in (draw.train, draw.valid, *judged)]
    train, others = parts[0], parts[2:]
    judges = [Judge(train.y, rows, params) for rows in others]
    codes, counts = np.unique(train.y, return_counts=True)
    most = [np.full(len(rows.y), codes[np.argmax(counts)]) for rows in others]
    copied = [train.y[nearest(train.time_ns, rows.time_ns)] for rows in others]
    for name, chosen in ((MAJORITY, most), (NEAREST, copied)):
        yield name, [judge.hits(one) for judge, one in zip(judges, chosen, strict=True)]
    seen = normalized(*parts, clip=params.normalize.clip)
    for model in (*MODELS, FOREST):
        predict = _forest(seen[0]) if model == FOREST else fitted(model, *seen[:2], params).predict
        found = []
        for judge, rows in zip(judges, seen[2:], strict=True):
            prediction = predict(rows.known)
            chosen = codes[np.argmax(prediction, axis=1)]
            found.append(judge.hits(chosen) | judge.figures([judge.assessed(prediction)]))
        yield model, found


def _forest(train: Dataset) -> Callable[[Known], np.ndarray]:
    """The model of the data set's authors, by scikit-learn as they had it."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(100, random_state=0, n_jobs=-1).fit(train.x, train.y)
    return lambda known: forest.predict_proba(known.x)


HEAD = (
    "| label | model | drawn at random: accuracy | balanced | skill "
    "| split by time: accuracy | balanced | skill | the hour after: accuracy |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def lines(folder: Path, params: Params) -> Iterator[str]:
    """The table in Markdown, and what it is of."""
    yield from HEAD
    sizes = []
    for case in cases(folder, params):
        random = measure(case, case.random, (case.random.test, case.later), params)
        cut = measure(case, case.by_time, (case.by_time.test,), params)
        for (model, (drawn, later)), (_, (by_time,)) in zip(random, cut, strict=True):
            cells = (
                case.label, model, percent(drawn["accuracy"].value),
                percent(drawn["balanced"].value), skill(drawn, ends=False),
                percents(by_time["accuracy"]), percents(by_time["balanced"]),
                skill(by_time, ends=True), percents(later["accuracy"]),
            )  # fmt: skip
            yield "| " + " | ".join(cells) + " |"
        counts = [
            " / ".join(f"{len(part):,}" for part in draw) for draw in (case.random, case.by_time)
        ]
        sizes.append(
            f"| {case.label} | {case.longest_ns / 1e9:.1f} s | {counts[0]} | {counts[1]} "
            f"| {len(case.later):,} |"
        )
    yield ""
    yield "| label | longest window | rows at random, train / valid / test | by time | hour after |"
    yield "| --- | --- | --- | --- | --- |"
    yield from sizes


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def percents(found: Estimate) -> str:
    if found.low is None or found.low == found.high:
        return percent(found.value)
    return f"{percent(found.value)} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def skill(found: Figures, *, ends: bool) -> str:
    """Skill, with the ends of its interval, or what stands for it."""
    if "skill" not in found:
        return "–"
    value, low, high = found["skill"]
    return f"{value:.2f}" + (f" [{low:.2f}, {high:.2f}]" if ends and low is not None else "")
