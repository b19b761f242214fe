"""Independent random streams: one for each purpose and day, all from one seed."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream decides. Numbers are part of a market's identity: never renumber."""

    REGIME = 0
    PRESSURE = 1
    SPREAD = 2
    STEP = 3
    BOOK = 4
    FLOW = 5
    GAPS = 6
    DUPLICATES = 7
    NAN = 8
    INF = 9
    CONSTANT = 10
    CROSSED = 11


def generator(seed: int, stream: Stream, day: int) -> np.random.Generator:
    """The stream of one day, where −1 is the warm-up before the first.

    No stream depends on another or on another day's draws, so that a change of one (a defect
    switched off, a day appended) leaves all that the others decide as it was.
    """
    return np.random.default_rng(np.random.SeedSequence((seed, int(stream), day + 1)))
