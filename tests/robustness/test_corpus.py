"""A few inputs of each hostile kind, which `make check-full` tries by thousands; and whether a
trial sees what it must."""

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from alpha.check import load
from alpha.label import run as labels
from tests.robustness import trial
from tests.robustness.case import LABEL, MARKER, ROOT, Case, Must, frame, save, write_params
from tests.robustness.trial import Outcome, Ran, forked, judge


def test_every_input_is_refused_in_one_line_or_read_as_the_reference_reads_it():
    command = [sys.executable, "-m", "tests.robustness", "--cases", "200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr


LINE = "alpha label: error: features/a.h5: must be sound\n"


@pytest.mark.parametrize(
    ("ran", "must", "outcome"),
    [
        (Ran(2, "", LINE, 1), Must.REFUSE, Outcome.REFUSED),
        (Ran(2, "", LINE, 1), Must.ACCEPT, Outcome.UNFAIR),
        (Ran(2, "", LINE * 2, 1), Must.REFUSE, Outcome.TRACEBACK),
        (Ran(2, "", "", 1), Must.REFUSE, Outcome.TRACEBACK),
        (Ran(2, "", "alpha label: error: \x1b[2J\n", 1), Must.REFUSE, Outcome.TRACEBACK),
        (Ran(1, "", "Traceback (most recent call last):\n", 1), Must.EITHER, Outcome.TRACEBACK),
        (Ran(-11, "", "", 1), Must.EITHER, Outcome.TRACEBACK),
        (Ran(0, "", "", 1), Must.REFUSE, Outcome.WRONG),
        (Ran(2, "", LINE, 10**9), Must.REFUSE, Outcome.MEMORY),
    ],
)
def test_what_a_command_did_is_judged(tmp_path, ran, must, outcome):
    (tmp_path / "results").mkdir()
    case = Case("kind", "name", lambda folder: None, must)
    assert judge(case, LABEL, ran, tmp_path, {})[0] == outcome


def test_a_changed_artifact_a_loaded_pickle_and_words_without_the_cause_are_seen(tmp_path):
    (tmp_path / "results").mkdir()
    case = Case("kind", "name", lambda folder: None, says="unsound")
    refused = Ran(2, "", LINE, 1)
    assert judge(case, LABEL, refused, tmp_path, {})[0] == Outcome.UNSAID
    assert judge(case, LABEL, refused, tmp_path, {"label/a.h5": "0"})[0] == Outcome.CHANGED
    (tmp_path / MARKER).mkdir()
    assert judge(case, LABEL, refused, tmp_path, {})[0] == Outcome.WRONG


def test_a_loop_and_a_wait_that_never_end_are_ended_and_seen(tmp_path, monkeypatch):
    (tmp_path / "case" / "results").mkdir(parents=True)
    monkeypatch.setattr(trial, "WAITS", 10)

    def loop():
        while True:
            pass

    for work in (loop, lambda: time.sleep(100)):
        ran = forked(work, tmp_path / "case", seconds=0.2)
        case = Case("kind", "name", lambda folder: None)
        assert judge(case, LABEL, ran, tmp_path / "case", {})[0] == Outcome.HANG


def test_a_label_that_is_another_than_the_reference_s_is_seen(tmp_path, monkeypatch):
    folder = tmp_path / "case"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_params(folder)
    made = frame(60)
    made.iloc[20, 0] = np.nan
    features = save(folder, made).parent
    params = load(folder / "params.yaml")
    labels.run(params.data, params.label, features=features, out=folder / "results" / "label")
    case = Case("kind", "name", lambda folder: None, Must.ACCEPT)
    accepted = Ran(0, "", "", 1)
    assert judge(case, LABEL, accepted, folder, {}) == (Outcome.MARKED, "")
    path = folder / "results" / "label" / "labels" / "a.h5"
    found = pd.read_hdf(path, "df")
    found.iloc[5, found.columns.get_loc("up")] += 1e-5
    found.to_hdf(path, key="df", mode="w")
    outcome, why = judge(case, LABEL, accepted, folder, {})
    assert outcome == Outcome.WRONG
    assert why
