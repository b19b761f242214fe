"""What benchmarks.calibration found, in Markdown and as a plot: each rate with its own interval."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

from alpha.audit.findings import SEVERITIES
from alpha.evaluate.details import Flag
from benchmarks import coverage

# What was found in each piece of work, by the group of the pieces.
Groups = Mapping[str, Sequence[Any]]
_SKILLED = ("skill_not_actionable", "actionable_on_paper")
_FLAGS: tuple[str, ...] = Flag.model_fields["name"].annotation.__args__
_INTRODUCTION = """\
# Calibration

How often does this program find what is not there? `python -m benchmarks.calibration` measures it
on simulated markets, and writes this page; in brackets is the 95 % interval of each rate (Wilson,
1927). A skill is above 0 if the low end of its two-sided 95 % interval is: where there is nothing
to learn, the level promises 2.5 % at most.

![How often intervals hold the truth, and how often skill is found]({plot})
"""
_NOTHING = """
## Where there is nothing to learn

{markets} markets without signal and without volatility regimes{what}: five days, of which the last
is test. Outcomes are independent of all that is known before. A verdict names a skill only if it is
proven, which asks for more than that it is above 0, and the model is no mere constant.
"""
_FALSE_ALARMS = """
The share of these markets in which any model raises a flag{audit}. What is learned where there is
nothing to learn is noise, so that `overfit` is right; and without regimes the spread is one tick,
which, relative to the mid, is a price level: it drifts, and leaves the range that train saw.

"""
_AUDIT = ", and in which the audit finds something, by severity and kind"
_SOMETHING = """
## Where there is something to learn

Markets in which order flow moves a little of what follows, so that the best forecast there can be
has the skill in the first column on test (mean over the markets). How often that forecast's skill
is above 0, which is what a day of test can show at most, and how often a model's verdict is that it
has skill:
"""
_COVERAGE = """
## How often intervals hold the truth

Splits are drawn from two markets, one as simulated by default, one with the volatility of a real
day of ETHUSD, where spells last for an hour; fixed models are judged on each of them, and the
truth is their skill over all draws (benchmarks/coverage.py says how all of it is drawn). 95 % of
intervals should hold it. Beside it are intervals with blocks no longer than
`evaluate.bootstrap.block_horizons`: they are narrower, and wrong more often.
"""


def wilson(count: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """The score interval of a rate of `count` in `of`, at least one. Source: Wilson (1927)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate, part = count / of, z * z / of
    center, reach = rate + part / 2, z * math.sqrt(rate * (1 - rate) / of + part / of / 4)
    return (center - reach) / (1 + part), (center + reach) / (1 + part)


def rate(count: int, of: int) -> str:
    """A rate with its interval, in percent."""
    if not of:
        return "–"
    low, high = wilson(count, of)
    return f"{100 * count / of:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def markdown(groups: Groups, *, plot: str) -> str:
    """The whole of calibration.md; `plot` is the name of the picture beside it."""
    text = _INTRODUCTION.format(plot=plot)
    for group, what in (("nothing", ""), ("networks", ", with networks")):
        for found in (found for name, found in groups.items() if name.split("/")[0] == group):
            text += _NOTHING.format(markets=len(found), what=what) + _of_nothing(found)
    if power := _power(groups):
        text += _SOMETHING + "\n" + _power_table(power)
    if covered := _covered(groups):
        text += _COVERAGE + "\n" + _coverage_table(covered)
    return text


def _of_nothing(found: Sequence[Any]) -> str:
    """Tables of false skill and of false alarms."""
    markets, models = len(found), list(found[0]["models"])
    above = {name: [one["models"][name]["above"] for one in found] for name in models}
    called = {
        name: [one["models"][name]["verdict"] in _SKILLED for one in found] for name in models
    }
    rows = [
        (f"`{name}`", rate(sum(above[name]), markets), rate(sum(called[name]), markets))
        for name in models
    ]
    either = (sum(map(any, zip(*of.values(), strict=True))) for of in (above, called))
    rows.append(("any of them", *(rate(count, markets) for count in either)))
    text = "\n" + table(("model", "skill above 0", "verdict names skill"), rows)
    raised = Counter(
        flag
        for one in found
        for flag in {flag for model in one["models"].values() for flag in model["flags"]}
    )
    alarms = [(f"flag `{flag}`", rate(raised[flag], markets)) for flag in _FLAGS]
    audited = [one for one in found if one["findings"] is not None]
    alarms += _heard(audited)
    text += _FALSE_ALARMS.format(audit=_AUDIT if audited else "")
    return text + table(("alarm", "markets"), alarms)


