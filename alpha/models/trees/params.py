"""Params of boosted trees, by LightGBM's own names."""

from typing import Annotated, ClassVar

from pydantic import Field

from alpha.core.params import Count, Positive, Section

Fraction = Annotated[float, Field(gt=0, le=1, strict=True)]


class Lightgbm(Section):
    renamed: ClassVar = {
        "trees": "n_estimators",
        "patience": "early_stopping_rounds",
        "leaves": "num_leaves",
        "rows_per_leaf": "min_data_in_leaf",
        "feature_share": "feature_fraction",
        "row_share": "bagging_fraction",
    }

    learning_rate: Positive
    n_estimators: Count
    early_stopping_rounds: Count
    num_leaves: Annotated[int, Field(ge=2, le=131072, strict=True)]
    min_data_in_leaf: Count
    feature_fraction: Fraction
    bagging_fraction: Fraction


SECTIONS: dict[str, type[Section]] = {"lightgbm": Lightgbm}
