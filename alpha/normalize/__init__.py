"""alpha normalize: its params and its command."""

from alpha.core.cli import Option, step
from alpha.core.params import Positive, Section
from alpha.data.params import Features


class Normalize(Section):
    clip: Positive  # in sigmas
    pool: bool  # of several symbols, all together


SUMMARY = "mean and sigma of each feature over a fold's train split: the normalization contract"
OPTIONS = [
    Option("--splits", "folder that `alpha split` wrote"),
    Option("--out", "folder for a contract of each fold, a JSON file"),
]
SECTIONS = {"features": Features, "normalize": Normalize}
command = step("alpha.normalize.run")
