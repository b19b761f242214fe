"""A small evaluation, made by hand: its figures, for those who read them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from alpha.core.artifacts import write_json
from alpha.data.columns import SPLITS
from alpha.evaluate import figures
from alpha.evaluate.details import Details, Flag, Model, Rung, Verdict
from alpha.evaluate.figures import Figures, Row, table

MEANING = "an upper bound: abs_max is direction-free"
LEVELS = (0.1, 0.5, 0.9)


class Over(NamedTuple):
    """A figure over seeds."""

    value: float | None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    seeds: int = 2
    reason: str | None = None


def over(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    spread: float | None = None,
    seeds: int = 2,
) -> Over:
    return Over(value, low, high, spread, seeds)


def threshold(
    bps: float,
    after_fees: float | None,
    low: float | None,
    *,
    windows: int = 100,
    lift: float | None = 2.0,
) -> dict[str, Any]:
    """A check whose after-fees interval is symmetric."""
    high = None if after_fees is None or low is None else 2 * after_fees - low
    return {
        "event": repr(float(bps)),
        "seeds": 2,
        "rows": 1000,
        "label_above": 200,
        "prediction_above": 100,
        "both": 40,
        "windows": windows,
        "base_rate": 0.2,
        "precision": 0.4,
        "recall": 0.2,
        "lift": lift,
        "realised_bps": None if after_fees is None else after_fees + 15,
        "after_fees_bps": Over(after_fees, low, high),
    }


EVENT = {
    "event": "outcome > 10 bps",
    "base_rate": 0.2,
    "average_precision": Over(0.45, 0.4, 0.5),
    "decile_lift": Over(2.5, 2.2, 2.8),
}
DAYS = [
    {"slice": f"day {name}", "rows": 500, "skill": skill, "rank_ic": 0.3, "std_ratio": 1}
    for name, skill in (("2024-01-01", 0.4), ("2024-01-02", None), ("2024-01-03", -0.2))
]
FINE: dict[str, Any] = {
    "loss": over(1e-7),
    "rank_ic": over(0.25, 0.2, 0.3),
    "rank_ic_days": over(0.24, spread=0.05),
    "mse": over(1e-7),
    "mae": over(2e-4),
    "std_ratio": over(0.5),
    "near_mean_share": over(0.1),
    "non_finite": 0,
    "prediction_quantiles": [1e-4, 3e-4, 6e-4],
    "prediction_counts": [500.0, 500.0],
    "thresholds": [threshold(10, 4.0, 2.0)],
    "events": [EVENT],
    "days": DAYS,
    "regimes": [],
    "undefined": {},
}


def rows(
    model: str,
    split: str,
    found: Mapping[str, Any],
    *,
    levels: Sequence[float] = LEVELS,
    **at: Any,
) -> Iterator[Row]:
    """Of figures by name: numbers, `Over`, or lists of what they are by event or by slice."""
    where = {"model": model, "split": split} | at
    for name, value in found.items():
        if name == "undefined":
            yield from (Row(**where, figure=one, reason=why) for one, why in value.items())
        elif name.endswith("_quantiles"):
            for level, one in zip(levels, value, strict=True):
                yield Row(**where, figure=name[:-1], event=repr(level), value=one)
        elif name.endswith("counts"):
            for number, one in enumerate(value):
                yield Row(**where, figure=name[:-1], event=str(number), value=one)
        elif isinstance(value, list):
            for one in value:
                place = {key: one[key] for key in ("slice", "event") if key in one}
                inside = {key: of for key, of in one.items() if key not in place}
                yield from rows(model, split, inside, **at | place)
        elif isinstance(value, Over):
            more = found.get("undefined", {}).get(name) or value.reason
            yield Row(
                **where, figure=name, value=value[0], low=value[1], high=value[2], reason=more
            )
            if value.spread is not None:
                yield Row(**where, figure=f"{name}_spread", value=value.spread)
            if name == "skill":
                yield Row(**where, figure="skill_seeds", value=value.seeds)
        else:
            yield Row(**where, figure=name, value=value)


def _run(model: str, seed: int, skill: float) -> Iterator[Row]:
    figures = {"rows": 1000, "skill": skill, "rank_ic": 0.25, "constant_loss": 2e-7}
    for split in SPLITS:
        yield from rows(model, split, figures, seed=seed)
    yield from rows(model, "train", {"epochs": 7, "best_epoch": 5}, seed=seed)


IMPORTANCE = {"book": over(0.01, spread=0.002), "spread": over(0.09), "x": over(None)}
VERDICTS = {
    "mean": Verdict(name="collapsed", sentence="It is a constant.", figures={}, flags=[]),
    "silos": Verdict(
        name="skill_not_actionable",
        sentence="It has skill, but −4 bps.",
        figures={"test_skill": 0.3},
        flags=[Flag(name="label_shift", sentence="The label moved.")],
    ),
}
LADDER = [
    Rung(model="mean", against=None, improves=None, sentence="The lowest rung."),
    Rung(
        model="silos",
        against="mean",
        improves=True,
        sentence="Worth its complexity: it beats mean.",
    ),
]


def details(
    changed: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    importance: Mapping[str, Over] = IMPORTANCE,
    **other: Any,
) -> Details:
    """Two models: `mean`, which is collapsed, and `silos`, which has skill and a flag. `changed`
    are other figures of a model on every split, or by "model split" on one; also of the label, the
    oracle or "all" on one."""
    changed = changed or {}
    skills = {
        "mean": {"skill": over(0.0, 0.0, 0.0), "std_ratio": over(0.0)},
        "silos": {"skill": over(0.3, 0.2, 0.5, spread=0.01)},
    }
    label = {"rows": 1000, "days": 3, "zero_share": 0.4, "mean": 3e-4, "std": 2e-4}
    made: list[Row] = []
    for split in SPLITS:
        more = {"label_quantiles": [0.0, 3e-4, 9e-4], "counts": [500, 500]}
        more |= changed.get(f"label {split}", {})
        made += rows("oracle", split, changed.get(f"oracle {split}", {}))
        made += rows("all", split, changed.get(f"all {split}", {}))
        made += (
            row._replace(figure=row.figure.removeprefix("label_"))
            for row in rows("label", split, label | more)
        )
        for model, skill in skills.items():
            of_model = FINE | skill | changed.get(model, {}) | changed.get(f"{model} {split}", {})
            # The level of the outcome did not move, if nothing else is said.
            made += rows(model, split, {"hindsight": Over(*of_model["skill"][:3])} | of_model)
    for model, skill in (("mean", 0.0), ("silos", 0.3)):
        for seed in (0, 1):
            made += _run(model, seed, skill)
    families = [{"event": name, "importance": lost} for name, lost in importance.items()]
    made += rows("silos", "valid", {"importance": families})
    between = {"skill_difference": Over(0.3, 0.2, 0.5), "oracle_share": Over(0.6, 0.5, 0.7)}
    made += rows("silos", "test", between)
    models = {
        name: Model(seeds=[0, 1], configuration=f"{name[0]}1", verdict=verdict)
        for name, verdict in VERDICTS.items()
    }
    content = {
        "models": list(models),
        "runs": [f"{model}-{seed}" for model in models for seed in (0, 1)],
        "loss": "squared error",
        "classes": [],
        "train_rows": 1000,
        "train_mean": 3e-4,
        "train_std": 2e-4,
        "tolerance": 1e-6,
        "bin_edges": [0.0, 1e-4, 2e-4],
        "regime_cuts": [],
        "round_trip_bps": 15.0,
        "threshold_meaning": MEANING,
        "level": 0.95,
        "tries": 1,
        "resamples": 2000,
        "block_seconds": 1200.0,
        "test_digest": "d1",
        "oracle_reason": "data is not simulated",
        "ladder": LADDER,
        "by_model": models,
        "figures": Figures(table(made)),
    }
    return Details(**content | other)


def write(path: Path, made: Details) -> None:
    """As `alpha evaluate` writes details.json, and what is beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, made.model_dump(mode="json"))
    figures.write(path.parent / figures.NAME, made.figures.table)
