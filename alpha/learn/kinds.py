"""The models there are, by their kinds, and where each is: without what their params need."""

from importlib import import_module
from pathlib import Path
from typing import Any

from alpha.core.errors import InputError
from alpha.core.text import nearest

# Each kind is a list in params.yaml, a folder of alpha/models, and has stages of its own. Each
# model has a section of its own too, and is a module of that folder, or a class in one.
KINDS: dict[str, dict[str, str]] = {
    "baselines": {
        "zero": "naive.Zero",
        "mean": "naive.Mean",
        "median": "naive.Median",
        "persistence": "naive.Persistence",
        "har": "lines.Har",
        "ridge": "lines.Ridge",
    },
    "networks": {"mlp": "mlp", "silos": "silos"},
    "trees": {"lightgbm": "lightgbm.Trees"},
}
MODELS = tuple(model for models in KINDS.values() for model in models)
# They look at no features, but at past outcomes at most, and have a number or four to fit.
FEATURELESS = ("zero", "mean", "median", "persistence", "har")
# The plain network that is trained beside silos, in a folder of that name inside its run's.
MATCHED_MLP = "matched_mlp"
# Models of one's own are the other files of that folder, whatever is in them; not under a name that
# is taken in results or metrics.
_TAKEN = {*MODELS, MATCHED_MLP, "baselines", "best", "oracle"}
_FILES = sorted(Path(__file__).parents[1].glob("models/own/[a-z]*.py"))
KINDS["own"] = {file.stem: file.stem for file in _FILES if file.stem not in _TAKEN}


def kind(model: str) -> str:
    """The kind of a model. Raises InputError if there is no such model."""
    for found, models in KINDS.items():
        if model in models:
            return found
    known = *MODELS, *KINDS["own"]
    near = nearest(model, known)
    raise InputError(f"no such model {model!r}: must be one of {', '.join(known)}{near}")


def find(model: str) -> Any:
    """The class or module of a model, as docs/how-to/model.md describes it; the others, and what
    they need, are not imported."""
    of = kind(model)
    module, _, name = KINDS[of][model].partition(".")
    found = import_module(f"alpha.models.{of}.{module}")
    return getattr(found, name or "Model", found)


def loader(model: str) -> Any:
    """What loads a trained model: as `find`, but of networks what all share, as what builds them
    needs TensorFlow."""
    shared = "alpha.models.networks.network"
    return import_module(shared) if model in KINDS["networks"] else find(model)
