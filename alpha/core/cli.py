"""The command line. A command is a module with `SUMMARY`, `OPTIONS`, `SECTIONS` (those of
params.yaml that it may use, by name, or a function of the arguments) and `command(params, args)`.
One that writes folders inside --out, and leaves what is beside them alone, has `MANY_OUTS`.
"""

import argparse
import importlib
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import alpha
from alpha.core.errors import InputError
from alpha.core.text import nearest, warn

Arguments = argparse.Namespace
# How libraries that are no MemoryError say that there is too little, of memory or of threads.
_SHORT = "bad_alloc|cannot allocate memory|can't start new thread|failed to map segment|OOM when"


@dataclass(frozen=True)
class Option:
    """One argument, which without a default must be given."""

    flag: str  # --name, or NAME of one that is given by its position
    what: str
    default: str | None = None
    type: Callable[[str], Any] = Path  # bool: it is given or not, without a value
    required: bool = True


def main(
    argv: Sequence[str],
    modules: Mapping[str, str],
    groups: Mapping[str, str],
    *,
    sections: Collection[str],
) -> int:
    """Run a command, by the module of each word; `groups` as in `parser`. `sections` are the names
    that params.yaml may have.

    Returns 0; after one line on standard error 2 for bad input, or 130.
    """
    # By whoever only imports a command, as scoring does, it is not needed.
    from alpha.core import params as core_params

    word = argv[0] if argv else "--help"
    known = word in modules
    if not known and not word.startswith("-"):
        near = nearest(word, modules) or "; `alpha --help` lists them"
        warn(f"alpha: error: no such command {word!r}{near}")
        return 2
    code = 2
    try:
        # The module of a given command alone is imported.
        complete = word.startswith("--print-completion")
        made = parser({word: modules[word]} if known else modules, groups, listed=complete)
        args, others = made.parse_known_args(argv or [word])
        word = args.command
        module: Any = importlib.import_module(modules[word])
        for other in others:
            flags = ["--params", *(option.flag for option in module.OPTIONS)]
            raise InputError(f"no such argument {other!r}{nearest(other, flags)}")
        own = module.SECTIONS(args) if callable(module.SECTIONS) else module.SECTIONS
        content, source = core_params.read(args.params), str(args.params)
        params = core_params.validate(content, core_params.model(own), sections, source=source)
        if not hasattr(module, "MANY_OUTS"):
            _keep_inputs(args)
        module.command(params, args)
        sys.stdout.flush()
        return 0
    except InputError as error:
        line = str(error) + _undo()
    except BrokenPipeError:
        # The reader of our output went away (`alpha show | head`): not an error of ours.
        _end_output()
        return 0
    except KeyboardInterrupt:
        code, line = 130, "interrupted"
    except RecursionError:
        line = "what it reads must not be nested so deeply"
    except Exception as error:
        said = f"{error} {error.__context__}"
        if isinstance(error, MemoryError) or re.search(_SHORT, said, re.IGNORECASE):
            line = "there is not enough memory, or too low a limit of it or of processes"
        elif isinstance(error, OSError):
            # A place that cannot be written, or a full disk: reading has InputErrors of its own.
            where = error.filename or ("standard output" if error.errno else word)
            line = f"{where}: {error.strerror or error}"
        else:
            raise
    _end_output()
    warn(f"alpha {word}: error: {line}")
    return code


def _end_output() -> None:
    """Print what waits to be. If that cannot be, it is dropped, as Python would fail once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _undo() -> str:
    """What takes back the params that -S brought, which a failed experiment of DVC leaves in this
    folder. One of the queue runs in a folder of its own."""
    here = os.environ.get("DVC_EXP_NAME") and os.environ.get("DVC_ROOT") == os.getcwd()
    back = "`git checkout params.yaml` takes it back, with every edit since the last commit"
    return f" (if -S brought it, {back}; then `make run` brings the results back)" if here else ""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; `{self.prog} --help` explains them")


def parser(
    modules: Mapping[str, str], groups: Mapping[str, str], *, listed: bool = False
) -> argparse.ArgumentParser:
    """That of the commands of some modules; of all with help by groups, which are words by their
    titles, or `listed` as argparse does it: shtab completes what is listed so."""
    found: Any = {word: importlib.import_module(name) for word, name in modules.items()}
    lines = ["Order-book features to an alpha model"]
    for title, group in groups.items() if len(found) > 1 else ():
        lines += ["", f"{title}:"]
        for word in group.split():
            line, at = f"  {word:11} {found[word].SUMMARY}", " " * 14
            lines += textwrap.wrap(line, shutil.get_terminal_size().columns, subsequent_indent=at)
    raw = argparse.RawDescriptionHelpFormatter
    top = _Parser("alpha", description="\n".join(lines), formatter_class=raw)
    top.add_argument("--version", action="version", version=f"alpha {alpha.__version__}")
    if listed:
        import shtab

        shtab.add_argument_to(top)
    else:
        what = 'in ~/.bashrc: eval "$(alpha --print-completion bash)"'
        top.add_argument("--print-completion", metavar="SHELL", help=what)
    each = "one of those above: `alpha COMMAND --help` explains it"
    inner = top.add_subparsers(dest="command", required=True, metavar="COMMAND", help=each)
    params = Option("--params", "the params", "params.yaml")
    for name, module in found.items():
        says = module.SUMMARY[0].upper() + module.SUMMARY[1:]
        about = {"help": says} if listed else {}
        one = inner.add_parser(name, description=says, **about)
        for option in (params, *module.OPTIONS):
            default, what = option.default, option.what
            kind: dict[str, Any] = {"required": option.required and default is None}
            if not option.flag.startswith("-"):
                kind = {} if option.required else {"nargs": "?"}
            if default is not None:
                # argparse makes the type's value of a default that is text.
                kind["default"], what = default, f"{what} (default: {default})"
            kind = {"action": "store_true"} if option.type is bool else kind | {"type": option.type}
            added: Any = one.add_argument(option.flag, help=what, **kind)
            if listed and option.type is Path:
                added.complete = shtab.FILE
    return top


def _keep_inputs(args: Arguments) -> None:
    """Refuse an --out whose replacement would remove one of the step's own inputs."""
    paths = {name: value for name, value in vars(args).items() if isinstance(value, Path)}
    # Which, unlike Path.resolve, says nothing of loops of links: whoever opens one does.
    given = {name: Path(os.path.realpath(path)) for name, path in paths.items()}
    out = given.pop("out", None)
    for name, path in given.items():
        if out is not None and path.is_relative_to(out):
            raise InputError(f"--out must not be or hold what --{name} gives, found {args.out}")
        if out is not None and out.is_file() and out.is_relative_to(path):
            raise InputError(f"--out must not be a file in what --{name} gives, found {args.out}")


def step(module: str) -> Callable[[Any, Arguments], None]:
    """The command of a step: `run` of that module, which is imported only then, with all of the
    step's sections in their order, and with its arguments by their names."""

    def command(params: Any, args: Arguments) -> None:
        options = sys.modules[module.rpartition(".")[0]].OPTIONS
        names = [option.flag.lstrip("-") for option in options]
        given = {name: getattr(args, name) for name in names}
        importlib.import_module(module).run(*dict(params).values(), **given)

    return command
