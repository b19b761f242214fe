"""alpha train"""

from alpha.commands import Arguments, Option
from alpha.errors import InputError
from alpha.params import Params

SUMMARY = "fit one model with one seed on train, stopping early on valid"
OPTIONS = [
    Option("--model", "which rung of the ladder", type=str),
    Option("--seed", "seed of initial weights and shuffles", type=int),
    Option("--train", "the train split's folder"),
    Option("--valid", "the valid split's folder"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "folder for the model and history.csv"),
    Option("--live", "folder for DVCLive's metrics of a network's epochs", required=False),
]


def run(params: Params, args: Arguments) -> None:
    if args.model not in params.ladder:
        raise InputError(
            f"--model must be one of params' rungs ({', '.join(params.ladder)}), "
            f"found {args.model!r}"
        )
    if not 0 <= args.seed < 2**31:
        raise InputError(f"--seed must be 0 to 2**31 - 1, found {args.seed}")
    from alpha import train

    train.run(
        params.label,
        params.loss,
        params.train,
        params.rung(args.model),
        model=args.model,
        seed=args.seed,
        train=args.train,
        valid=args.valid,
        normalization=args.normalization,
        out=args.out,
        live=args.live,
    )
