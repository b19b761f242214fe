"""What benchmarks.honesty found, in Markdown: each rate with its own interval."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.calibration_report import rate, table

_VERDICTS = ("collapsed", "no_skill", "skill_not_actionable", "actionable_on_paper")
# The fees each way, as names in what was found: those that are paid, and none.
_PAID, _FREE = "1", "0"
_INTRODUCTION = """\
# Honesty

Does "actionable on paper" mean it? `python -m benchmarks.honesty` walks forward over {folds} folds
of simulated markets, trades each fold's test on paper ([how](how-to/trade.md)), counts the
[verdicts](verdicts.md), and writes this page. In brackets is the 95 % interval of each rate
(Wilson, 1927).

A market has {days} days of {rows:,} rows, with a collector's defects. A fold trains on two days,
chooses thresholds on the next, and is judged on the one after; then all moves on by a day, so that
{folds} days are judged. Labels look 60 s ahead. Positions are entered and left at the touch, an
order arrives at the next row, and a consumer pays {fees:g} bps each way. Levels of the book but the
first, and flow over two of four windows, are left out of the features; `lightgbm` has {trees} trees
at most, networks {epochs} epochs, and both one seed. All else is as by default.
"""
_NOTHING = """
## Where nothing can be earned

How many markets' models get each verdict; without fees, how many `actionable_on_paper`; and how
many have a skill that is proven. To be actionable, skill on test must be proven, valid must have a
threshold that earns, and what that earns on test must be above 0 for sure.
"""
_ABOUT = {
    "nothing": (
        "No signal, no regimes",
        "Moves are independent of all that came before, and of one law.",
    ),
    "networks": ("No signal, no regimes, with networks", "The first of these markets again."),
    "abs_max": (
        "No signal, no regimes, a target without a side",
        "These markets with the target `abs_max`, for which the threshold check stands for trades.",
    ),
    "regimes": (
        "Regimes, no signal",
        "The price goes up as often as down, in calm hours and in bursts, whatever is known. Some "
        "skill is true here: where one side of the quote stands back, the mid comes back, by less "
        "than the spread.",
    ),
}
_SOMETHING = """
## Where something can be earned

Order flow moves what follows, in a market with the default regimes; a strength of 1 is the default.
The oracle is the best forecast there can be, as it knows the market's hidden state. The same
functions trade it as models: beyond the threshold that valid chooses in each fold. *For sure* is
where the interval of what it leaves on test is above 0. *Found* is where the verdict says
`actionable_on_paper`: of the model with most skill on valid, which is the one that the report puts
first, or of any. *Captured* is what that model earns on test in all markets, over what the oracle
does.

"""
_OF_MODELS = """
By model:

"""
_COST = """
## What it took

On a machine with two cores that others used as well, which wall clock tells more of than of the
work:

