"""Params of boosted trees, by LightGBM's own names."""

from typing import Annotated

from pydantic import Field

from alpha.core.params import Count, Positive, Section

Fraction = Annotated[float, Field(gt=0, le=1, strict=True)]


class Lightgbm(Section):
    learning_rate: Positive
    n_estimators: Count
    early_stopping_rounds: Count
    num_leaves: Annotated[int, Field(ge=2, le=131072, strict=True)]
    min_data_in_leaf: Count
    feature_fraction: Fraction
    bagging_fraction: Fraction


SECTIONS: dict[str, type[Section]] = {"lightgbm": Lightgbm}
