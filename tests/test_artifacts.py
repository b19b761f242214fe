import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alpha.core.artifacts import (
    json_text,
    read_csv,
    read_json,
    whole,
    whole_folder,
    whole_outs,
    write_csv,
)
from alpha.core.errors import InputError


def test_a_failure_leaves_the_earlier_artifact_and_nothing_else(tmp_path):
    out = tmp_path / "a.json"
    out.write_text("earlier")
    with pytest.raises(RuntimeError), whole(out) as part:
        part.write_text("half")
        raise RuntimeError
    assert out.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_replaces_the_earlier_one_as_a_whole(tmp_path):
    out = tmp_path / "deep" / "folder"
    for text in ("first", "second"):
        with whole_folder(out) as part:
            (part / "a").write_text(text)
            assert (out / "a").exists() == (text == "second")
    assert [path.name for path in out.iterdir()] == ["a"]
    assert (out / "a").read_text() == "second"


def test_several_artifacts_of_one_folder_appear_together_and_leave_what_is_beside_them(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    for text in ("first", "second"):
        with whole_outs(out) as part:
            (part / "folder").mkdir()
            (part / "folder" / "a").write_text(text)
            (part / "b.json").write_text(text)
            assert (out / "b.json").exists() == (text == "second")
        assert (out / "folder" / "a").read_text() == (out / "b.json").read_text() == text
    assert sorted(path.name for path in out.iterdir()) == ["b.json", "folder", "mine"]


def test_of_several_artifacts_none_changes_if_one_cannot_be_made(tmp_path):
    with whole_outs(tmp_path) as part:
        (part / "a").write_text("earlier")
    with pytest.raises(RuntimeError), whole_outs(tmp_path) as part:
        (part / "a").write_text("half")
        raise RuntimeError
    assert (tmp_path / "a").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("at", range(8))
def test_several_artifacts_never_stand_old_beside_new_wherever_a_kill_falls(
    tmp_path, monkeypatch, at
):
    """The file that sums up the folders is there only beside all of its own."""

    class Killed(BaseException):
        pass

    def make(text):
        with whole_outs(tmp_path) as part:
            for name in ("a", "z"):
                (part / name).mkdir()
                (part / name / "text").write_text(text)
            (part / "summary.json").write_text(text)

    make("old")
    replace, calls = os.replace, []

    def killed(source, target):
        calls.append(target)
        if len(calls) == at + 1:
            raise Killed
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with suppress(Killed):
        make("new")
    texts = [path.read_text() for path in tmp_path.glob("*/text")]
    summary = tmp_path / "summary.json"
    assert len(set(texts)) <= 1
    if summary.exists():
        assert texts == [summary.read_text()] * 2
    monkeypatch.setattr(os, "replace", replace)
    make("newest")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "summary.json", "z"]


def test_a_folder_with_something_of_the_user_s_is_never_replaced(tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    message = "holds thesis.tex, which this step would not write"
    with pytest.raises(InputError, match=message), whole_folder(out) as part:
        (part / "a").write_text("a")
    assert (out / "thesis.tex").read_text() == "years of work"
    assert list(tmp_path.iterdir()) == [out]


def test_what_dvc_could_not_bring_back_whole_is_nobody_s(tmp_path):
    """On a full disk it leaves the beginning of a file under a name of its own."""
    out = tmp_path / "out"
    for _ in range(2):
        with whole_folder(out) as part:
            (part / "a").write_text("a")
        (out / "._K2xY8Liyhlbmw_dRl8Dag.tmp").touch()
    with whole_folder(out) as part:
        (part / "a").write_text("b")
    assert [path.name for path in out.iterdir()] == ["a"]


def test_a_file_is_not_replaced_by_a_folder_nor_a_folder_by_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="must be a folder to write to, found a file"):
        whole_folder(tmp_path / "file").__enter__()
    with pytest.raises(InputError, match="must be a file to write to, found a folder"):
        whole(tmp_path / "folder").__enter__()
    with pytest.raises(InputError, match="must be a name of its own"):
        whole_folder(Path(".")).__enter__()


def test_what_a_killed_run_left_is_cleared_at_the_next_start(tmp_path):
    left = tmp_path / "folder.part"
    left.mkdir()
    (left / "half").write_text("half")
    with whole_folder(tmp_path / "folder") as part:
        (part / "new").write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["new"]