def _heard(found: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """In how many markets the audit finds something, by severity and kind."""
    every = [{tuple(pair) for pair in one["findings"]} for one in found]
    kinds = Counter(kind for of in every for kind in of)
    severities = Counter(severity for of in every for severity in dict(of))
    for severity in SEVERITIES if found else ():
        yield f"audit: any {severity}", rate(severities[severity], len(found))
        for (of, kind), count in sorted(kinds.items()):
            if of == severity:
                yield f"… `{kind}`", rate(count, len(found))


def _power(groups: Groups) -> list[tuple[float, int, dict[str, int]]]:
    """By strength of signal: the oracle's mean skill, the markets, and in how many it is above 0,
    and each model's verdict names skill."""
    told = []
    for found in (found for name, found in groups.items() if name.split("/")[0] == "something"):
        oracles = [one["oracle"] for one in found if one["oracle"] is not None]
        counts = {"oracle": sum(one["oracle_above"] for one in found)} | {
            name: sum(one["models"][name]["verdict"] in _SKILLED for one in found)
            for name in found[0]["models"]
        }
        told.append((sum(oracles) / max(1, len(oracles)), len(found), counts))
    return told


def _power_table(power: list[tuple[float, int, dict[str, int]]]) -> str:
    rows = [
        (f"{100 * skill:.2f} %", f"{markets}", *(rate(count, markets) for count in of.values()))
        for skill, markets, of in power
    ]
    return table(("oracle's skill", "markets", *(f"`{name}`" for name in power[0][2])), rows)


def _covered(groups: Groups) -> dict[tuple[str, int], dict[str, Any]]:
    """By kind and hours of a split, what coverage.summary says."""
    found = {}
    for name, batches in groups.items():
        group, *about = name.split("/")
        if group == "coverage":
            found[about[0], int(about[1])] = coverage.summary(list(batches))
    return found


def _coverage_table(covered: Mapping[tuple[str, int], dict[str, Any]]) -> str:
    rows = []
    for (kind, hours), by_cut in covered.items():
        for ours, short in zip(*(by_cut[cut] for cut in coverage.CUTS), strict=True):
            name, held, draws, width = ours
            where = f"{kind}, {coverage.HOURS[hours]}"
            cells = (rate(held, draws), f"{width:.3f}", rate(short[1], draws), f"{short[3]:.3f}")
            rows.append((where, f"{draws:,}", name, *cells))
    head = ("split", "draws", "figure", "held", "mean width", "shortest blocks", "mean width")
    return table(head, rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def plot(groups: Groups, path: Path) -> None:
    """Coverage by split and figure, and the share of markets in which models have skill."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "humble-alpha", "font.size": 8}):
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6))
        covered = _covered(groups)
        places = [f"{kind}, {coverage.HOURS[hours]}" for kind, hours in covered]
        for cut, color in zip(coverage.CUTS, ("#3a7d44", "#b5482f"), strict=True):
            for at, by_cut in enumerate(covered.values()):
                shares = [100 * held / draws for _, held, draws, _ in by_cut[cut]]
                label = f"blocks {cut}" if at == 0 else None
                left.plot(shares, [at] * len(shares), "o", color=color, alpha=0.6, label=label)
        left.set_yticks(range(len(places)), places)
        left.invert_yaxis()
        left.axvline(95, color="black", linewidth=0.8)
        left.set_xlabel("% of 95 % intervals that hold the truth; a dot a figure")
        if places:
            left.legend(loc="lower left")
        power = sorted(_power(groups), key=lambda one: one[0])
        for name in power[0][2] if power else ():
            skills, rates = zip(
                *((100 * skill, of[name] / n) for skill, n, of in power), strict=True
            )
            ends = [wilson(of[name], markets) for _, markets, of in power]
            reach = [
                [abs(100 * (one - end[side])) for one, end in zip(rates, ends, strict=True)]
                for side in (0, 1)
            ]
            right.errorbar(skills, [100 * one for one in rates], reach, marker="o", label=name)
        right.set(xlabel="the oracle's skill, %", ylabel="% of markets in which skill is found")
        if power:
            right.legend()
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
