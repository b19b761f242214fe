"""The names of columns and splits, and the codes of the column `status`."""

from typing import Literal

SplitName = Literal["train", "valid", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "valid", "test")

OUTCOME_COLUMNS = ("up", "down", "alpha_outcome")
PAST_COLUMNS = ("past_outcome_1", "past_outcome_5", "past_outcome_30", "past_volatility")
# What the label step adds to a row: none of them is a feature.
LABEL_COLUMNS = (*OUTCOME_COLUMNS, *PAST_COLUMNS, "status")

# Why a row has no label: the codes of the `status` column. Where several hold, the smallest.
LABELLED = 0
END_OF_DATA = 1  # the last timestamp of the data is before the end of the window
GAP = 2  # a step that starts at the row or in its window is too long, or the window is empty
BAD_QUOTE = 3  # a quote at the row or in its window is not finite, not positive, or crossed
STALE = 4  # the row or its window meets a frozen run longer than label.max_stale_seconds

ALL = (LABELLED, END_OF_DATA, GAP, BAD_QUOTE, STALE)