def test_equal_content_has_equal_bytes_and_nan_is_refused():
    assert json_text({"b": 1, "a": 2}) == json_text({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        json_text({"a": float("nan")})


def test_a_json_file_that_is_missing_or_broken_is_named(tmp_path):
    with pytest.raises(InputError, match=r"x\.json: cannot be read"):
        read_json(tmp_path / "x.json")
    (tmp_path / "y.json").write_text("{")
    with pytest.raises(InputError, match=r"y\.json: is not JSON"):
        read_json(tmp_path / "y.json")


WRITER = """
import sys
from pathlib import Path
from alpha.core.artifacts import whole_folder
out, text = Path(sys.argv[1]), sys.argv[2]
with whole_folder(out) as part:
    (part / "a").write_text(text)
    print("writing", flush=True)
    sys.stdin.readline()
    (part / "b").write_text(text)
"""


def test_two_processes_with_the_same_target_take_turns(tmp_path):
    """A step whose engine was killed lives on: it and the step that is started anew must not
    write into each other's scratch folder."""

    def start(text):
        words = [sys.executable, "-c", WRITER, str(tmp_path / "out"), text]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(words, text=True, **pipes)

    first = start("first")
    assert first.stdout.readline() == "writing\n"
    second = start("second")
    assert "waiting for another process that writes it" in second.stderr.readline()
    assert first.communicate("\n") == ("", "")
    assert {path.read_text() for path in (tmp_path / "out").iterdir()} == {"first"}
    assert second.communicate("\n") == ("writing\n", "")
    assert {path.read_text() for path in (tmp_path / "out").iterdir()} == {"second"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_killed_process_leaves_no_lock(tmp_path):
    words = [sys.executable, "-c", WRITER, str(tmp_path / "out"), "first"]
    killed = subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert killed.stdout.readline() == "writing\n"
    killed.kill()
    killed.communicate()
    with whole_folder(tmp_path / "out") as part:
        (part / "a").write_text("second")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_earlier_folder_is_there_again_when_the_last_rename_fails(tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_text("earlier")
    replace = os.replace

    def failing(source, target):
        if source.name == "out.part":
            raise OSError("no")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="no"), whole_folder(out) as part:
        (part / "a").write_text("new")
    assert (out / "a").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("write failed: errno = 28, error message = 'No space left on device', buf"),
        RuntimeError("HDF5 error back trace: errno = 28, error message = 'No space"),
    ],
)
def test_a_full_disk_is_one_line_that_names_the_artifact_whoever_wrote_it(tmp_path, error):
    out = tmp_path / "a.json"
    out.write_text("earlier")
    says = "a.json: cannot be written: No space left on device"
    with pytest.raises(InputError, match=says), whole(out) as part:
        part.write_text("half")
        raise error
    assert out.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("kind", ["pipe", "loop", "device", "dead"])
@pytest.mark.parametrize("folder", [True, False])
def test_an_out_that_is_no_file_is_never_replaced(tmp_path, kind, folder):
    out = tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(out)
    else:
        out.symlink_to({"loop": out, "device": "/dev/null", "dead": tmp_path / "none"}[kind])
    wanted = "folder" if folder else "file"
    with (
        pytest.raises(InputError, match=f"must be a {wanted} to write to"),
        whole(out, folder=folder),
    ):
        raise AssertionError
    assert os.path.lexists(out)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"a": {"b": 1, "c": 2, "b": 3}}', "[NaN]", "[1e999]", "[-Infinity]",
     "[" * 10**6, '{"a":' * 10**6, "9" * 10**6, "\ufeff{}", "[1] [2]", "\ud800"],
)  # fmt: skip
def test_json_that_python_would_take_or_choke_on_is_refused(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match="a.json: is not JSON"):
        read_json(path)


@given(
    st.lists(
        st.one_of(
            st.text("=+-@\t'a1.e|\"", min_size=1, max_size=6), st.floats(allow_nan=False).map(repr)
        ),
        min_size=1,
    )
)
@example(["-.", "-1.2.3"])
def test_tables_read_back_as_written_and_hold_no_formula(tmp_path_factory, names):
    """A number is none, whatever its sign: whoever reads one finds it as it was."""
    path = tmp_path_factory.mktemp("table") / "a.csv"
    values = [-float(at) for at in range(len(names))]
    write_csv(path, pd.DataFrame({"name": names, "value": values}), index=False)
    found = read_csv(path, {"name": "str", "value": float}, ["name", "value"])
    assert found["name"].tolist() == names
    assert found["value"].tolist() == values
    cells = pd.read_csv(path, dtype="str", keep_default_na=False)["name"]
    for cell in cells[cells.str.match(r"[=+\-@\t\r]")]:
        float(cell)


def test_a_scratch_folder_that_holds_a_file_of_the_user_s_is_refused_before_anything(tmp_path):
    (tmp_path / "outs").mkdir()
    (tmp_path / "outs" / "mine").touch()
    with pytest.raises(InputError, match="holds mine"), whole_outs(tmp_path) as part:
        (part / "a").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["outs"]
