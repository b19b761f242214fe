"""dvc.lock, written one stage at a time: to the byte what DVC writes."""

import os
from types import SimpleNamespace

import pytest
from dvc.dvcfile import Lockfile
from dvc.repo import Repo
from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workflow.scripts import stage_lock

NAMES = ["a", "ab", "a@x-0", "a@x", "b_c@ridge-0"]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=120)
LINES = st.lists(TEXT, min_size=1, max_size=3).map("\n".join)
PARAMS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | LINES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"path": TEXT, "hash": st.just("md5"), "md5": st.just("0" * 32), "size": st.integers(0)}
    ),
    max_size=3,
)
STAGE = st.fixed_dictionaries(
    {"cmd": LINES | st.lists(TEXT, min_size=1, max_size=2)},
    optional={
        "deps": ENTRIES,
        "params": st.dictionaries(st.just("params.yaml"), st.dictionaries(TEXT, PARAMS)),
        "outs": ENTRIES,
    },
)


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    return Repo.init(str(tmp_path_factory.mktemp("lock")), no_scm=True)


def dump(lock, name, content):
    """Write a stage of this content into a lock."""
    stage = SimpleNamespace(name=name, content=content)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("dvc.stage.serialize", "workflow.scripts.stage_lock"):
            patch.setattr(f"{module}.to_lockfile", lambda stage: {stage.name: stage.content})
        lock.dump_stages([stage])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), STAGE), min_size=1, max_size=6))
def test_stages_are_written_and_read_as_dvc_does(repo, written):
    """Whatever commands, paths and params hold: added in any order, and each more than once.

    But for values that DVC's own rewriting of all stages changes, such as some floats of 40 digits.
    """
    theirs, ours = (os.path.join(repo.root_dir, f"{name}.lock") for name in ("theirs", "ours"))
    for path in (theirs, ours):
        if os.path.exists(path):
            os.remove(path)
    for name, content in written:
        dump(Lockfile(repo, theirs), name, content)
        with open(theirs, encoding="utf-8", newline="") as file:
            text = file.read()
        assume(dumps_yaml(parse_yaml_for_update(text, theirs)) == text)
        lock = stage_lock.StageLock(repo, ours, stage=name)
        dump(lock, name, content)
        with open(ours, encoding="utf-8", newline="") as file:
            assert file.read() == text
        assert lock.load()["stages"][name] == Lockfile(repo, ours).load()["stages"][name]


def test_of_other_stages_nothing_is_read(repo, tmp_path):
    path = tmp_path / "dvc.lock"
    for name in ("a", "b"):
        dump(Lockfile(repo, str(path)), name, {"cmd": name})
    assert stage_lock.StageLock(repo, str(path), stage="b").load()["stages"] == {"b": {"cmd": "b"}}
    assert stage_lock.StageLock(repo, str(path), stage="c").load()["stages"] == {}


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("schema: '2.0'\n", "") + "schema: '2.0'\n",
        lambda text: "# a remark\n" + text,
        lambda text: text + "datasets: []\n",
        lambda text: text.replace("cmd: a", "cmd: &one a").replace("cmd: b", "cmd: *one"),
        lambda text: text.replace("  ", "   "),
        lambda text: text.rstrip("\n"),
        lambda text: "",
    ],
)
def test_a_lock_that_dvc_did_not_write_is_left_to_dvc(repo, tmp_path, edit):
    """Edited by hand: DVC's own reading and writing, to the same bytes and the same content."""
    made = []
    for name in ("theirs", "ours"):
        path = tmp_path / f"{name}.lock"
        for stage in ("a", "b"):
            dump(Lockfile(repo, str(path)), stage, {"cmd": stage})
        path.write_text(edit(path.read_text()))
        lock = Lockfile(repo, str(path))
        if name == "ours":
            lock = stage_lock.StageLock(repo, str(path), stage="b")
        dump(lock, "b", {"cmd": "c"})
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_a_lock_in_conflict_is_refused_as_by_dvc(repo, tmp_path):
    path = tmp_path / "dvc.lock"
    dump(Lockfile(repo, str(path)), "a", {"cmd": "a"})
    path.write_text(path.read_text().replace("    cmd", "<<<<<<< HEAD\n    cmd"))
    before = path.read_bytes()
    for lock in (Lockfile(repo, str(path)), stage_lock.StageLock(repo, str(path), stage="a")):
        with pytest.raises(Exception, match="is not valid|merge conflict|invalid|YAML"):
            lock.load()
    assert path.read_bytes() == before
