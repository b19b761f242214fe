"""The format of shift.json, and the comparison of a label profile with its pin."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alpha.core import artifacts
from alpha.label.profile import Outcome, Profile, Sections

NAME = "shift.json"
# Less than any shift makes, more than sums differ between processors. Outcomes below 1e-6, which
# are differences of prices, have fewer than nine digits.
_RELATIVE = 1e-9
_ABSOLUTE = 1e-15

Status = Literal[
    "not_pinned",
    "as_pinned",
    "moved",  # though neither params nor data changed: never in a file, as the guard then fails
    "other_params",
    "other_data",
    "other_params_and_data",
]
Value = int | float | None


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Change(Part):
    """A param, by its dotted key, None where it did not exist."""

    key: str
    pinned: Any
    found: Any


class Move(Part):
    """A figure of a day (a feature file's name) or, without one, of the total, by its dotted key
    in the profile; None where it was not defined."""

    day: str | None
    figure: str
    pinned: Value
    found: Value

    @property
    def difference(self) -> Value:
        known = self.pinned is not None and self.found is not None
        return self.found - self.pinned if known else None  # type: ignore[operator]


class Shift(Part):
    """How labels stand against their pin. `outcome` is what both are of; the figures of outcomes
    of different kinds (None) are not compared."""

    status: Status
    outcome: Outcome | None = None
    params: list[Change] = Field(default_factory=list)
    days_added: list[str] = Field(default_factory=list)
    days_removed: list[str] = Field(default_factory=list)
    moves: list[Move] = Field(default_factory=list)  # the days' in their order, then the total's

    @property
    def same_figures(self) -> bool:
        return not (self.moves or self.days_added or self.days_removed)


def read(guard: Path) -> Shift:
    """The comparison in a folder that `alpha guard` wrote. Raises InputError if it is not one."""
    return artifacts.parse(Shift, guard / NAME)


def compare(found: Profile, pin: Profile | None) -> Shift:
    """What moved between `pin` and `found`: counts if they are not equal, other figures beyond
    a relative 1e-9 (or 1e-15)."""
    if pin is None:
        return Shift(status="not_pinned")
    params = changes(pin.params, found.params)
    other = ["params"] * bool(params) + ["data"] * (found.data_digest != pin.data_digest)
    shift = Shift(
        status=f"other_{'_and_'.join(other)}" if other else "as_pinned",  # type: ignore[arg-type]
        outcome=found.outcome if found.outcome == pin.outcome else None,
        params=params,
        days_added=sorted(found.days.keys() - pin.days.keys()),
        days_removed=sorted(pin.days.keys() - found.days.keys()),
        moves=_moves(pin, found),
    )
    return shift if other or shift.same_figures else shift.model_copy(update={"status": "moved"})


def changes(pin: Sections, found: Sections) -> list[Change]:
    """The params that differ, by dotted key in order."""
    before, now = _flat(pin), _flat(found)
    return [
        Change(key=key, pinned=before.get(key), found=now.get(key))
        for key in sorted(before | now)
        if before.get(key) != now.get(key)
    ]


def is_count(figure: str) -> bool:
    return figure in ("rows", "duplicates") or figure.startswith("status.")


def _moves(pin: Profile, found: Profile) -> list[Move]:
    moves = []
    for day in (*sorted(found.days.keys() & pin.days.keys()), None):
        before, now = (
            _flat((one.total if day is None else one.days[day]).model_dump(by_alias=True))
            for one in (pin, found)
        )
        for figure in dict.fromkeys((*before, *now)):
            one, other = before.get(figure), now.get(figure)
            counted = is_count(figure)
            if not _same(one, other, counted) and (counted or pin.outcome == found.outcome):
                moves.append(Move(day=day, figure=figure, pinned=one, found=other))
    return moves


def _same(pinned: Value, found: Value, counted: bool) -> bool:
    if pinned is None or found is None or counted:
        return pinned == found
    return math.isclose(pinned, found, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return found
