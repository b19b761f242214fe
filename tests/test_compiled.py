"""Compiled functions, as their cache needs them."""

import os
import pkgutil
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

import alpha  # isort: skip
import pytest
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


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for what is temporary, in a process without variables."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "environ", {})
    return tmp_path / f"humble-alpha-{os.getuid()}"


def test_where_nothing_can_be_written_what_is_compiled_is_kept_for_this_user_alone(
    temporary, monkeypatch
):
    monkeypatch.setattr(os, "access", lambda *_: False)
    alpha.set_homes()
    for name in ("MPLCONFIGDIR", "KERAS_HOME", "NUMBA_CACHE_DIR"):
        assert os.environ[name] == str(temporary)
    assert temporary.stat().st_mode & 0o777 == 0o700
    os.environ.update(NUMBA_CACHE_DIR="/one/of/the/user")
    alpha.set_homes()
    assert os.environ["NUMBA_CACHE_DIR"] == "/one/of/the/user"


def test_a_folder_that_another_user_can_write_is_not_trusted(temporary, monkeypatch, tmp_path):
    """Whether it was made beforehand, or is a link to elsewhere: what lies in it would be run."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    for plant in (lambda: temporary.mkdir(), lambda: temporary.symlink_to(tmp_path / "elsewhere")):
        plant()
        os.environ.clear()
        alpha.set_homes()
        found = Path(os.environ["NUMBA_CACHE_DIR"])
        assert found != temporary
        assert found.stat().st_mode & 0o777 == 0o700
        (temporary.unlink if temporary.is_symlink() else temporary.rmdir)()


@pytest.mark.parametrize("writable", ["home", "alpha"])
def test_where_code_or_home_can_be_written_it_is_compiled_there(temporary, monkeypatch, writable):
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name == writable)
    monkeypatch.setattr(os.path, "expanduser", lambda _: "/some/home")
    alpha.set_homes()
    assert "NUMBA_CACHE_DIR" not in os.environ
    assert ("MPLCONFIGDIR" in os.environ) == (writable == "alpha")
