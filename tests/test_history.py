import math

import pytest

from alpha.core.errors import InputError
from alpha.learn import history


def test_columns_are_floats_and_empty_cells_are_nan(tmp_path):
    """A closed form has no curve to speak of."""
    path = tmp_path / "history.csv"
    path.write_text("epoch,train_loss,valid_loss,note\n0,0.5,,7\n")
    found = history.read(path)
    assert (found["epoch"], found["train_loss"], found["note"]) == ([0.0], [0.5], [7.0])
    assert math.isnan(found["valid_loss"][0])


def test_a_training_that_diverged_is_read_back_and_counted(tmp_path):
    losses = [(1.0, 1.0), (0.9, 0.8), (math.inf, 0.9), (math.nan, math.nan)]
    epochs = [history.Epoch(at, *loss) for at, loss in enumerate(losses)]
    history.write(tmp_path / "history.csv", epochs)
    found = history.read(tmp_path / "history.csv")
    assert found["train_loss"][:3] == [1.0, 0.9, math.inf]
    assert math.isnan(found["train_loss"][3])
    assert (history.diverged(found), history.best_epoch(found)) == (2, 1)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("epoch,train_loss\n1,1\n", "must have a column 'valid_loss', found epoch, train_loss"),
        ("epoch,train_loss,valid_loss\n1,1,one\n", "is not such a table: .*'one'"),
        ("epoch,train_loss,valid_loss\n", "must have a row for each epoch"),
    ],
)
def test_a_history_that_cannot_be_used_is_refused_in_one_line(tmp_path, text, match):
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=match) as caught:
        history.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_best_epoch_is_the_first_of_the_smallest_valid_losses():
    """A loss that is not finite never wins."""
    columns = {"epoch": [0.0, 1.0, 2.0, 3.0], "valid_loss": [math.nan, 0.9, 0.8, 0.8]}
    assert history.best_epoch(columns) == 2
    assert history.best_epoch({"epoch": [0.0], "valid_loss": [math.nan]}) is None
