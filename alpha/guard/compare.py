"""The format of shift.json, and the comparison of a label profile with its pin."""

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alpha.core import artifacts
from alpha.label.profile import Outcome, Profile, Sections, Total

NAME = "shift.json"
# More than any shift leaves, less than sums differ between processors: the regression tests'
# ten digits. Of outcomes below 1e-6, which are differences of prices, less is known than that.
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
    """How labels stand against their pin. `outcome` is what both are of: the figures of outcomes
    that are not of one kind (None) are not compared."""

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
    outcome = found.outcome if found.outcome == pin.outcome else None
    moves = [
        move
        for day in sorted(found.days.keys() & pin.days.keys())
        for move in _moves(day, pin.days[day], found.days[day], outcome)
    ]
    shift = Shift(
        status="as_pinned",
        outcome=outcome,
        params=changes(pin.params, found.params),
        days_added=sorted(found.days.keys() - pin.days.keys()),
        days_removed=sorted(pin.days.keys() - found.days.keys()),
        moves=moves + _moves(None, pin.total, found.total, outcome),
    )
    other_data = found.data_digest != pin.data_digest
    status: Status = "as_pinned" if shift.same_figures else "moved"
    if shift.params:
        status = "other_params_and_data" if other_data else "other_params"
    elif other_data:
        status = "other_data"
    return shift.model_copy(update={"status": status})


def changes(pin: Sections, found: Sections) -> list[Change]:
    """The params that differ, by dotted key in order."""
    before, now = _flat({**pin}), _flat({**found})
    return [
        Change(key=key, pinned=before.get(key), found=now.get(key))
        for key in sorted(before | now)
        if before.get(key) != now.get(key)
    ]


def figures(total: Total, outcome: Outcome | None) -> dict[str, Value]:
    """The figures of a day or of the total by their dotted keys; counts alone, if outcomes are
    of no one kind."""
    return {
        key: value
        for key, value in _flat(total.model_dump(by_alias=True)).items()
        if outcome is not None or is_count(key)
    }


def is_count(figure: str) -> bool:
    return figure in ("rows", "duplicates") or figure.startswith("status.")


def _moves(day: str | None, pin: Total, found: Total, outcome: Outcome | None) -> list[Move]:
    before, now = figures(pin, outcome), figures(found, outcome)
    return [
        Move(day=day, figure=key, pinned=before.get(key), found=now.get(key))
        for key in before | now
        if _differ(before.get(key), now.get(key))
    ]


def _differ(pinned: Value, found: Value) -> bool:
    if isinstance(pinned, float) and isinstance(found, float):
        return not math.isclose(pinned, found, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return pinned != found


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return found
