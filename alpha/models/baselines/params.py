"""Params of the baselines. Nothing in them is random: no seed makes another model."""

from alpha.core.params import NonNegative, Section


class NoParameters(Section):
    """A model without any."""


class Ridge(Section):
    penalty: NonNegative


SECTIONS: dict[str, type[Section]] = {
    "zero": NoParameters,
    "mean": NoParameters,
    "median": NoParameters,
    "persistence": NoParameters,
    "har": NoParameters,
    "ridge": Ridge,
}
