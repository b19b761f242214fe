"""How things are measured: side by side in turns, as medians with their spread."""

import ctypes
import gc
import hashlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# Two threads on two free cores do about twice the work of one; below this, something else ran.
FREE = 1.7
_BURN_BYTES = 1 << 25


@dataclass(frozen=True)
class Sizes:
    """How much is measured. A "day" is a file of `day_rows` rows, about one a second, and a
    month has `month_days` of them; `series` are the multiples of `series_days` days of the
    scale series; `noise` is how far apart two trainings that differ by their shuffles may be,
    in skill."""

    name: str
    rounds: int
    day_rows: int
    month_days: int
    vectors: tuple[int, ...]
    horizons: tuple[float, ...]
    referenced: int
    matrix_rows: int
    ridge_days: int
    ranked_rows: int
    resampled_rows: int
    resamples: int
    evaluated_rows: int
    train_rows: int
    batches: tuple[int, ...]
    epochs: int
    chain_epochs: int
    noise: float
    networks: tuple[str, ...]
    series: tuple[int, ...]
    series_days: int


FULL = Sizes(
    name="full",
    rounds=5,
    day_rows=86_400,
    month_days=30,
    vectors=(1_000_000, 5_000_000),
    horizons=(60.0, 600.0),
    referenced=100,
    matrix_rows=1_000_000,
    ridge_days=20,
    ranked_rows=5_000_000,
    resampled_rows=1_000_800,  # a whole number of cells, as the peer has no other
    resamples=1000,
    evaluated_rows=1_000_000,
    train_rows=262_144,
    batches=(256, 1024, 4096),
    epochs=6,
    chain_epochs=12,
    noise=0.01,
    networks=("mlp", "silos"),
    series=(1, 2, 4, 8, 12),
    series_days=30,
)
QUICK = Sizes(
    name="quick",
    rounds=1,
    day_rows=6000,
    month_days=3,
    vectors=(20_000,),
    horizons=(60.0,),
    referenced=20,
    matrix_rows=4000,
    ridge_days=3,
    ranked_rows=5000,
    resampled_rows=36_000,
    resamples=20,
    evaluated_rows=20_000,
    train_rows=4096,
    batches=(1024,),
    epochs=2,
    chain_epochs=2,
    noise=0.2,
    networks=("silos",),
    series=(1, 2),
    series_days=3,
)


@dataclass(frozen=True)
class Bench:
    """What a topic is given: sizes, a folder for data that may be kept, one to work in."""

    sizes: Sizes
    cache: Path
    work: Path


@dataclass(frozen=True)
class Measurement:
    """One line of the table. `figures` has one number a round, and `goal` is a limit of their
    median: at least that if `least`, else at most. `ours` and `peer` are medians in `unit`;
    a comparison with nothing has no `peer`. `peak_mb` is the peak of our process where it was one
    of its own; `series` is (rows, seconds, peak MB) by size."""

    step: str
    what: str
    size: str
    unit: str
    ours: float
    peer: float | None
    figures: tuple[float, ...]
    goal: float | None = None
    least: bool = True
    peak_mb: float | None = None
    series: tuple[tuple[float, float, float], ...] = ()

    @property
    def figure(self) -> float:
        return statistics.median(self.figures)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached, None without one."""
        if self.goal is None:
            return None
        return self.figure >= self.goal if self.least else self.figure <= self.goal


def faster(
    step: str,
    what: str,
    size: str,
    ours: Sequence[float],
    peer: Sequence[float],
    *,
    goal: float | None = None,
) -> Measurement:
    """How many times as long as ours the peer takes, round by round."""
    ratios = tuple(its / mine for mine, its in zip(ours, peer, strict=True))
    return Measurement(
        step, what, size, "s", statistics.median(ours), statistics.median(peer), ratios, goal
    )


def within(
    step: str,
    what: str,
    size: str,
    ours: Sequence[float],
    peer: Sequence[float],
    *,
    goal: float | None = None,
    unit: str = "s",
) -> Measurement:
    """How many times as much as the peer ours takes, round by round."""
    ratios = tuple(mine / its for mine, its in zip(ours, peer, strict=True))
    return Measurement(
        step,
        what,
        size,
        unit,
        statistics.median(ours),
        statistics.median(peer),
        ratios,
        goal,
        least=False,
    )


def absolute(
    step: str, what: str, size: str, ours: Sequence[float], *, goal: float | None, unit: str = "s"
) -> Measurement:
    """A figure that is compared with its goal alone."""
    middle = statistics.median(ours)
    return Measurement(step, what, size, unit, middle, None, tuple(ours), goal, least=False)


def in_turn(
    calls: Mapping[str, Callable[[], Any]], rounds: int, *, warm: bool = True
) -> dict[str, list[float]]:
    """Seconds of each call in each round. In turns, so that other load falls on all alike;
    `warm` calls each once before, to compile and to fill caches."""
    if warm:
        for call in calls.values():
            call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            gc.collect()
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def copier(*arrays: np.ndarray) -> Callable[[], None]:
    """A copy of arrays into memory that is there already: what moving the bytes alone takes."""
    targets = [array.copy() for array in arrays]

    def copy() -> None:
        for target, array in zip(targets, arrays, strict=True):
            np.copyto(target, array)

    return copy


def more_memory(call: Callable[[], Any]) -> int:
    """Bytes by which this process's peak is above what it holds before the call, result
    included. Linux alone can say so."""
    gc.collect()
    # What was freed but kept by malloc would hide as much.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    result = call()
    peak = _status("VmHWM")
    del result
    return peak - before


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status says no {name}")


def same(what: str, ours: Any, peer: Any, *, within: float = 0.0) -> None:
    """Stop the benchmark unless both sides gave the same answer: arrays or numbers that differ
    by at most `within`, and NaN in the same places."""
    mine, its = np.asarray(ours), np.asarray(peer)
    if mine.shape != its.shape:
        raise AssertionError(f"{what}: {mine.shape} is not of the peer's shape {its.shape}")
    if within == 0.0:
        alike = mine == its
    else:
        with np.errstate(invalid="ignore"):
            alike = np.abs(mine - its) <= within
    if mine.dtype.kind == "f":
        alike |= np.isnan(mine) & np.isnan(its)
    if not alike.all():
        at = np.unravel_index(int(np.argmin(alike)), alike.shape)
        raise AssertionError(
            f"{what}: {np.count_nonzero(~alike)} of {alike.size} values are not the peer's, such "
            f"as {mine[at]!r} for {its[at]!r} at {tuple(map(int, at))}"
        )


def free_cores() -> float:
    """How many times the work of one thread two threads do: near 2 if both cores are free."""
    block = bytes(_BURN_BYTES)

    def burn(_: int) -> None:
        hashlib.sha256(block).digest()

    with ThreadPoolExecutor(2) as pool:
        seconds = in_turn(
            {"one": lambda: burn(0), "two": lambda: list(pool.map(burn, range(2)))}, 3
        )
    return 2 * statistics.median(seconds["one"]) / statistics.median(seconds["two"])


def number(rows: int) -> str:
    """A number of rows for people: 1 M, 86,400."""
    if rows >= 1_000_000:
        return f"{rows / 1e6:.3g} M"
    return f"{rows:,}"
