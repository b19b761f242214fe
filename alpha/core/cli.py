"""The command line. A command is a module with `SUMMARY`, `OPTIONS`, `SECTIONS` (those of
params.yaml that it may use, by name, or a function of the arguments) and `command(params, args)`.
One that writes folders inside --out, and leaves what is beside them alone, has `MANY_OUTS`.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpha.core import params as core_params
from alpha.core.errors import InputError

Arguments = argparse.Namespace


@dataclass(frozen=True)
class Option:
    """One argument, which without a default must be given."""

    flag: str  # --name, or NAME of one that is given by its position
    what: str
    default: str | None = None
    type: Callable[[str], Any] = Path
    required: bool = True


def main(
    argv: Sequence[str], *, commands: Mapping[str, str], sections: Mapping[str, str], version: str
) -> int:
    """Run one of `commands` (word -> module). `sections` are the names that params.yaml may have,
    those of earlier versions with the names of today.

    Returns 0; after one line on standard error 2 for bad input, or 130.
    """
    # The module of a given command alone is imported.
    wanted = {argv[0]: commands[argv[0]]} if argv and argv[0] in commands else commands
    args = _parser(wanted, version).parse_args(argv)
    module: Any = importlib.import_module(commands[args.command])
    try:
        own = module.SECTIONS(args) if callable(module.SECTIONS) else module.SECTIONS
        content, source = core_params.read(args.params), str(args.params)
        params = core_params.validate(content, core_params.model(own), sections, source=source)
        if not hasattr(module, "MANY_OUTS"):
            _keep_inputs(args)
        module.command(params, args)
        return 0
    except InputError as error:
        code, line = 2, str(error)
    except BrokenPipeError:
        # The reader of our output went away (`alpha show | head`): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        code, line = 130, "interrupted"
    except OSError as error:
        # A place that cannot be written, or a full disk: reading has InputErrors of its own.
        code, line = 2, f"{error.filename or args.command}: {error.strerror or error}"
    print(f"alpha {args.command}: error: {line}", file=sys.stderr)
    return code


def _parser(commands: Mapping[str, str], version: str) -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="alpha", description="Order-book features to an alpha model")
    top.add_argument("--version", action="version", version=f"alpha {version}")
    words = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    params = Option("--params", "the params", "params.yaml")
    for name, module in commands.items():
        found: Any = importlib.import_module(module)
        summary = found.SUMMARY
        one = words.add_parser(name, help=summary, description=summary[0].upper() + summary[1:])
        for option in (params, *found.OPTIONS):
            default, what = option.default, option.what
            kind: dict[str, Any] = {"required": option.required and default is None}
            if not option.flag.startswith("-"):
                kind = {} if option.required else {"nargs": "?"}
            if default is not None:
                # argparse makes the type's value of a default that is text.
                kind["default"], what = default, f"{what} (default: {default})"
            one.add_argument(option.flag, type=option.type, help=what, **kind)
    return top


def _keep_inputs(args: Arguments) -> None:
    """Refuse an --out whose replacement would remove one of the step's own inputs."""
    given = {name: value.resolve() for name, value in vars(args).items() if isinstance(value, Path)}
    out = given.pop("out", None)
    for name, path in given.items():
        if out is not None and path.is_relative_to(out):
            raise InputError(f"--out must not be or hold what --{name} gives, found {args.out}")
