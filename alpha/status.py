"""Why a row has no label: the codes of the `status` column. Where several hold, the smallest."""

LABELLED = 0
END_OF_DATA = 1  # the last timestamp of the data is before the end of the window
GAP = 2  # a step that starts at the row or in its window is too long, or the window is empty
BAD_QUOTE = 3  # a quote at the row or in its window is not finite, not positive, or crossed

ALL = (LABELLED, END_OF_DATA, GAP, BAD_QUOTE)