"""


def markdown(found: Mapping[str, Sequence[Any]], groups: Mapping[str, Any], **about: Any) -> str:
    """The whole of honesty.md, of what was `found` in the markets of `groups`."""
    text = _INTRODUCTION.format(**about)
    something = [(f"{groups[name].signal:g}", of) for name, of in found.items() if name in groups]
    something = [(strength, of) for strength, of in something if strength != "0"]
    nothing = {name: of for name, of in found.items() if not groups[name].signal}
    text += _NOTHING if nothing else ""
    for name, of in nothing.items():
        title, why = _ABOUT[name]
        text += f"\n### {title}\n\n{len(of)} markets. {why}\n\n" + _verdicts(of) + _of_oracle(of)
    if something:
        text += _SOMETHING + _earned(something) + _OF_MODELS + _of_models(something)
    return text + _COST + _cost(found)


def _verdicts(of: Sequence[Any]) -> str:
    """How often each verdict is given to each model, and to any of them."""
    columns: list[tuple[str, str, Callable[[Any], bool]]] = [
        *((f"`{name}`", _PAID, _is(name)) for name in _VERDICTS),
        ("actionable without fees", _FREE, _is("actionable_on_paper")),
        ("skill proven", _PAID, lambda model: bool(model["proven"])),
    ]
    rows = []
    for model in _models(of):
        counts = [
            sum(test(one["fees"][at]["models"][model]) for one in of) for _, at, test in columns
        ]
        rows.append([f"`{model}`", *map(str, counts)])
    some = [
        sum(any(map(test, one["fees"][at]["models"].values())) for one in of)
        for _, at, test in columns
    ]
    rows.append(["any of them", *(rate(count, len(of)) for count in some)])
    return table(["model", *(name for name, *_ in columns)], rows)


def _is(verdict: str) -> Callable[[Any], bool]:
    return lambda model: bool(model["verdict"] == verdict)


def _models(of: Sequence[Any]) -> list[str]:
    return list(of[0]["fees"][_PAID]["models"])


def _of_oracle(of: Sequence[Any]) -> str:
    """What the oracle leaves where there is nothing, if it is known."""
    said = []
    for at, where in ((_PAID, "at these fees"), (_FREE, "without any")):
        known = [found for one in of if (found := one["fees"][at]["oracle"])]
        made = sum(one["trades"] for one in known)
        leaves = f"{made:,.0f} trades that leave {_a_trade(known):.2f} bps each"
        said += [f"{where} {leaves if made else 'no trade'}"] if known else []
    return f"\nThe oracle makes {' and '.join(said)}.\n" if said else ""


def _earned(found: Iterable[tuple[str, Sequence[Any]]]) -> str:
    """By strength of signal, what the oracle earns, and how often a model is found that does."""
    rows = []
    for strength, of in found:
        judged = [one["fees"][_PAID] for one in of]
        oracles = [one["oracle"] for one in judged]
        # Valid may choose a constant, which earns nothing.
        chosen = [one["models"].get(one["best"]) for one in judged]
        sure = sum((one["net_bps_low"] or 0.0) > 0 for one in oracles)
        acts = _is("actionable_on_paper")
        some = sum(any(map(acts, one["models"].values())) for one in judged)
        cells = [
            rate(count, len(of)) for count in (sure, sum(map(acts, filter(None, chosen))), some)
        ]
        skill = f"{100 * fmean(one['oracle_skill'] for one in of):.1f} %"
        trades = f"{fmean(one['trades'] for one in oracles):.0f}"
        leaves = f"{_a_trade(oracles):.2f} bps"
        of_all = _captured(chosen, oracles)
        rows.append([strength, str(len(of)), skill, trades, leaves, *cells, of_all])
    head = ("strength", "markets", "the oracle's skill", "its trades", "a trade leaves", "for sure")
    return table((*head, "found, best on valid", "found, any model", "captured"), rows)


def _of_models(found: Iterable[tuple[str, Sequence[Any]]]) -> str:
    rows = []
    for strength, of in found:
        oracles = [one["fees"][_PAID]["oracle"] for one in of]
        for name in _models(of):
            models = [one["fees"][_PAID]["models"][name] for one in of]
            counts = Counter(one["verdict"] for one in models)
            skill = f"{100 * fmean(one['skill'] for one in models):.1f} %"
            cells = [rate(counts[verdict], len(of)) for verdict in _VERDICTS[1:]]
            leaves, of_all = f"{_a_trade(models):.2f} bps", _captured(models, oracles)
            rows.append([strength, f"`{name}`", skill, *cells, leaves, of_all])
    verdicts = [f"`{verdict}`" for verdict in _VERDICTS[1:]]
    return table(["strength", "model", "skill", *verdicts, "a trade leaves", "captured"], rows)


def _a_trade(earned: Iterable[Any]) -> float:
    """What a trade leaves in bps, in the mean over all trades of all markets."""
    made = [(one["trades"], one["net_bps"]) for one in earned if one["trades"]]
    trades = sum(count for count, _ in made)
    return float(sum(count * net for count, net in made) / trades) if made else 0.0


def _captured(models: Iterable[Any], oracles: Iterable[Any]) -> str:
    """What models earn over what the oracle does, over all markets."""
    ours, most = (
        sum(one["trades"] * (one["net_bps"] or 0.0) for one in of if one)
        for of in (models, oracles)
    )
    return f"{100 * ours / most:.0f} %" if most > 0 else "–"


def _cost(found: Mapping[str, Sequence[Any]]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for name, of in found.items():
            wall, processor = ([one[took] for one in of] for took in ("seconds", "processor"))
            one = (f"{median(took):.0f} s" for took in (wall, processor))
            yield name, str(len(of)), *one, f"{sum(wall) / 3600:.1f} h"

    head = ("kind", "markets", "wall clock of one (median)", "processor", "wall clock of all")
    return table(head, rows())
