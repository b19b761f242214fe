"""Params of the judgement: the evaluation's figures, and the limits of its verdicts."""

from typing import Annotated

from pydantic import Field

from alpha.core.params import Count, NonNegative, Positive, Section, Seed

Share = Annotated[float, Field(ge=0, le=1, strict=True)]


class Fees(Section):
    taker_bps: Annotated[float, Field(ge=-1e6, le=1e6)]
    maker_bps: Annotated[float, Field(ge=-1e6, le=1e6)]


class Bootstrap(Section):
    level: Annotated[float, Field(gt=0.5, lt=1, strict=True)]
    resamples: Annotated[int, Field(ge=100, le=100_000, strict=True)]
    # Labels overlap by up to a horizon, so a block must be longer.
    block_horizons: Annotated[float, Field(gt=1, le=1e6, strict=True)]
    seed: Seed


class Evaluate(Section):
    thresholds_bps: Annotated[tuple[NonNegative, ...], Field(min_length=1, max_length=100)]
    fees: Fees
    tries: Count
    bootstrap: Bootstrap

    @property
    def round_trip_bps(self) -> float:
        return 2 * self.fees.taker_bps


class Verdict(Section):
    """The limits of alpha/evaluate/verdict.py; docs/verdicts.md says why these."""

    collapsed_std_ratio: NonNegative
    collapsed_near_mean: Share
    actionable_windows: Count
    overfit_share: Share
    unstable_share: NonNegative
    shift_psi: Positive
    shift_p_value: Share
    leak_skill: Annotated[float, Field(gt=0, le=1, strict=True)]
