"""The command line: the only place that parses arguments or loads params.yaml."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from alpha import __version__
from alpha.commands import COMMANDS, Option, command
from alpha.errors import InputError
from alpha.params import load


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The whole command line, or that of one command, whose file alone is then imported."""
    top = argparse.ArgumentParser(prog="alpha", description="Order-book features to an alpha model")
    top.add_argument("--version", action="version", version=f"alpha {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS if only is None else (only,):
        found = command(name)
        summary = found.SUMMARY
        one = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:])
        one.add_argument(
            "--params",
            type=Path,
            default=Path("params.yaml"),
            help="default: params.yaml",
        )
        for option in found.OPTIONS:
            _add(one, option)
    return top


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    default = None if option.default is None else option.type(option.default)
    what = option.what if default is None else f"{option.what} (default: {option.default})"
    if not option.flag.startswith("-"):
        count = None if option.required else "?"
        parser.add_argument(option.flag, nargs=count, type=option.type, default=default, help=what)
        return
    parser.add_argument(
        option.flag,
        type=option.type,
        required=option.required and default is None,
        default=default,
        help=what,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0; after one line on standard error 2 for bad input, or 130."""
    words = sys.argv[1:] if argv is None else list(argv)
    args = parser(words[0] if words and words[0] in COMMANDS else None).parse_args(words)
    try:
        params = load(args.params)
        _keep_inputs(args)
        command(args.command).run(params, args)
    except InputError as error:
        return _failed(args.command, str(error))
    except BrokenPipeError:
        # The reader of our output went away (`alpha show | head`): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return _failed(args.command, "interrupted", code=130)
    except OSError as error:
        # Reading turns its errors into InputError where it happens: this is a place that
        # cannot be written, or a full disk.
        return _failed(args.command, f"{error.filename or args.command}: {error.strerror or error}")
    return 0


def _failed(name: str, line: str, *, code: int = 2) -> int:
    print(f"alpha {name}: error: {line}", file=sys.stderr)
    return code


def _keep_inputs(args: argparse.Namespace) -> None:
    """Refuse an --out whose replacement would remove one of the step's own inputs."""
    given = {name: value.resolve() for name, value in vars(args).items() if isinstance(value, Path)}
    out = given.pop("out", None)
    # The splits step writes folders inside --out, and leaves what is beside them alone.
    if out is None or args.command == "splits":
        return
    for name, path in given.items():
        if path.is_relative_to(out):
            raise InputError(f"--out must not be or hold what --{name} gives, found {args.out}")


if __name__ == "__main__":
    code = main()
    # The process ends, and a last search for garbage would go through all that was imported.
    gc.freeze()
    sys.exit(code)
