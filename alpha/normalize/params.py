"""Params of normalization."""

from alpha.core.params import Positive, Section


class Normalize(Section):
    clip: Positive  # in sigmas
