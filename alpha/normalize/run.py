"""Normalization: statistics of the train split, fitted in one pass."""

from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import whole, write_json
from alpha.core.errors import InputError
from alpha.core.text import track
from alpha.data.contract import Contract
from alpha.data.features import families
from alpha.data.params import Features
from alpha.data.splits import feature_blocks, feature_columns, split_files
from alpha.normalize.moments import Moments
from alpha.normalize.params import Normalize


def fit(train: Path, features: Features, normalization: Normalize) -> Contract:
    """One streaming pass over the train split's files."""
    paths = split_files(train)
    names = feature_columns(paths[0])
    if not names:
        raise InputError(f"{paths[0]}: must have at least one feature, found labels alone")
    of = families(names, features)
    found = Moments(len(names))
    for path in track(paths, "normalize", total=len(paths)):
        for block in parallel.ahead(feature_blocks(path, names)):
            found.add(block)
    for name, mean, sigma in zip(names, found.mean, found.sigma, strict=True):
        if not np.isfinite([mean, sigma]).all():
            raise InputError(
                f"{train}: column {name!r}: must have a mean and sigma that fit a number, found "
                f"values too large; rescale it or leave it out with data.exclude"
            )
    return Contract(
        names=names,
        families=tuple(of[name] for name in names),
        mean=found.mean,
        sigma=found.sigma,
        finite=found.finite,
        nan=found.nan,
        inf=found.inf,
        clip=normalization.clip,
        rows=found.rows,
    )


def run(features: Features, normalization: Normalize, *, train: Path, out: Path) -> None:
    """Write the contract of a train split. Raises InputError for a feature without family."""
    contract = fit(train, features, normalization)
    with whole(out) as part:
        write_json(part, {**contract.content(), "hash": contract.hash})
