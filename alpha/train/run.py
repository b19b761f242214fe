"""Training: fit models on train, watching valid. Test is not in sight."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

from alpha.core.artifacts import digest, whole_folder, write_json
from alpha.core.errors import InputError
from alpha.core.params import Section
from alpha.core.text import track
from alpha.data.contract import Contract, read_contract
from alpha.data.params import Label
from alpha.data.splits import check_split, split_symbols
from alpha.learn import dataset, history, importance
from alpha.learn.history import Epoch, Splits, Trained
from alpha.learn.kinds import find
from alpha.learn.losses import Objective
from alpha.learn.params import Loss, Train

# The blocks within which a feature is permuted: as long as the longest past that a model knows.
_PERMUTED_HORIZONS = 30


def run(
    label: Label,
    loss: Loss,
    loop: Train,
    models: Mapping[str, Section],
    *,
    seed: int,
    train: Path,
    valid: Path,
    normalization: Path,
    out: Path,
    live: Path | None = None,
    in_folders: bool = False,
) -> None:
    """Fit `models` (name -> parameters): one into `out`, or, `in_folders`, the baselines each into
    the folder of its name.

    Writes the fitted model, model.json (what it is, of which contract, and the SHA-256 of each file
    of the fitted model) and history.csv; of one that looks at features also importance.json, and
    of a network of silos the folder matched_mlp; of several symbols, unless they are pooled, in a
    folder of each. The folder `live` is of networks alone. Raises InputError if the splits'
    features are not the contract's, if that is of other rows than train's, or if the splits are not
    as `alpha split` wrote them, or of another label.
    """
    contract = read_contract(normalization)
    digests = {split.name: check_split(split, label) for split in (train, valid)}
    if contract.train != digests[train.name]:
        must = f"must be of the rows in {train}, found a contract of others"
        raise InputError(f"{normalization}: {must}; normalize again")
    symbols: list[str | None] = [None]
    if not loop.pool and split_symbols(train) != [""]:
        symbols = [*split_symbols(train)]
    pairs = list(product(symbols, models))
    seen, kept = None, None
    with whole_folder(out) as part:
        for symbol, name in track(pairs, "models", total=len(pairs)) if in_folders else pairs:
            model, configuration = find(name), [loss, models[name]]
            if seen is None or kept != (symbol, model.FEATURES):
                seen, kept = None, (symbol, model.FEATURES)  # not two of them in memory
                seen = _seen(model, train, valid, contract, label, loss, loop, symbol)
            trained: Iterable[Trained]
            if hasattr(model, "build"):
                configuration.append(loop)
                # By name, as all other models do without TensorFlow and the code of networks.
                trained = import_module("alpha.models.networks.training").fit(
                    model, seen, models[name], loop,
                    families=contract.families, name=name, seed=seed, live=live,
                )  # fmt: skip
            else:
                trained = [_fit(model, seen, models[name], seed)]
            sections = [section.model_dump(mode="json") for section in configuration]
            about = {
                "model": name,
                "seed": seed,
                "normalization": contract.hash,
                "classes": list(seen.objective.classes),
                "label": label.model_dump(mode="json"),
                "splits": digests,
                # The same for two models that differ by nothing but their seed.
                "configuration": digest([name, contract.hash, *sections]),
                **({"symbol": symbol} if symbol else {}),
            }
            for one in trained:
                inside = (part / name if in_folders else part) / (symbol or "") / one.inside
                _write(inside, one, about)
                if model.FEATURES:
                    block_ns = _PERMUTED_HORIZONS * label.horizon_ns
                    of = one.fitted, seen.valid, seen.objective, contract
                    lost = importance.of_model(*of, block_ns=block_ns, seed=seed)
                    write_json(inside / "importance.json", lost)


def _seen(
    model: Any,
    train: Path,
    valid: Path,
    contract: Contract,
    label: Label,
    loss: Loss,
    loop: Train,
    symbol: str | None,
) -> Splits:
    """Train and valid, with no more of them in memory than the model needs."""
    rows: Sequence[dataset.Rows]
    if hasattr(model, "build"):
        room = {"memory_bytes": round(loop.memory_mb * 1e6), "batch": loop.batch_size}
        rows = dataset.open_both(train, valid, contract, **room, symbol=symbol)
    elif model.FEATURES and hasattr(model, "fit"):
        rows = [dataset.Stream(split, contract, symbol=symbol) for split in (train, valid)]
    else:
        what: Any = {"features": model.FEATURES, "symbol": symbol}
        rows = [dataset.load(split, contract, **what) for split in (train, valid)]
    return Splits(rows[0], rows[1], Objective.fit(rows[0].y, label, loss))


def _fit(model: Any, seen: Splits, parameters: Section, seed: int) -> Trained:
    """Fit a closed form, or what watches valid by itself, if only to stop early."""
    train, valid, objective = seen.train, seen.valid, seen.objective
    if hasattr(model, "fit"):
        fitted, losses = model.fit(train, objective, parameters), []
    else:
        fitted, losses = model.fit_watching(train, valid, objective, parameters, seed=seed)
    over = seen.constant_loss
    epochs = [Epoch(at, train / over, valid / over) for at, (train, valid) in enumerate(losses, 1)]
    return Trained(fitted, epochs or [seen.measure(fitted, epoch=0)])


def _write(folder: Path, trained: Trained, about: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    trained.fitted.save(folder)
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    history.write(path := folder / "history.csv", trained.history)
    of_history = sha256(path.read_bytes()).hexdigest()
    write_json(folder / "model.json", about | {"files": files, "history": of_history})
