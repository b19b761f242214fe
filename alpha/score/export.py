"""alpha export: a trained model and all that scoring it needs, to take elsewhere.

It is a zip of files side by side, of which manifest.json has the SHA-256 hashes, without dates and
not compressed, so that its content alone makes its bytes.
"""

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from re import fullmatch
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile, ZipInfo

import alpha
from alpha.core.artifacts import json_text, read_bytes, read_json, whole
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.data.contract import Contract, read_contract
from alpha.learn import saved
from alpha.learn.kinds import MATCHED_MLP

SUMMARY = "pack a trained model and its contract, to be scored elsewhere"
OPTIONS = [
    Option("--model", "a model that `alpha train` wrote"),
    Option("--normalization", "its contract, unless it is among the same results", required=False),
    Option("--out", "FILE.zip"),
]
SECTIONS: dict[str, Any] = {}
_CONTRACT, _MANIFEST = "contract.json", "manifest.json"


def command(params: Any, args: Arguments) -> None:
    run(model=args.model, normalization=args.normalization, out=args.out)


def run(*, model: Path, normalization: Path | None = None, out: Path) -> None:
    """Write a zip of the model's files, its contract, and summary.json: versions, and the verdict
    of the evaluation among the same results. Raises InputError if the model is not as it was
    trained."""
    source = normalization or contract_of(model)
    about = saved.load_model(model, read_contract(source)).about
    versions = {name: version(name) for name in ("numba", "numpy")}
    versions |= {"humble-alpha": alpha.__version__, "python": platform.python_version()}
    verdict = _verdict(model, about, source.resolve().parents[1] / "evaluate" / "details.json")
    summary = json_text({"verdict": verdict, "versions": versions})
    files = {name: read_bytes(model / name) for name in (saved.NAME, *about["files"])}
    files |= {_CONTRACT: source.read_bytes(), "summary.json": summary.encode()}
    with whole(out) as part:
        part.write_bytes(zipped(files))


def _verdict(model: Path, about: dict[str, Any], path: Path) -> Any:
    """What the evaluation says of the model; None if it judged none that was trained so."""
    name = MATCHED_MLP if model.name == MATCHED_MLP else about["model"]
    try:
        found = read_json(path)["by_model"].get(name, {}) if path.is_file() else {}
        same = found.get("configuration") == about.get("configuration")
        return found["verdict"] if found and same else None
    except saved.WRONG:
        raise InputError(f"{path}: is not what `alpha evaluate` writes") from None


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The zip of these files, and of their manifest."""
    hashes = {name: sha256(content).hexdigest() for name, content in files.items()}
    files = {**files, _MANIFEST: json_text(hashes).encode()}
    with ZipFile(made := BytesIO(), "w") as file:
        for name in sorted(files):
            file.writestr(ZipInfo(name), files[name])
    return made.getvalue()


def unzipped(path: Path) -> dict[str, bytes]:
    """The files, if `zipped` makes the same bytes of them: so none was changed, and nothing else is
    in it, such as links, names that lead out of a folder, or more than its own size."""
    content = read_bytes(path)
    with suppress(*saved.WRONG), ZipFile(BytesIO(content)) as file:
        names = [name for name in file.namelist() if name != _MANIFEST]
        size = sum(entry.file_size for entry in file.infolist())
        if size <= len(content) and all(fullmatch(r"\w+\.\w+", name) for name in names):
            files = {name: file.read(name) for name in names}
            if zipped(files) == content:
                return files
    raise InputError(f"{path}: was changed after its export, or `alpha export` did not write it")


def load_trained(path: Path, normalization: Path | None = None) -> tuple[saved.Model, Contract]:
    """A model that `alpha train` or `alpha export` wrote, and its contract: without one given, that
    of the same results. Raises InputError if a file is missing, or is not as it was written."""
    if not path.is_file():
        contract = read_contract(normalization or contract_of(path))
        return saved.load_model(path, contract), contract
    with TemporaryDirectory() as folder:
        for name, content in unzipped(path).items():
            (Path(folder) / name).write_bytes(content)
        try:
            return load_trained(Path(folder), Path(folder) / _CONTRACT)
        except InputError as error:  # A reader could not look into a folder that is gone.
            raise InputError(str(error).replace(folder, str(path))) from None


def contract_of(model: Path) -> Path:
    """Where the contract of a trained model is that stands with it in one folder of results."""
    parents = Path(os.path.realpath(model)).parents  # which takes a loop of links for what it is
    for fold, above in zip(parents, parents[2:], strict=False):  # results/train/0/mlp/0
        if (path := above / "normalize" / f"{fold.name}.json").is_file():
            return path
    raise InputError(f"{model}: no results above it hold normalize/FOLD.json; name the contract")
