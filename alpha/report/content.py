"""What the page says of the models that is not simply a figure: which one leads, why figures
are missing, and tables of slices. Nothing here knows of HTML."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from alpha.data.columns import SPLITS, SplitName
from alpha.evaluate.details import Details, Figure, Interval, ModelSplit, OverSeeds, SliceOverSeeds
from alpha.report.numbers import words

# A run or model, a split, a figure in words, and why it is missing.
_Missing = tuple[str, str, str, str]


@dataclass(frozen=True)
class SliceRow:
    """One day or regime: a figure of each model, in the models' order."""

    name: str
    rows: int
    figures: list[OverSeeds]


def slice_rows(
    details: Details,
    models: Sequence[str],
    of: Callable[[ModelSplit], Sequence[SliceOverSeeds]],
    figure: Callable[[SliceOverSeeds], OverSeeds],
) -> list[SliceRow]:
    """A figure of `models` on test by slice, worst first by the mean over models; slices
    without any figure come last, in their order."""
    found: dict[str, dict[str, SliceOverSeeds]] = {}
    for model in models:
        for one in of(details.by_model[model].splits["test"]):
            found.setdefault(one.name, {})[model] = one
    nothing = OverSeeds(mean=None, spread=None, seeds=0)
    rows = [
        SliceRow(
            name,
            next(iter(by_model.values())).rows,
            [figure(by_model[model]) if model in by_model else nothing for model in models],
        )
        for name, by_model in found.items()
    ]
    return sorted(rows, key=lambda row: _mean([over.mean for over in row.figures]))


def reason(details: Details, split: SplitName, figure: str) -> str:
    """Why there is none of `figure` on `split`: the first reason that a run gives."""
    for name in details.runs:
        if found := details.by_run[name].splits[split].undefined.get(figure):
            return found
    return "no run has any"


def undefined(details: Details) -> list[tuple[str, list[str]]]:
    """Why figures are missing: for each reason "figure of runs on splits", in their order."""
    found: dict[str, list[str]] = {}
    _gather(found, _of_runs(details), _runs_by_model(details))
    _gather(found, _of_models(details), {name: [name] for name in details.models})
    for what, why in _of_all(details):
        found.setdefault(why, []).append(what)
    return list(found.items())


def _runs_by_model(details: Details) -> dict[str, list[str]]:
    return {
        model: [name for name in details.runs if details.by_run[name].model == model]
        for model in details.models
    }


def _gather(
    found: dict[str, list[str]], reasons: Iterator[_Missing], members: dict[str, list[str]]
) -> None:
    """Splits with the same reason become one line, then what is missing on these splits.

    `members` are the names of each model's own; a model stands for all of them.
    """
    places: dict[tuple[str, str, str], list[str]] = {}
    for name, split, figure, why in reasons:
        splits = places.setdefault((why, figure, name), [])
        if split not in splits:
            splits.append(split)
    names: dict[tuple[str, str, str], list[str]] = {}
    for (why, figure, name), splits in places.items():
        where = "every split" if len(splits) == len(SPLITS) else _list(splits)
        names.setdefault((why, figure, where), []).append(name)
    for (why, figure, where), those in names.items():
        who: list[str] = []
        for model, own in members.items():
            missing = [name for name in own if name in those]
            who += [model] if missing == own else missing
        all_of_them = "every model" if len(members) > 1 and who == list(members) else _list(who)
        found.setdefault(why, []).append(f"{figure} of {all_of_them} on {where}")


def _of_runs(details: Details) -> Iterator[_Missing]:
    for run in details.runs:
        for split in SPLITS:
            figures = details.by_run[run].splits[split]
            for name, why in figures.undefined.items():
                yield run, split, words(name), why
            for kind, slices in (("day", figures.days), ("regime", figures.regimes)):
                for one in slices:
                    for name, why in one.undefined.items():
                        yield run, split, f"{words(name)} by {kind}", why


def _of_models(details: Details) -> Iterator[_Missing]:
    """What no run of the model has a reason for already."""
    for name, runs in _runs_by_model(details).items():
        for split in SPLITS:
            known = {
                figure for run in runs for figure in details.by_run[run].splits[split].undefined
            }
            for figure, why in details.by_model[name].splits[split].undefined.items():
                if figure not in known:
                    yield name, split, words(figure), why


def _of_all(details: Details) -> Iterator[tuple[str, str]]:
    """Of the ladder, the oracle and the label's shift."""
    found: list[tuple[str, Interval]] = [
        (f"difference in skill of {rung.model}", rung.skill_difference)
        for rung in details.ladder
        if rung.worth is not None
    ]
    if details.oracle.reason is None:
        found += [
            (f"share of the oracle's skill of {name}", details.by_model[name].oracle_share)
            for name in details.models
        ]
        for figure in ("skill", "rank_ic"):
            for split, interval in getattr(details.oracle, figure).items():
                found.append((f"{words(figure)} of the oracle on {split}", interval))
    for what, interval in found:
        if interval.reason:
            yield what if interval.value is None else f"interval of the {what}", interval.reason
    for shift in details.shift:
        if shift.reason:
            yield f"label shift on {shift.split}", shift.reason


def _mean(values: Sequence[Figure]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else float("inf")


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
