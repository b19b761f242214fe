"""The format of shift.json, and the comparison of a label profile with its pin."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from alpha.core import artifacts
from alpha.label.profile import TOTAL, Outcome, Profile, Sections, dotted

NAME = "shift.json"
# Less than any shift makes, more than sums differ between processors. Outcomes below 1e-6, which
# are differences of prices, have fewer than nine digits.
_RELATIVE = 1e-9
_ABSOLUTE = 1e-15

Value = int | float | None


class Change(BaseModel):
    """A param, by its dotted key, None where it did not exist."""

    key: str
    pinned: Any
    found: Any


class Move(BaseModel):
    """A figure of a day (a feature file's name) or, without one, of the total, by its dotted key
    in the profile; None where it was not defined."""

    day: str | None
    figure: str
    pinned: Value
    found: Value


class Shift(BaseModel):
    """How labels stand against their pin. `outcome` is what both are of; the figures of outcomes
    of different kinds (None) are not compared. "moved" (though neither params nor data changed) is
    never in a file, as the guard then fails."""

    status: Literal[
        "not_pinned", "as_pinned", "moved", "other_params", "other_data", "other_params_and_data"
    ]
    outcome: Outcome | None = None
    params: list[Change] = []
    days_added: list[str] = []
    days_removed: list[str] = []
    moves: list[Move] = []  # the days' in their order, then the total's

    @property
    def other_days(self) -> dict[str, list[str]]:
        """Those that came and went, by how, if there are any."""
        both = {"added": self.days_added, "removed": self.days_removed}
        return {what: days for what, days in both.items() if days}


def read(guard: Path) -> Shift:
    """The comparison in a folder that `alpha guard` wrote. Raises InputError if it is not one."""
    return artifacts.parse(Shift, guard / NAME)


def compare(found: Profile, pin: Profile | None) -> Shift:
    """What moved between `pin` and `found`: counts if they are not equal, other figures beyond
    a relative 1e-9 (or 1e-15). A pin of other days altogether is one of another market, such as
    the simulated: it does not count."""
    if pin is None or (pin.days and pin.days.keys().isdisjoint(found.days)):
        return Shift(status="not_pinned")
    params = changes(pin.params, found.params)
    other = ["params"] * bool(params) + ["data"] * (found.data_digest != pin.data_digest)
    shift = Shift(
        status=f"other_{'_and_'.join(other)}" if other else "moved",  # type: ignore[arg-type]
        outcome=found.outcome if found.outcome == pin.outcome else None,
        params=params,
        days_added=sorted(found.days.keys() - pin.days.keys()),
        days_removed=sorted(pin.days.keys() - found.days.keys()),
        moves=_moves(pin, found),
    )
    if not (other or shift.moves or shift.other_days):
        shift.status = "as_pinned"
    return shift


def changes(pin: Sections, found: Sections) -> list[Change]:
    """The params that differ, by dotted key in order."""
    before, now = dotted(pin), dotted(found)
    return [
        Change(key=key, pinned=before.get(key), found=now.get(key))
        for key in sorted(before | now)
        if before.get(key) != now.get(key)
    ]


def is_count(figure: str) -> bool:
    return figure in ("rows", "duplicates") or figure.startswith("status.")


def _moves(pin: Profile, found: Profile) -> list[Any]:
    """The figures that moved, as records of a Move."""
    if (pin.days, pin.total) == (found.days, found.total):
        return []  # without importing pandas, which takes longer than all the rest
    import pandas as pd

    days = [*sorted(found.days.keys() & pin.days.keys()), TOTAL]
    before, now = pin.figures, found.figures
    figures = before.columns.union(now.columns, sort=False)
    before, now = (one.reindex(index=days, columns=figures).stack() for one in (before, now))
    pairs = pd.DataFrame({"pinned": before, "found": now}).reset_index(names=["day", "figure"])
    before, now = before.to_numpy(float), now.to_numpy(float)
    with np.errstate(over="ignore"):  # math.isclose of each
        same = np.isclose(before, now, rtol=_RELATIVE, atol=0, equal_nan=True)
        same |= np.isclose(now, before, rtol=_RELATIVE, atol=0)
        same |= np.isclose(before, now, rtol=0, atol=_ABSOLUTE)
    same |= pin.outcome != found.outcome
    same = np.where(pairs["figure"].map(is_count), before == now, same)
    moves = pairs[~same].astype(object)
    return list(moves.where(moves.notna() & moves.ne(TOTAL), None).to_dict("records"))
