"""Which files of the package a step can import: what a stage of dvc.yaml must depend on."""

import ast
from collections.abc import Iterator
from pathlib import Path

from alpha.__main__ import COMMANDS
from alpha.learn.params import kind


def closure(root: Path, step: str, model: str | None) -> set[str]:
    """The files of alpha/ that `python -m alpha STEP` may import, relative to `root`.

    Imports inside functions count. Commands and rungs are imported by name: only those of
    `step` and `model` count. A package's templates and style sheets count with it.
    """
    found: set[str] = set()
    module = COMMANDS[step].replace(".", "/")
    package = root / module / "__init__.py"
    own = f"{module}/__init__.py" if package.exists() else f"{module}.py"
    waiting = ["alpha/__init__.py", "alpha/__main__.py", own]
    if model is not None:
        waiting.append(f"alpha/models/{kind(model)}/{model}.py")
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            if file.endswith(".py"):
                waiting += _imports(root, ast.parse((root / file).read_text()))
    return found


def _imports(root: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "the package imports by whole names"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield from _files(root, name)


def _files(root: Path, name: str) -> Iterator[str]:
    """The files behind a dotted name, with its packages; none outside of the package."""
    parts = name.split(".")
    if parts[0] != "alpha":
        return
    for length in range(1, len(parts) + 1):
        path = Path(*parts[:length])
        if (root / path / "__init__.py").exists():
            for file in (root / path).iterdir():
                if file.name == "__init__.py" or file.suffix in (".j2", ".css"):
                    yield str(file.relative_to(root))
        elif (root / path).with_suffix(".py").exists():
            yield str(path.with_suffix(".py"))
