"""alpha train"""

from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.data.params import Label
from alpha.learn.kinds import kind
from alpha.learn.params import LADDER, Loss, Train, ladder, sections

SUMMARY = "fit a model with a seed, or all baselines, on train, watching valid"
OPTIONS = [
    Option("--model", "which model of the ladder", type=str, required=False),
    Option("--seed", "seed of initial weights and shuffles", type=int, required=False),
    Option("--kind", "in place of a model: baselines, all of them", type=str, required=False),
    Option("--train", "the train split's folder"),
    Option("--valid", "the valid split's folder"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "folder for the model and history.csv; of baselines, a folder for each"),
    Option("--live", "folder to watch the epochs of a network in", required=False),
]


def SECTIONS(args: Arguments) -> dict[str, Any]:
    """Raises InputError unless there is one model with a seed, or the baselines without one."""
    if (args.model is None) == (args.kind is None):
        found = "neither" if args.model is None else "both"
        raise InputError(f"either --model or --kind must be given, found {found}")
    if args.kind not in (None, "baselines"):
        raise InputError(f"--kind must be baselines, found {args.kind!r}")
    if (args.model is None) != (args.seed is None):
        raise InputError("--seed must be given with --model, and with it alone")
    if args.seed is not None and not 0 <= args.seed < 2**31:
        raise InputError(f"--seed must be 0 to 2**31 - 1, found {args.seed}")
    of = args.kind or kind(args.model)
    own = sections(of)
    shared = LADDER | {"label": Label, "loss": Loss, "train": Train}
    return shared | (own if args.kind or of == "own" else {args.model: own[args.model]})


def command(params: Any, args: Arguments) -> None:
    from alpha.train.run import run

    names = params.baselines if args.kind else [args.model]
    if not set(names) <= set(ladder(params)):
        must = f"must be one of params' models ({', '.join(ladder(params))})"
        raise InputError(f"--model {must}, found {args.model!r}")
    own = dict(params.own)
    models = {name: own[name] if name in own else getattr(params, name) for name in names}
    paths = {of: getattr(args, of) for of in ("train", "valid", "normalization", "out", "live")}
    seed, in_folders = args.seed or 0, bool(args.kind)
    run(params.label, params.loss, params.train, models, seed=seed, in_folders=in_folders, **paths)
