"""Compiled functions, as their cache needs them."""

import pkgutil
from importlib import import_module
from types import ModuleType

import alpha  # noqa: F401  # isort: skip
from conftest import ROOT
from numba.core.dispatcher import Dispatcher


def compiled() -> list[tuple[ModuleType, str, Dispatcher]]:
    """All compiled functions of the package, by the modules that name numba."""
    found = []
    for module in pkgutil.walk_packages([str(ROOT / "alpha")], "alpha."):
        path = ROOT / f"{module.name.replace('.', '/')}.py"
        if path.exists() and "njit" in path.read_text(encoding="utf-8"):
            loaded = import_module(module.name)
            found += [
                (loaded, name, of)
                for name, of in vars(loaded).items()
                if isinstance(of, Dispatcher)
            ]
    return found


def test_no_compiled_function_calls_one_of_another_file():
    """Numba keeps what it compiled until the function's own file is edited: an edit of another,
    which it calls, would go unseen, and results would be those of the old code."""
    functions = compiled()
    assert len(functions) > 15
    for module, name, function in functions:
        code = function.py_func.__code__
        assert code.co_filename == module.__file__, (
            f"{name} of {module.__name__} is of another file"
        )
        called = {of for of in code.co_names if isinstance(vars(module).get(of), Dispatcher)}
        for other in called:
            where = vars(module)[other].py_func.__code__.co_filename
            assert where == code.co_filename, f"{name} of {module.__name__} calls {other}"
