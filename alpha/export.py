"""alpha export: a trained model and all that scoring it needs, to take elsewhere."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import alpha
from alpha.core.artifacts import json_text, read_json, whole
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError

SUMMARY = "pack a trained model and its contract, to be scored elsewhere"
OPTIONS = [
    Option("--model", "a model that `alpha train` wrote"),
    Option("--normalization", "its contract, unless it is among the same results", required=False),
    Option("--out", "a new folder, or FILE.zip"),
]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    run(model=args.model, normalization=args.normalization, out=args.out)


def run(*, model: Path, normalization: Path | None = None, out: Path) -> None:
    """Write the files of the model, contract.json, summary.json (for people: families, label,
    versions, and the verdict of the evaluation among the same results) and manifest.json, their
    hashes, to a folder, or to one file if `out` ends in .zip. Raises InputError if the model is not
    as it was trained."""
    from alpha.data.contract import read_contract
    from alpha.learn.saved import NAME, load_model
    from alpha.score import exported
    from alpha.score.scorer import CONTRACT, contract_of

    source = normalization or contract_of(model)
    contract = read_contract(source)
    about = load_model(model, contract).about
    families: dict[str, list[str]] = {}
    for name, family in zip(contract.names, contract.families, strict=True):
        families.setdefault(family, []).append(name)
    summary = {
        "families": families,
        "label": about.get("label"),
        "verdict": _verdict(model, about, source.resolve().parents[1] / "evaluate"),
        "versions": {
            "humble-alpha": alpha.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numba", "numpy")},
        },
    }
    files = {name: (model / name).read_bytes() for name in (NAME, *about["files"])}
    files |= {CONTRACT: source.read_bytes(), "summary.json": json_text(summary).encode()}
    files[exported.MANIFEST] = exported.manifest(files)
    in_zip = out.suffix == ".zip"
    with whole(out, folder=not in_zip) as part:
        if in_zip:
            part.write_bytes(exported.zipped(files))
        else:
            part.mkdir()
            for name, content in files.items():
                (part / name).write_bytes(content)


def _verdict(model: Path, about: dict[str, Any], evaluation: Path) -> Any:
    """What the evaluation of the same results says of the model; None if there is none."""
    from alpha.learn.kinds import MATCHED_MLP

    path = evaluation / "details.json"
    if not path.is_file():
        return None
    name = MATCHED_MLP if model.name == MATCHED_MLP else about["model"]
    try:
        found = read_json(path)["by_model"].get(name, {})
        # Not one of a model that was trained in another way.
        same = found.get("configuration") == about.get("configuration")
        return found["verdict"] if same else None
    except (AttributeError, LookupError, TypeError):
        raise InputError(f"{path}: is not what `alpha evaluate` writes") from None
