"""Normalization: statistics of the train split, fitted in one pass."""

from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import whole, write_json
from alpha.core.errors import InputError
from alpha.core.frames import open_frame, parts
from alpha.core.text import track
from alpha.data.contract import Contract
from alpha.data.features import families, features_of, split_sizes
from alpha.data.params import Features
from alpha.normalize import Normalize
from alpha.normalize.moments import Moments


def run(features: Features, normalization: Normalize, *, train: Path, out: Path) -> None:
    """Write the contract of a train split. Raises InputError for a feature without family."""
    paths = [path for path, _ in split_sizes(train)]
    with open_frame(paths[0]) as frame:
        names = features_of(frame)
    if not names:
        raise InputError(f"{paths[0]}: must have at least one feature, found labels alone")
    of = families(names, features)
    found = Moments(len(names))
    frames = map(open_frame, track(paths, "normalize", total=len(paths)))
    for _, rows in parallel.ahead(parts(frames, names)):
        found.add(rows)
    for name, mean, sigma in zip(names, found.mean, found.sigma, strict=True):
        if not np.isfinite([mean, sigma]).all():
            raise InputError(
                f"{train}: column {name!r}: must have a mean and sigma that fit a number, found "
                f"values too large; rescale it or leave it out with data.exclude"
            )
    keys = ("mean", "sigma", "finite", "nan", "inf", "rows")
    figures = {key: getattr(found, key) for key in keys}
    in_order = tuple(of[name] for name in names)
    contract = Contract(names=names, families=in_order, clip=normalization.clip, **figures)
    with whole(out) as part:
        write_json(part, {**contract.content(), "hash": contract.hash})
