"""Params of the baselines. Nothing in them is random: no seed makes another model."""

from alpha.core.params import NonNegative, Section


class Ridge(Section):
    penalty: NonNegative


SECTIONS: dict[str, type[Section]] = {"ridge": Ridge}
