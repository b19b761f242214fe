"""alpha normalize: its params and its command."""

from alpha.core.cli import Option, step
from alpha.core.params import Positive, Section
from alpha.data.params import Features


class Normalize(Section):
    clip: Positive  # in sigmas


SUMMARY = "mean and sigma of each feature over the train split: the normalization contract"
OPTIONS = [
    Option("--train", "the train split's folder"),
    Option("--out", "the contract, a JSON file"),
]
SECTIONS = {"features": Features, "normalize": Normalize}
command = step("alpha.normalize.run")
