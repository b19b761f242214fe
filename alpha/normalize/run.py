"""Normalization: statistics of the train split, fitted in one pass."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import whole_folder, write_json
from alpha.core.errors import InputError
from alpha.core.frames import parts
from alpha.core.text import track
from alpha.data.columns import SPLITS
from alpha.data.contract import Contract
from alpha.data.features import families
from alpha.data.params import Features
from alpha.data.splits import Piece, check_split, features_of, folds, split_pieces, split_symbols
from alpha.normalize import Normalize
from alpha.normalize.moments import Moments


def run(features: Features, normalization: Normalize, *, splits: Path, out: Path) -> None:
    """Write the contract of each fold's train split, such as out/0.json. Raises InputError for a
    feature without family, or rows that are not as `alpha split` wrote them."""
    with whole_folder(out) as part:
        for fold in folds(splits):
            train = splits / str(fold) / SPLITS[0]
            digest = check_split(train)
            contract = replace(_fit(train, None, features, normalization), train=digest)
            if not normalization.pool and (symbols := split_symbols(train)) != [""]:
                each = {name: _fit(train, name, features, normalization) for name in symbols}
                contract = replace(contract, symbols=each)
            write_json(part / f"{fold}.json", {**contract.content(), "hash": contract.hash})


def _fit(train: Path, symbol: str | None, features: Features, normalization: Normalize) -> Contract:
    pieces = split_pieces(train, symbol)
    with pieces[0].open() as frame:
        names = features_of(frame)
    if not names:
        raise InputError(f"{pieces[0].path}: must have at least one feature, found labels alone")
    of = families(names, features)
    found = Moments(len(names))
    frames = map(Piece.open, track(pieces, "normalize", total=len(pieces)))
    for _, rows in parallel.ahead(parts(frames, names)):
        found.add(rows)
    for name, mean, sigma in zip(names, found.mean, found.sigma, strict=True):
        if not np.isfinite([mean, sigma]).all():
            must = "must have a mean and sigma that fit a number, found values too large"
            fix = "rescale it or leave it out with data.exclude"
            raise InputError(f"{train}: column {name!r}: {must}; {fix}")
    keys = ("mean", "sigma", "finite", "nan", "inf", "rows")
    figures = {key: getattr(found, key) for key in keys}
    in_order = tuple(of[name] for name in names)
    return Contract(names=names, families=in_order, clip=normalization.clip, **figures)
