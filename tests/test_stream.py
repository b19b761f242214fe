"""Rows that stay in their files are the rows that would be in memory."""

import threading

import numpy as np
import pytest
from sealing import seal_split

from alpha.core import parallel
from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.data.columns import OUTCOME_COLUMNS, PAST_COLUMNS
from alpha.data.contract import Contract
from alpha.learn import dataset
from alpha.learn.dataset import Dataset, Stream, open_both
from alpha.learn.history import Splits
from alpha.learn.losses import Objective
from alpha.models.networks import mlp
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.network import Network
from alpha.models.networks.params import Mlp
from alpha.models.networks.training import fit_network

NAMES = ("a", "b", "c")
SECOND = 10**9


def contract() -> Contract:
    ones, zeros = np.ones(3), np.zeros(3, dtype=np.int64)
    return Contract(NAMES, ("other",) * 3, 0 * ones, ones, zeros, zeros, zeros, 10.0, 0)


def make(folder, *, days: list[int], seed: int):
    """Files of so many rows: the first feature is the row's number over 1,000, and the outcome
    follows the others."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    row = 0
    for number, rows in enumerate(days):
        x = rng.normal(size=(rows, 3)).astype(np.float32)
        x[:, 0] = np.arange(row, row + rows) / 1000 % 8
        y = 0.001 + 0.0005 * np.maximum(x[:, 1], 0) + 0.0001 * rng.normal(size=rows)
        write_frame(
            folder / f"{number:02}.h5",
            (np.arange(rows) + number * 86_400) * SECOND,
            [
                Block(NAMES, x),
                Block(OUTCOME_COLUMNS, np.column_stack((y, y, y))),
                Block(PAST_COLUMNS, np.full((rows, 4), 0.5)),
                Block(("status",), np.zeros((rows, 1), dtype=np.int8)),
            ],
            tz_aware=True,
        )
        row += rows
    seal_split(folder)
    return folder


@pytest.fixture
def split(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "_CHUNK_ROWS", 64)
    monkeypatch.setattr(dataset, "PART_ROWS", 100)
    return make(tmp_path / "train", days=[300, 40, 517, 1], seed=0)


def test_parts_times_and_outcomes_are_those_of_the_split_in_memory(split):
    whole, found = dataset.load(split, contract()), Stream(split, contract())
    np.testing.assert_array_equal(found.y, whole.y)
    np.testing.assert_array_equal(found.time_ns, whole.time_ns)
    row = 0
    for known in found.parts():
        np.testing.assert_array_equal(known.x, whole.x[row : row + len(known)])
        np.testing.assert_array_equal(known.past, whole.known.past[row : row + len(known)])
        row += len(known)
    assert row == len(whole.y)


@pytest.mark.parametrize("buffer_rows", [0, 64, 200, 10_000])
@pytest.mark.parametrize("batch", [1, 7, 64, 150])
def test_every_row_is_drawn_once_but_for_what_is_left_of_the_last_batch(split, buffer_rows, batch):
    whole = dataset.load(split, contract())
    found = Stream(split, contract(), buffer_rows=buffer_rows)
    drawn = []
    for x, rows, order in found.shuffled(np.random.default_rng(1), batch=batch):
        assert len(order) % batch == 0
        np.testing.assert_array_equal(x[order], whole.x[rows[order]])
        assert len(x) <= max(buffer_rows, batch, 64) + batch
        drawn += rows[order].tolist()
    assert len(drawn) == 858 // batch * batch
    assert len(set(drawn)) == len(drawn)


def test_rows_near_each_other_in_time_are_spread_over_the_epoch(split):
    """Even with a buffer of few chunks, and another epoch has another order."""
    found, rng = Stream(split, contract(), buffer_rows=200), np.random.default_rng(1)
    epochs = [
        np.concatenate([rows[order] for _, rows, order in found.shuffled(rng, batch=10)])
        for _ in range(2)
    ]
    assert not np.array_equal(*epochs)
    for drawn in epochs:
        assert abs(np.corrcoef(drawn, np.arange(len(drawn)))[0, 1]) < 0.5
        # Neighbours in a batch are hardly ever neighbours in time.
        assert np.mean(np.abs(np.diff(drawn)) <= 1) < 0.05


def test_the_reader_s_pace_changes_nothing(split, monkeypatch):
    """Nor does a buffer change while it is trained on."""

    def drawn(pause: bool) -> list[bytes]:
        found = []
        rng = np.random.default_rng(2)
        for x, _, order in Stream(split, contract(), buffer_rows=128).shuffled(rng, batch=10):
            before = x[order].tobytes()
            if pause:
                threading.Event().wait(0.02)
            assert x[order].tobytes() == before
            found.append(before)
        return found

    assert drawn(True) == drawn(False)
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    assert drawn(False) == drawn(True)


def test_what_is_held_in_memory_follows_from_how_much_there_may_be(split, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "_ROW_BYTES", 8)
    valid = make(tmp_path / "valid", days=[100], seed=1)
    of_row = 4 * 3 + dataset._ROW_BYTES
    whole = (858 + 100) * of_row
    kinds = {
        whole: (Dataset, Dataset),
        whole - 1: (Stream, Dataset),
    }
    for memory, expected in kinds.items():
        found = open_both(split, valid, contract(), memory_bytes=memory, batch=10)
        assert tuple(map(type, found)) == expected, memory
    most = 100 * of_row + 858 * dataset._ROW_BYTES
    found, _ = open_both(split, valid, contract(), memory_bytes=most + 2 * 90 * of_row, batch=10)
    assert isinstance(found, Stream)
    assert found._buffer_rows == 80
    # A quarter of it would not hold valid.
    valid = make(tmp_path / "longer", days=[300], seed=1)
    found = open_both(split, valid, contract(), memory_bytes=16_000, batch=10)
    assert tuple(map(type, found)) == (Stream, Stream)


def test_too_little_memory_is_one_line_that_says_how_much_it_takes(split, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "_ROW_BYTES", 8)
    valid = make(tmp_path / "valid", days=[300], seed=1)
    needed = (858 + 300) * 8 + 2 * (4 * 3 + 8) * (10 + 64)
    open_both(split, valid, contract(), memory_bytes=needed, batch=10)
    for memory in (needed - 1, 1):
        with pytest.raises(
            InputError, match=r"memory_mb: must be at least 1 for 858 rows of train"
        ):
            open_both(split, valid, contract(), memory_bytes=memory, batch=10)


def test_streamed_training_learns_as_well_as_training_in_memory(tmp_path, monkeypatch, params):
    """And again with the same bits; over seeds the losses on valid are alike."""
    monkeypatch.setattr(dataset, "_CHUNK_ROWS", 256)
    paths = [
        make(tmp_path / name, days=days, seed=seed)
        for seed, (name, days) in enumerate({"train": [3000, 2500], "valid": [1500]}.items())
    ]
    loop = params.train.model_copy(
        update={"learning_rate": 0.01, "batch_size": 64, "epochs": 6, "patience": 6}
    )

    def fitted(memory: float, seed: int):
        rows = open_both(*paths, contract(), memory_bytes=round(memory), batch=64)
        objective = Objective.fit(rows[0].y, params.label, params.loss)
        tensorflow().keras.utils.set_random_seed(seed)
        net = mlp.build(["a"] * 3, Mlp(hidden=(8,), dropout=0.0, weight_decay=0.0), 1)
        model, history = fit_network(net, Splits(*rows, objective), loop, seed=seed)
        return model.net.get_weights(), history[-1]

    weights, _ = fitted(8e5, 0)
    for one, other in zip(weights, fitted(8e5, 0)[0], strict=True):
        assert one.tobytes() == other.tobytes()
    losses = {
        memory: [fitted(memory, seed)[1].valid_loss for seed in range(3)] for memory in (1e9, 8e5)
    }
    assert np.mean(losses[8e5]) == pytest.approx(np.mean(losses[1e9]), abs=0.02)
    # What is measured after an epoch is the same, wherever rows are.
    assert max(losses[8e5]) < 0.3


@pytest.mark.parametrize("watched", [1 << 16, 130])
def test_measures_are_the_same_wherever_rows_are(split, params, watched, monkeypatch):
    """Of all rows, and of every seventh."""
    monkeypatch.setattr("alpha.learn.history._WATCHED_ROWS", watched)
    whole, found = dataset.load(split, contract()), Stream(split, contract())
    objective = Objective.fit(whole.y, params.label, params.loss)
    net = mlp.build(["a"] * 3, Mlp(hidden=(8,), dropout=0.0, weight_decay=0.0), 1)
    model = Network.about(net, objective)
    lines = [Splits(rows, rows, objective).measure(model, epoch=0) for rows in (whole, found)]
    assert lines[0] == lines[1]
