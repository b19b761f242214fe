"""What was measured as a table for people: on the terminal, in Markdown, and as a plot."""

import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from benchmarks.harness import FREE, Measurement, number

_COLUMNS = ("step", "beside", "size", "ours", "peer", "ratio", "goal", "reached", "our peak")
_LIBRARIES = ("numpy", "numba", "pandas", "polars", "scikit-learn", "scipy", "tensorflow", "tables")
_INTRODUCTION = """\
# Measured

`make bench` on {machine}; Python libraries {libraries}. Ratios are medians of rounds in which
both sides took turns, with the least and the most of them; before each, both sides were held to
give the same answer. A ratio with a goal "≥" is how many times as long the peer takes as we do;
with "≤", how many times as much as the peer we take. {busy}

"""
_BUSY = """\
In the steps marked with ~ two threads did less than {free} times the work of one: the cores were
not both free, and their figures say less."""


class Of(Protocol):
    """The measurements of one topic."""

    @property
    def cores(self) -> float: ...
    @property
    def measurements(self) -> Sequence[Measurement]: ...


def line(one: Measurement) -> str:
    """One measurement on one line of the terminal."""
    step, what, size, ours, peer, ratio, goal, reached, peak = _cells(one)
    beside = f"{ours} for {peer}" if peer else ours
    said = [f"{step}, {what} ({size})", beside, ratio, goal and f"goal {goal}: {reached}", peak]
    return "; ".join(part for part in said if part)


def table(found: Sequence[Of]) -> str:
    """All measurements in columns of the terminal."""
    rows = [_COLUMNS, *_rows(found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join([*lines, "", _summary(found)])


def markdown(found: Sequence[Of], *, plot: str) -> str:
    """The whole of results.md; `plot` is the name of the picture beside it."""
    busy = any(of.cores < FREE for of in found)
    text = _INTRODUCTION.format(
        machine=_machine(),
        libraries=", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        busy=_BUSY.format(free=FREE) if busy else "Both cores were free throughout.",
    )
    text += f"{_summary(found)}\n\n![how far from the goals]({plot})\n\n"
    text += _markdown_table(_COLUMNS, _rows(found))
    series = [one for of in found for one in of.measurements if one.series]
    if series:
        sizes = [f"{number(int(rows))} rows" for rows, _, _ in series[0].series]
        lines = [
            (
                one.what.split(":")[0],
                *(f"{seconds:.2f} s, {peak:.0f} MB" for _, seconds, peak in one.series),
            )
            for one in series
        ]
        text += "\n## Scale\n\n" + _markdown_table(("step", *sizes), lines)
    return text


def plot(found: Sequence[Of], path: Path) -> None:
    """By which factor each figure is better than its goal, and seconds by rows of the series."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    every = [one for of in found for one in of.measurements]
    goals = [one for one in every if one.goal is not None][::-1]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "humble-alpha", "font.size": 8}):
        figure, (left, right) = pyplot.subplots(
            2, 1, figsize=(8, 2.6 + 0.16 * len(goals)), height_ratios=(0.16 * len(goals), 2)
        )
        names = [f"{one.step}: {one.what} ({one.size})"[:90] for one in goals]
        margins = [_margin(one) for one in goals]
        colors = ["#3a7d44" if one.met else "#b5482f" for one in goals]
        left.barh(range(len(goals)), [value - 1 for value in margins], left=1, color=colors)
        left.set_yticks(range(len(goals)), names)
        left.margins(y=0.01)
        left.set_xscale("log")
        left.axvline(1, color="black", linewidth=0.8)
        left.set_xlabel("times better than the goal")
        for one in every:
            if one.series:
                rows, seconds, _ = zip(*one.series, strict=True)
                right.plot(rows, seconds, marker="o", label=one.what.split(":")[0])
        right.set(xscale="log", yscale="log", xlabel="rows", ylabel="seconds")
        if right.lines:
            right.legend()
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def _margin(one: Measurement) -> float:
    """Above 1 where the goal is reached. What takes next to nothing is 1000 times better."""
    assert one.goal is not None
    if one.least:
        return one.figure / one.goal
    return one.goal / max(one.figure, one.goal / 1000)


def _rows(found: Sequence[Of]) -> Iterator[tuple[str, ...]]:
    for of in found:
        for one in of.measurements:
            step, *cells = _cells(one)
            yield (f"{step} ~" if of.cores < FREE else step, *cells)


def _cells(one: Measurement) -> tuple[str, ...]:
    alone = one.peer is None
    ratio = "" if alone else _short(one.figure)
    if len(one.figures) > 1:
        ratio += f" [{_short(min(one.figures))}, {_short(max(one.figures))}]"
    goal = "" if one.goal is None else f"{'≥' if one.least else '≤'} {one.goal:,g}"
    return (
        one.step,
        one.what,
        one.size,
        _amount(one.ours, one.unit),
        "" if one.peer is None else _amount(one.peer, one.unit),
        ratio.strip(),
        f"{goal} {one.unit}" if alone and goal else goal,
        "" if one.met is None else "yes" if one.met else "no",
        "" if one.peak_mb is None else f"{one.peak_mb:,.0f} MB",
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _amount(value: float, unit: str) -> str:
    if unit == "s" and value < 0.1:
        return f"{value * 1000:.3g} ms"
    return f"{_short(value)} {unit}"


def _summary(found: Sequence[Of]) -> str:
    met = [one.met for of in found for one in of.measurements if one.met is not None]
    return f"{sum(met)} of {len(met)} goals reached."


def _markdown_table(head: Sequence[str], rows: Any) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def _machine() -> str:
    """Processor, cores and memory, as Linux names them."""
    about = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(row.split(":")[1].strip() for row in about if row.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {memory:.0f} GB"
