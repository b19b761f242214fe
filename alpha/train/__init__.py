"""alpha train"""

from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.data.params import Label
from alpha.learn.params import LADDER, Loss, kind, ladder, sections
from alpha.models.networks.params import Train

SUMMARY = "fit one model with one seed on train, stopping early on valid"
OPTIONS = [
    Option("--kind", "baselines", type=str, required=False),
    Option("--model", "which rung of the ladder", type=str, required=False),
    Option("--seed", "seed of initial weights and shuffles", type=int, default="0"),
    Option("--train", "the train split's folder"),
    Option("--valid", "the valid split's folder"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "folder for the model and history.csv"),
    Option("--live", "folder for DVCLive's metrics of a network's epochs", required=False),
]


def SECTIONS(args: Arguments) -> dict[str, Any]:
    if args.kind:
        return LADDER | {"label": Label, "loss": Loss} | sections(args.kind)
    of = kind(args.model)
    of_model = {args.model: sections(of)[args.model]}
    of_loop = {"train": Train} if of == "networks" else {}
    return LADDER | {"label": Label, "loss": Loss} | of_loop | of_model


def command(params: Any, args: Arguments) -> None:
    if args.kind:
        from pathlib import Path

        from alpha.core.artifacts import whole_folder

        with whole_folder(args.out) as part:
            for model in params.baselines:
                one = {**vars(args), "kind": None, "model": model, "out": Path(part) / model}
                command(params, Arguments(**one))
        return
    if args.model not in ladder(params):
        raise InputError(
            f"--model must be one of params' models ({', '.join(ladder(params))}), "
            f"found {args.model!r}"
        )
    if not 0 <= args.seed < 2**31:
        raise InputError(f"--seed must be 0 to 2**31 - 1, found {args.seed}")
    from alpha.train.run import run

    run(
        params.label,
        params.loss,
        getattr(params, "train", None),  # type: ignore[arg-type]  # of networks alone
        getattr(params, args.model),
        model=args.model,
        seed=args.seed,
        train=args.train,
        valid=args.valid,
        normalization=args.normalization,
        out=args.out,
        live=args.live,
    )
