"""An artifact does not tell which processor made it: this one, and an older one in emulation."""

import os
import shutil
import subprocess
import sys
from hashlib import md5
from pathlib import Path

import pytest
from conftest import PARAMS_TEXT, ROOT
from threadpoolctl import threadpool_info

import alpha

# Two and a half thousand rows in one day, with windows and gaps to match.
CHANGES = {
    "days: 5": "days: 1",
    "rows_per_day: 86400": "rows_per_day: 2880",
    "horizon_seconds: 60": "horizon_seconds: 120",
    "max_gap_seconds: 30": "max_gap_seconds: 60",
    "embargo_seconds: 300": "embargo_seconds: 120",
}
STEPS = """\
simulate --out results/simulate
label --features results/simulate --out label
split --features results/simulate --labels label/labels --out split
normalize --splits split --out normalize
"""
MODEL = """\
train --model {0} --seed 0 --train split/0/train --valid split/0/valid \
--normalization normalize/0.json --out train/{0}
predict --model train/{0} --splits split/0 --normalization normalize/0.json --out predict/{0}
"""
CHAIN = "".join((STEPS, MODEL.format("har"), MODEL.format("ridge")))
PROGRAM = """
import sys
from alpha.__main__ import main
for step in sys.stdin:
    assert main(step.split()) == 0, step
"""
# An emulated compiler would take minutes: compiled here, for the processor that is emulated.
HASWELL = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi,+bmi2,+lzcnt"}


def run_chain(folder: Path, *emulator: str, **environment: str) -> dict[str, str]:
    """The md5 of each artifact, by its path, of a run in a new process, which inherits no floor."""
    folder.mkdir()
    text = PARAMS_TEXT
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "params.yaml").write_text(text)
    inherited = {name: value for name, value in os.environ.items() if name not in alpha.FLOOR}
    done = subprocess.run(
        [*emulator, sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment,
        input=CHAIN,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {
        str(path.relative_to(folder)): md5(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def emulator() -> tuple[str, ...]:
    """Runs a program on an emulated Haswell (2013): AVX2, and nothing newer."""
    found = shutil.which("qemu-x86_64")
    if found is None:
        reason = "qemu-x86_64 is not installed (Debian's qemu-user)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found, "-cpu", "Haswell"


def test_tests_run_on_the_floor():
    """conftest imports alpha before NumPy, as the command line does."""
    blas = [info["architecture"] for info in threadpool_info() if info["user_api"] == "blas"]
    assert set(blas) == {"Haswell"}


@pytest.mark.parametrize(
    ("escape", "avx2", "floor"),
    [("", True, alpha.FLOOR), ("1", True, {}), ("", False, {})],
)
def test_the_floor_is_left_out_on_request_and_where_there_is_no_avx2(
    monkeypatch, escape, avx2, floor
):
    for name in alpha.FLOOR:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(alpha.ESCAPE, escape)
    monkeypatch.setattr(alpha, "_has_avx2", lambda: avx2)
    alpha.set_floor()
    assert {name: os.environ[name] for name in alpha.FLOOR if name in os.environ} == floor


def test_an_older_processor_makes_the_same_bytes(emulator, tmp_path):
    """Of the whole way from nothing to a linear model's predictions. The emulated processor runs
    as it is, without the floor; and where this one has AVX-512, the floor is what makes them the
    same."""
    here = run_chain(tmp_path / "here")
    unbound = HASWELL | {alpha.ESCAPE: "1"}
    older = run_chain(tmp_path / "older", *emulator, **unbound)
    assert here == older
    if " avx512f " in Path("/proc/cpuinfo").read_text():
        without_floor = run_chain(tmp_path / "without", **unbound)
        differ = {path for path in here if here[path] != without_floor[path]}
        assert {"train/ridge/model.json", "predict/ridge/test.h5"} <= differ


def test_blas_has_one_thread_whoever_starts_a_step():
    """Snakemake gives its jobs one, DVC alone as many as there are cores: sums would differ."""
    code = (
        "import alpha, numpy, threadpoolctl\n"
        "print({one['num_threads'] for one in threadpoolctl.threadpool_info()"
        " if one['internal_api'] == 'openblas'})"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    environment.pop("OPENBLAS_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "{1}", done.stderr
