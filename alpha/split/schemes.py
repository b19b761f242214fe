"""Schemes: the folds that a train, valid and test can be cut into, and how their tests join.

Walk-forward moves one cut through time. Combinatorial purged cross-validation cuts time into groups
and tests on each choice of some of them. Source: López de Prado, Advances in Financial Machine
Learning (2018), chapters 7 and 12.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, groupby
from typing import NamedTuple

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.data.columns import SPLITS, SplitName
from alpha.split import MOST_FOLDS, SPANS, Split
from alpha.split.ranges import Range, Times, cuts, holdout, moments_at, observed_ns

Fold = tuple[Range, ...]  # in time order
_DAY_NS = 86_400 * 10**9


class Block(NamedTuple):
    """A stretch of test time and the fold whose models are tested on it."""

    fold: int
    start_ns: int
    end_ns: int


class Scheme(NamedTuple):
    """All folds that the data give; and the paths, each all of the test time once, as blocks."""

    folds: list[Fold]
    paths: list[list[Block]]


def scheme(splits: Split, times: Times, *, max_gap_ns: int) -> Scheme:
    """The folds of the rows at `times`, as `holdout` takes them, whatever split.folds has of them.
    A split may have several ranges: each ends with a purge, and each but a fold's first begins with
    an embargo. Raises InputError if there is no fold, or if there are too many."""
    if splits.scheme == "combinatorial":
        return _combinatorial(splits, times, max_gap_ns)
    folds = [holdout(splits, times, max_gap_ns=max_gap_ns)]
    if splits.scheme == "walk_forward":
        folds = list(_walk_forward(splits, times, max_gap_ns))
    tests = [fold[-1] for fold in folds]
    blocks = [Block(at, test.start_ns, test.end_ns) for at, test in enumerate(tests)]
    return Scheme(folds, [blocks])


def chosen(splits: Split, found: Scheme) -> Scheme:
    """What split.folds names of the folds, which of a walk may be a part. Raises InputError if the
    data give no such fold, or paths would have holes."""
    given, part = range(len(found.folds)), splits.scheme == "walk_forward"
    every = f"0 to {given[-1]}" if given[1:] else "0"
    if splits.folds[-1] not in given or not (part or list(splits.folds) == [*given]):
        must = f"must be {'among ' * part}{every} with these data and params"
        named = some([*map(str, splits.folds)], most=8)
        raise InputError(f"split.folds: {must}, found {named}; `alpha folds --write` sets all")
    paths = [[block for block in path if block.fold in splits.folds] for path in found.paths]
    return Scheme([found.folds[fold] for fold in splits.folds], paths)


def _walk_forward(splits: Split, times: Times, max_gap_ns: int) -> Iterator[Fold]:
    """Train, valid and test one after the other, further by a step each time, for as long as there
    are rows up to the end of test. Days are whole ones of UTC from that of the first row; seconds
    are of observed time."""
    walk = splits.walk_forward
    unit_ns = _DAY_NS if walk.days else 10**9
    train, valid, test, step = (round(walk.spans[name] * unit_ns) for name in SPANS)
    start, end = 0, observed_ns(times, max_gap_ns)
    if walk.days:
        ends = [int(part[at]) for part in times() for at in (0, -1)]
        start = ends[0] // _DAY_NS * _DAY_NS
        end = ends[-1] // _DAY_NS * _DAY_NS + _DAY_NS
    count = (end - start - train - valid - test) // step + 1
    if not 1 <= count <= MOST_FOLDS:
        must = f"must give 1 to {MOST_FOLDS} folds, found {max(count, 0)}"
        takes = f"{(train + valid + test) / unit_ns:g} of {(end - start) / unit_ns:g}"
        unit = "days" if walk.days else "observed seconds"
        raise InputError(f"split.walk_forward: {must}: the first takes {takes} {unit}")
    lengths = (0, train, train + valid, train + valid + test)
    bounds = [start + at * step + length for at in range(count) for length in lengths]
    if not walk.days:
        order = sorted(set(bounds))
        at = dict(zip(order, moments_at(order, times, max_gap_ns), strict=True))
        bounds = [at[bound] for bound in bounds]
    for fold in range(count):
        of = bounds[4 * fold : 4 * fold + 4]
        of[0] = bounds[0] if walk.window == "expanding" else of[0]
        yield tuple(_ranges(SPLITS, of, splits.embargo_ns))


def _combinatorial(splits: Split, times: Times, max_gap_ns: int) -> Scheme:
    """A fold for each choice of test groups, all equally long in observed time. Valid is the last
    group to train on before the first to test on, else the last of all."""
    groups = splits.combinatorial.groups
    bounds = cuts([at / groups for at in range(groups + 1)], times, max_gap_ns)
    folds: list[Fold] = []
    tested: list[list[Block]] = [[] for _ in range(groups)]
    for number, tests in enumerate(combinations(range(groups), splits.combinatorial.test_groups)):
        others = [group for group in range(groups) if group not in tests]
        valid = max((group for group in others if group < tests[0]), default=others[-1])
        names: list[SplitName] = ["test" if at in tests else "train" for at in range(groups)]
        names[valid] = "valid"
        folds.append(tuple(_ranges(names, bounds, splits.embargo_ns)))
        for group in tests:
            tested[group].append(Block(number, bounds[group], bounds[group + 1]))
    return Scheme(folds, [list(path) for path in zip(*tested, strict=True)])


def _ranges(names: Sequence[SplitName], bounds: Sequence[int], embargo_ns: int) -> Iterator[Range]:
    """A range of each run of groups with the same name; group i is from bounds i to i + 1."""
    at = 0
    for name, run in groupby(names):
        start, at = at, at + len(list(run))
        yield Range(name, bounds[start], bounds[at], embargo_ns if start else 0)
