"""A simulated market with a known answer: daily feature files, and the oracle beside them."""

from pathlib import Path

import numpy as np

from alpha.core.artifacts import whole_folder, write_json
from alpha.core.frames import Block, write_frame
from alpha.core.text import track
from alpha.simulate import days, defects, oracle
from alpha.simulate.days import Day
from alpha.simulate.params import Simulate


def run(params: Simulate, *, out: Path) -> None:
    """Write out/{symbol}-data-DD-MM-YYYY.h5, a file a day, and out/oracle/ with the same names.

    Feature files hold best_bid and best_ask (float64) and the features (float32). Oracle files
    hold `oracle` (float64), the expected default label given the market's hidden state, on the
    same timestamps, duplicates included; out/oracle/oracle.json names the label. Raises
    InputError if the price comes too close to 0.
    """
    with whole_folder(out) as part:
        (part / "oracle").mkdir()
        write_json(part / "oracle" / "oracle.json", oracle.LABEL)
        for day in track(days.each(params), "simulate", total=params.days):
            found = defects.apply(
                day, params.defects, seed=params.seed, rows_per_day=params.rows_per_day
            )
            quotes = np.column_stack((found.best_bid, found.best_ask))
            blocks = [Block(("best_bid", "best_ask"), quotes), Block(day.names, found.features)]
            name = _file_name(params, day)
            truth = Block(("oracle",), found.oracle[:, None])
            for path, columns in ((part / name, blocks), (part / "oracle" / name, [truth])):
                write_frame(path, found.time_ns, columns, tz_aware=True)


def _file_name(params: Simulate, day: Day) -> str:
    year, month, date = str(np.datetime64(params.start, "D") + day.number).split("-")
    return f"{params.symbol}-data-{date}-{month}-{year}.h5"
