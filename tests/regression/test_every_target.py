"""The labels of the real recordings by every target and price, in one table a recording: it sees a
single label that moves by one row.

If a change is what you meant, accept it with `pytest tests/regression --force-regen`.
"""

import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from conftest import PARAMS_TEXT

from alpha.check import parse
from alpha.data.features import Quotes, open_folder
from alpha.data.params import Label
from alpha.label.targets import Labels, compute

PARAMS = parse(PARAMS_TEXT, source="params.yaml")
TARGETS = get_args(Label.model_fields["target"].annotation)
# So low that every class is found in the illiquid one too.
LEVELS = {"threshold_bps": 1.0, "barrier_bps": 1.0}
HEADER = "target,price,labelled,mean_bps,std_bps,q50_bps,q99_bps,zero_share,moment_s,first_s,last_s"
SYMBOLS = pytest.mark.parametrize("symbol", ["ETHUSD", "BRLBTC"])


def quotes_of(realdata: Path, symbol: str) -> Quotes:
    data = PARAMS.data.model_copy(update={"pattern": f"{symbol}-*.h5"})
    folder = open_folder(realdata, data)
    return folder.quotes(folder.files[0])[0]


def labels_of(quotes: Quotes, target: str, price: str) -> Labels:
    config = PARAMS.label.model_copy(update={"target": target, "price": price, **LEVELS})
    return compute(*quotes, config)


def line(quotes: Quotes, labels: Labels) -> str:
    """The figures of one target: of outcomes in bps (1e-4, of classes too), and seconds since the
    recording's first row. `moment_s` is the sum of outcomes times seconds by that of |outcomes|,
    from sums without any rounding: all of its digits are the same everywhere, and change if any two
    outcomes that differ change places."""
    known = labels.status == 0
    outcome = labels.alpha_outcome[known]
    seconds = (quotes.time_ns[known] - quotes.time_ns[0]) * 1e-9
    moment = math.fsum(outcome * seconds) / math.fsum(np.abs(outcome))
    levels = (outcome.mean(), outcome.std(), *np.quantile(outcome, (0.5, 0.99)))
    in_bps = [f"{level / 1e-4:.6g}" for level in levels]
    share, when = np.mean(outcome == 0), [f"{seconds[end]:.3f}" for end in (0, -1)]
    return ",".join([str(len(outcome)), *in_bps, f"{share:.6g}", f"{moment!r}", *when])


@SYMBOLS
def test_labels_of_every_target_and_price_are_as_pinned(realdata, file_regression, symbol):
    quotes = quotes_of(realdata, symbol)
    rows = [
        f"{target},{price},{line(quotes, labels_of(quotes, target, price))}"
        for target in TARGETS
        for price in ("touch", "mid")
    ]
    assert len(rows) == 16
    file_regression.check("\n".join([HEADER, *rows, ""]), extension=".csv")


@SYMBOLS
@pytest.mark.parametrize("price", ["touch", "mid"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_label_that_moves_by_one_row_is_seen(realdata, symbol, target, price):
    """All of them, one to either side, or two neighbours' alone, where they differ."""
    quotes = quotes_of(realdata, symbol)
    labels = labels_of(quotes, target, price)
    before = line(quotes, labels)
    for by in (1, -1):
        assert line(quotes, Labels(*(np.roll(column, by) for column in labels))) != before
    both = (labels.status[1:] == 0) & (labels.status[:-1] == 0)
    rows = np.flatnonzero(both & (np.diff(labels.alpha_outcome) != 0))
    for row in rows[:: len(rows) // 3]:
        swapped = labels.alpha_outcome.copy()
        swapped[[row, row + 1]] = swapped[[row + 1, row]]
        assert line(quotes, labels._replace(alpha_outcome=swapped)) != before
