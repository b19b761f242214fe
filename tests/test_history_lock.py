from pathlib import Path

import pytest

from alpha.core.errors import InputError
from alpha.history.record import lock
from alpha.history.record.lock import Entry, Stage

TEXT = b"""schema: '2.0'
stages:
  simulate:
    cmd: python -m alpha simulate
      --out results/simulate
    params:
      params.yaml:
        simulate:
          start: '2024-01-01'
          tick: 2e-05
        seeds: [0, 1]
    outs:
    - path: results/simulate
      hash: md5
      md5: 9da717198e20295317dbba14ef495421.dir
      size: 126787896
      nfiles: 11
  train@mlp-0:
    cmd: python -m alpha train
    deps:
    - path: alpha/train/run.py
      hash: md5
      md5: 6939cc3ea826c1d036e17dd19baae2db
      size: 106
    - path: results/simulate
      hash: md5
      md5: 00000000000000000000000000000000.dir
"""


def test_a_stage_has_its_command_params_deps_and_outs():
    assert lock.parse(TEXT, "dvc.lock") == {
        "simulate": Stage(
            cmd="python -m alpha simulate --out results/simulate",
            deps={},
            outs={"results/simulate": Entry("9da717198e20295317dbba14ef495421.dir", 126787896, 11)},
            params={"simulate": {"start": "2024-01-01", "tick": 2e-5}, "seeds": [0, 1]},
        ),
        "train@mlp-0": Stage(
            cmd="python -m alpha train",
            deps={
                "alpha/train/run.py": Entry("6939cc3ea826c1d036e17dd19baae2db", 106),
                "results/simulate": Entry("0" * 32 + ".dir"),
            },
            outs={},
            params={},
        ),
    }


def test_a_lock_without_stages_has_none():
    assert lock.parse(b"schema: '2.0'\n", "dvc.lock") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"stages: [", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"", "must hold stages"),
        (b"<<<<<<< HEAD\n", "must hold stages"),
        (b"stages: []", "must hold stages"),
        (b"stages: {a: 3}", "a: must be a stage, found int"),
        (b"stages: {a: {params: {params.yaml: 3}}}", "a: params must be sections by file"),
        (b"stages: {a: {outs: 3}}", "a: outs: each must have a path and an md5, found 3"),
        (b"stages: {a: {deps: [{path: b, md5: c}]}}", "a: deps: each must have a path and an md5"),
    ],
)
def test_a_damaged_lock_is_named_in_one_line(tmp_path: Path, text: bytes, said: str):
    path = tmp_path / "dvc.lock"
    path.write_bytes(text)
    with pytest.raises(InputError) as raised:
        lock.read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_lock_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="dvc.lock: cannot be read: No such file"):
        lock.read(tmp_path / "dvc.lock")


def test_an_md5_is_found_in_the_text_as_it_is_parsed():
    assert lock.find(TEXT, "results/simulate") == {"9da717198e20295317dbba14ef495421", "0" * 32}
    assert lock.find(TEXT, "results/simulate", stage="train@mlp-0") == {"0" * 32}
    assert lock.find(TEXT, "results") == set()
