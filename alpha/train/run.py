"""Training: fit models on train, watching valid. Test is not in sight."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from alpha.core.artifacts import digest, whole_folder, write_json
from alpha.core.params import Section
from alpha.core.text import track
from alpha.data.contract import Contract, read_contract
from alpha.data.params import Label
from alpha.learn import dataset, history, stream
from alpha.learn.history import Epoch, Splits, Trained
from alpha.learn.losses import Objective
from alpha.learn.params import Loss, find


def run(
    label: Label,
    loss: Loss,
    loop: Any,
    parameters: Section,
    *,
    model: str,
    seed: int,
    train: Path,
    valid: Path,
    normalization: Path,
    out: Path,
    live: Path | None = None,
) -> None:
    """Write the fitted model, model.json (what it is, of which contract, and the SHA-256 of each
    file of the fitted model) and history.csv; of a network of silos also importance.json, and the
    matched MLP to the folder matched_mlp.

    `loop` is the section train, of networks alone, whose training is watched in the folder `live`,
    that of the matched MLP in matched_mlp there. Raises InputError if the splits' features are not
    the contract's.
    """
    contract, found = read_contract(normalization), find(model)
    seen = _seen(found, train, valid, contract, label, loss, loop)
    with whole_folder(out) as part:
        if not hasattr(found, "build"):
            about = _about(model, seed, contract, seen, [loss, parameters])
            _write(part, _fit(found, seen, parameters, seed=seed), about)
            return
        about = _about(model, seed, contract, seen, [loss, parameters, loop])
        # By name, as all other models do without TensorFlow and the code of networks.
        for trained in import_module("alpha.models.networks.training").fit(
            found, seen, parameters, loop,
            families=contract.families, label=label, name=model, seed=seed, live=live,
        ):  # fmt: skip
            _write(part / trained.inside, trained, about)


def run_baselines(
    label: Label,
    loss: Loss,
    parameters: Mapping[str, Section],
    *,
    train: Path,
    valid: Path,
    normalization: Path,
    out: Path,
) -> None:
    """The same of every baseline, each in the folder of its name; `parameters` are theirs, by name.
    Features are read for those alone that look at them, and stay in their files."""
    contract = read_contract(normalization)
    seen, features = None, None
    with whole_folder(out) as part:
        for model in track(parameters, "models", total=len(parameters)):
            found = find(model)
            if seen is None or features != found.FEATURES:
                seen, features = None, found.FEATURES  # not two of them in memory
                seen = _seen(found, train, valid, contract, label, loss, None)
            about = _about(model, 0, contract, seen, [loss, parameters[model]])
            _write(part / model, _fit(found, seen, parameters[model], seed=0), about)


def _fit(model: Any, seen: Splits, parameters: Section, *, seed: int) -> Trained:
    """Fit a closed form, or what stops early by itself."""
    if hasattr(model, "fit"):
        fitted = model.fit(seen.train, seen.objective, parameters)
        return Trained(fitted, [seen.measure(fitted, epoch=0)])
    fitted, losses = model.fit_watching(
        seen.train, seen.valid, seen.objective, parameters, seed=seed
    )
    over = seen.constant_loss
    return Trained(
        fitted,
        [Epoch(at, train / over, valid / over) for at, (train, valid) in enumerate(losses, 1)],
    )


def _seen(
    model: Any, train: Path, valid: Path, contract: Contract, label: Label, loss: Loss, loop: Any
) -> Splits:
    """Train and valid, with no more of them in memory than the model needs."""
    rows: Sequence[stream.Rows]
    if hasattr(model, "build"):
        memory = round(loop.memory_mb * 1e6)
        rows = stream.open_both(train, valid, contract, memory_bytes=memory, batch=loop.batch_size)
    elif model.FEATURES and hasattr(model, "fit"):
        rows = [stream.Stream(split, contract) for split in (train, valid)]
    else:
        rows = [dataset.load(split, contract, features=model.FEATURES) for split in (train, valid)]
    train_rows, valid_rows = rows
    return Splits(train_rows, valid_rows, Objective.fit(train_rows.y, label, loss))


def _about(
    model: str, seed: int, contract: Contract, seen: Splits, configuration: Iterable[Section]
) -> dict[str, Any]:
    """model.json without its files. `configuration` is the same for two models that differ by
    nothing but their seed."""
    sections = [section.model_dump(mode="json") for section in configuration]
    return {
        "model": model,
        "seed": seed,
        "normalization": contract.hash,
        "classes": list(seen.objective.classes),
        "configuration": digest([model, contract.hash, *sections]),
    }


def _write(folder: Path, trained: Trained, about: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    trained.fitted.save(folder)
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    write_json(folder / "model.json", about | {"files": files})
    history.write(folder / "history.csv", trained.history)
    if trained.importance is not None:
        write_json(folder / "importance.json", trained.importance)
