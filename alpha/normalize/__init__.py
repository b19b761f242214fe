"""alpha normalize: its params and its command."""

from typing import Any

from alpha.core.cli import Arguments, Option
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


def command(params: Any, args: Arguments) -> None:
    from alpha.normalize.run import run

    run(params.features, params.normalize, train=args.train, out=args.out)
