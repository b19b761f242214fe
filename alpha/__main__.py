"""The command line: the only place that parses arguments and loads params.yaml.

Each step's module is imported only when the step runs, so that `alpha labels` never waits
for TensorFlow. A step is given the sections of params it may use, and nothing else of them.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from alpha import __version__
from alpha.errors import InputError
from alpha.params import Params, load

Arguments = argparse.Namespace


def _simulate(params: Params, args: Arguments) -> None:
    from alpha import simulate

    simulate.run(params.simulate, out=args.out)


def _labels(params: Params, args: Arguments) -> None:
    from alpha import labels

    labels.run(params.data, params.label, features=args.features, out=args.out)


def _splits(params: Params, args: Arguments) -> None:
    from alpha import splits

    splits.run(
        params.data,
        params.label,
        params.splits,
        features=args.features,
        labels=args.labels,
        out=args.out,
    )


def _normalize(params: Params, args: Arguments) -> None:
    from alpha import normalization

    normalization.run(params.features, params.normalization, train=args.train, out=args.out)


def _train(params: Params, args: Arguments) -> None:
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
    )


def _predict(params: Params, args: Arguments) -> None:
    from alpha import predict

    predict.run(
        model=args.model,
        splits=args.splits,
        normalization=args.normalization,
        out=args.out,
    )


def _evaluate(params: Params, args: Arguments) -> None:
    from alpha import evaluation

    evaluation.run(
        params.label,
        params.loss,
        params.evaluate,
        params.verdict,
        features=args.features,
        runs=params.runs,
        models=args.models,
        predictions=args.predictions,
        out=args.out,
    )


def _report(params: Params, args: Arguments) -> None:
    from alpha import report

    report.run(
        params.label,
        evaluation=args.evaluation,
        labels=args.labels,
        splits=args.splits,
        normalization=args.normalization,
        out=args.out,
    )


def _check(params: Params, args: Arguments) -> None:
    from alpha import check

    check.run(params)


def _show(params: Params, args: Arguments) -> None:
    from alpha import show, tried

    show.run(
        evaluation=args.evaluation,
        report=args.report,
        model=args.name,
        tried=tried.count(args.evaluation),
    )


# name: (what it does, the step, its options as (flag, what it is, default))
Option = tuple[str, str, str | None]
STEPS: dict[str, tuple[str, Callable[[Params, Arguments], None], list[Option]]] = {
    "simulate": (
        "write a simulated market: daily feature files, and the oracle beside them",
        _simulate,
        [("--out", "folder for the feature files; the oracle goes to its subfolder oracle", None)],
    ),
    "labels": (
        "label each row with the outcome of its look-ahead window",
        _labels,
        [
            ("--features", "folder of feature files", None),
            ("--out", "folder for label files of the same names, and summary.json", None),
        ],
    ),
    "splits": (
        "cut features and labels into train, valid and test by time, with purge and embargo",
        _splits,
        [
            ("--features", "folder of feature files", None),
            ("--labels", "folder that `alpha labels` wrote", None),
            ("--out", "folder for train/, valid/, test/ and summary.json", None),
        ],
    ),
    "normalize": (
        "mean and sigma of each feature over the train split: the normalization contract",
        _normalize,
        [
            ("--train", "the train split's folder", None),
            ("--out", "the contract, a JSON file", None),
        ],
    ),
    "train": (
        "fit one model with one seed on train, stopping early on valid",
        _train,
        [
            ("--model", "which rung of the ladder", None),
            ("--seed", "seed of initial weights and shuffles", None),
            ("--train", "the train split's folder", None),
            ("--valid", "the valid split's folder", None),
            ("--normalization", "the contract that `alpha normalize` wrote", None),
            ("--out", "folder for the model and history.csv", None),
        ],
    ),
    "predict": (
        "predict every row of every split with a trained model",
        _predict,
        [
            ("--model", "a folder that `alpha train` wrote", None),
            ("--splits", "folder of the splits", None),
            ("--normalization", "the contract that `alpha normalize` wrote", None),
            ("--out", "folder for train.h5, valid.h5, test.h5 and inputs.json", None),
        ],
    ),
    "evaluate": (
        "what every model is worth on every split, with intervals, and its verdict",
        _evaluate,
        [
            ("--features", "folder of feature files, perhaps with an oracle", None),
            ("--models", "folder with a folder for each model and seed, by `alpha train`", None),
            ("--predictions", "the same, by `alpha predict`", None),
            ("--out", "folder for metrics.json, details.json and the plots' CSV files", None),
        ],
    ),
    "report": (
        "one self-contained HTML page",
        _report,
        [
            ("--evaluation", "folder that `alpha evaluate` wrote", None),
            ("--labels", "folder that `alpha labels` wrote", None),
            ("--splits", "folder that `alpha splits` wrote", None),
            ("--normalization", "the contract that `alpha normalize` wrote", None),
            ("--out", "the page, an HTML file", None),
        ],
    ),
    "check": (
        "check params.yaml and the folder of feature files; change nothing",
        _check,
        [],
    ),
    "show": (
        "print the verdicts of the last evaluation, or the dashboard of one model",
        _show,
        [
            ("--evaluation", "folder that `alpha evaluate` wrote", "results/evaluate"),
            ("--report", "the page whose path is printed", "results/report/report.html"),
        ],
    ),
}


def parser() -> argparse.ArgumentParser:
    """The whole command line, also read by the documentation's tests."""
    top = argparse.ArgumentParser(prog="alpha", description="Order-book features to an alpha model")
    top.add_argument("--version", action="version", version=f"alpha {__version__}")
    commands = top.add_subparsers(dest="step", required=True, metavar="STEP")
    for name, (summary, _, options) in STEPS.items():
        step = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:])
        step.add_argument(
            "--params",
            type=Path,
            default=Path("params.yaml"),
            help="default: params.yaml",
        )
        if name == "show":
            step.add_argument("name", metavar="MODEL", nargs="?", help="one model's dashboard")
        for flag, what, default in options:
            kinds: dict[str, Callable[[str], object]] = {"--seed": int, "--model": str}
            convert = kinds.get(flag, Path) if name == "train" else Path
            text = what if default is None else f"{what} (default: {default})"
            step.add_argument(
                flag,
                type=convert,
                required=default is None,
                default=None if default is None else convert(default),
                help=text,
            )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step. Returns 0, or 2 after one line on standard error for bad input."""
    args = parser().parse_args(argv)
    try:
        params = load(args.params)
        if args.step == "train" and args.model not in params.ladder:
            raise InputError(
                f"--model must be one of params' rungs ({', '.join(params.ladder)}), "
                f"found {args.model!r}"
            )
        if args.step == "train" and not 0 <= args.seed < 2**31:
            raise InputError(f"--seed must be 0 to 2**31 - 1, found {args.seed}")
        _keep_inputs(args)
        STEPS[args.step][1](params, args)
    except InputError as error:
        return _failed(args.step, str(error))
    except BrokenPipeError:
        # The reader of our output went away (`alpha show | head`): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        # Reading turns its errors into InputError where it happens: this is a place that
        # cannot be written, or a full disk.
        return _failed(args.step, f"{error.filename or args.step}: {error.strerror or error}")
    return 0


def _failed(step: str, line: str) -> int:
    print(f"alpha {step}: error: {line}", file=sys.stderr)
    return 2


def _keep_inputs(args: Arguments) -> None:
    """Refuse an --out whose replacement would remove one of the step's own inputs."""
    given = {name: value.resolve() for name, value in vars(args).items() if isinstance(value, Path)}
    out = given.pop("out", None)
    # The splits step writes folders inside --out, and leaves what is beside them alone.
    if out is None or args.step == "splits":
        return
    for name, path in given.items():
        if path.is_relative_to(out):
            raise InputError(f"--out must not be or hold what --{name} gives, found {args.out}")


if __name__ == "__main__":
    sys.exit(main())
