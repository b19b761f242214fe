import pytest

from alpha.artifacts import json_text, read_json, whole, whole_folder
from alpha.errors import InputError


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
    for name in ("first", "second"):
        with whole_folder(out) as part:
            (part / name).write_text(name)
            assert not (out / name).exists()
    assert [path.name for path in out.iterdir()] == ["second"]


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
