"""Small details, made by hand: what an evaluation found, for those who read it."""

from typing import Any

from alpha.core.artifacts import write_json
from alpha.data.columns import SPLITS
from alpha.evaluate.details import (
    Details,
    Ends,
    EventOverSeeds,
    Flag,
    Interval,
    Label,
    Model,
    ModelSplit,
    Oracle,
    OverSeeds,
    Run,
    Rung,
    SliceOverSeeds,
    SplitFigures,
    Threshold,
    Verdict,
)

MEANING = "an upper bound: abs_max is direction-free"


def over(
    mean: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    spread: float | None = None,
    seeds: int = 2,
) -> OverSeeds:
    return OverSeeds(mean=mean, spread=spread, seeds=seeds, low=low, high=high)


def threshold(
    bps: float,
    after_fees: float | None,
    low: float | None,
    *,
    windows: int = 100,
    lift: float | None = 2.0,
) -> Threshold:
    """A check whose after-fees interval is symmetric."""
    high = None if after_fees is None or low is None else 2 * after_fees - low
    return Threshold(
        threshold_bps=bps,
        seeds=2,
        rows=1000,
        label_above=200,
        prediction_above=100,
        both=40,
        windows=windows,
        base_rate=0.2,
        precision=0.4,
        recall=0.2,
        lift=lift,
        realised_bps=None if after_fees is None else after_fees + 15,
        after_fees_bps=after_fees,
        after_fees_low_bps=low,
        after_fees_high_bps=high,
    )


def model_split(skill: OverSeeds, **other: Any) -> ModelSplit:
    """A split on which everything is fine, but for what `other` says."""
    slices = [
        SliceOverSeeds(name=name, rows=500, skill=over(mean), rank_ic=over(0.3), std_ratio=over(1))
        for name, mean in (("2024-01-01", 0.4), ("2024-01-02", None), ("2024-01-03", -0.2))
    ]
    event = EventOverSeeds(
        name="outcome > 10 bps",
        base_rate=0.2,
        average_precision=over(0.45, 0.4, 0.5),
        decile_lift=over(2.5, 2.2, 2.8),
    )
    made = {
        "skill": skill,
        "loss": over(1e-7),
        "rank_ic": over(0.25, 0.2, 0.3),
        "rank_ic_days": over(0.24, spread=0.05),
        "mse": over(1e-7),
        "mae": over(2e-4),
        "std_ratio": over(0.5),
        "near_mean_share": over(0.1),
        "non_finite": 0,
        "label_quantiles": [0.0, 3e-4, 9e-4],
        "prediction_quantiles": [1e-4, 3e-4, 6e-4],
        "prediction_counts": [500.0, 500.0],
        "thresholds": [threshold(10, 4.0, 2.0)],
        "events": [event],
        "days": slices,
        "regimes": [],
    }
    return ModelSplit(**made | other)


def run(model: str, seed: int, skill: float | None) -> Run:
    figures = SplitFigures(
        rows=1000,
        non_finite=0,
        loss=1e-7,
        constant_loss=2e-7,
        skill=skill,
        mse=1e-7,
        mae=2e-4,
        rank_ic=0.25,
        std_ratio=0.5,
        label_zero_share=0.4,
        near_mean_share=0.1,
        label_quantiles=[],
        prediction_quantiles=[],
        prediction_counts=[],
        thresholds=[],
        events=[],
        calibration=[],
        days=[],
        regimes=[],
        intervals={"skill": Ends(low=0.2, high=0.4)},
        clipped=0,
        replaced=0,
        undefined={},
    )
    return Run(
        model=model,
        seed=seed,
        epochs=7,
        best_epoch=5,
        importance={},
        splits=dict.fromkeys(SPLITS, figures),
    )


def details(**other: Any) -> Details:
    """Two models: `mean`, which is collapsed, and `silos`, which has skill and a flag."""
    no_interval = Interval(reason="data is not simulated")
    models = {
        "mean": Model(
            seeds=[0, 1],
            configuration="m1",
            splits=dict.fromkeys(SPLITS, model_split(over(0.0, 0.0, 0.0), std_ratio=over(0.0))),
            importance={},
            oracle_share=no_interval,
            verdict=Verdict(name="collapsed", sentence="It is a constant.", figures={}, flags=[]),
        ),
        "silos": Model(
            seeds=[0, 1],
            configuration="s1",
            splits=dict.fromkeys(SPLITS, model_split(over(0.3, 0.2, 0.5, spread=0.01))),
            importance={"book": over(0.01, spread=0.002), "spread": over(0.09), "x": over(None)},
            oracle_share=Interval(value=0.6, low=0.5, high=0.7),
            verdict=Verdict(
                name="skill_not_actionable",
                sentence="It has skill, but −4 bps.",
                figures={"test_skill": 0.3},
                flags=[Flag(name="label_shift", sentence="The label moved.")],
            ),
        ),
    }
    ladder = [
        Rung(
            model="mean",
            against=None,
            skill_difference=Interval(reason="the lowest rung"),
            worth=None,
            sentence="The lowest rung.",
        ),
        Rung(
            model="silos",
            against="mean",
            skill_difference=Interval(value=0.3, low=0.2, high=0.5),
            worth=True,
            sentence="Worth its complexity: it beats mean.",
        ),
    ]
    runs = [
        run(model, seed, skill)
        for model, skill in (("mean", 0.0), ("silos", 0.3))
        for seed in (0, 1)
    ]
    label = Label(rows=1000, days=3, zero_share=0.4, mean=3e-4, std=2e-4, counts=[500, 500])
    made = {
        "models": list(models),
        "runs": [f"{one.model}-{one.seed}" for one in runs],
        "loss": "squared error",
        "classes": [],
        "train_rows": 1000,
        "train_mean": 3e-4,
        "train_std": 2e-4,
        "hair": 1e-6,
        "quantile_levels": [0.1, 0.5, 0.9],
        "bin_edges": [0.0, 1e-4, 2e-4],
        "regime_cuts": [],
        "round_trip_bps": 15.0,
        "threshold_meaning": MEANING,
        "level": 0.95,
        "tries": 1,
        "resamples": 2000,
        "block_seconds": 1200.0,
        "test_digest": "d1",
        "labels": dict.fromkeys(SPLITS, label),
        "shift": [],
        "oracle": Oracle(skill={}, rank_ic={}, reason="data is not simulated"),
        "ladder": ladder,
        "by_run": {f"{one.model}-{one.seed}": one for one in runs},
        "by_model": models,
    }
    return Details(**made | other)


def write(path: Any, made: Details) -> None:
    """As `alpha evaluate` writes details.json."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, made.model_dump(mode="json"))
