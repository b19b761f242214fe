import re

import lightgbm
import numpy as np
import pytest

from alpha.learn.softmax import softmax
from alpha.models.trees.forest import Forest


def rows(count, seed, *, nan=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 8)).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = 0.0
    x[rng.random(x.shape) < nan] = np.nan
    return x


def booster(*, nan=0.0, classes=0, trees=40, **settings):
    x = rows(2000, 0, nan=nan)
    y = np.nan_to_num(x).sum(axis=1)
    if classes:
        y = np.digitize(y, [-1.0, 1.0])
        settings |= {"objective": "multiclass", "num_class": classes}
    settings |= {"verbosity": -1, "num_threads": 1}
    trained = lightgbm.train(settings, lightgbm.Dataset(x, y, params=settings), trees)
    return lightgbm.Booster(model_str=trained.model_to_string())


KINDS = {
    "regression": {},
    "missing as 0": {"nan": 0.2, "use_missing": False},
    "classes": {"classes": 3},
    "forest of one leaf": {"min_data_in_leaf": 2000},
}


def _rounded(thresholds):
    return " ".join(repr(float(np.float32(value))) for value in thresholds[0].split())


@pytest.mark.parametrize("kind", KINDS)
def test_trees_add_up_to_the_bits_of_lightgbm_s_own(kind):
    # Thresholds that a float32 can meet, as LightGBM's own lie between what it saw.
    text = booster(**KINDS[kind]).model_to_string()
    text = re.sub("(?<=^threshold=).*$", _rounded, text, flags=re.MULTILINE)
    # LightGBM goes by the sizes where there are any.
    sizeless = re.sub("^tree_sizes=.*\n", "", text, flags=re.MULTILINE)
    made, forest = lightgbm.Booster(model_str=sizeless), Forest.parse(text)
    x = rows(5000, 1)
    x[:6] = np.array([1e38, -1e38, 1e-36, -1e-36, 1e-35, 1e-45], dtype=np.float32)[:, None]
    for at, (node, threshold) in enumerate(zip(forest.nodes, forest.thresholds, strict=True)):
        x[10 + at, node[0]] = threshold
    raw = made.predict(x, raw_score=True).reshape(len(x), -1)
    assert forest.sums(x).tobytes() == raw.tobytes()
    alone = np.concatenate([forest.sums(x[row : row + 1]) for row in range(400)])
    assert alone.tobytes() == raw[:400].tobytes()
    if kind == "classes":
        np.testing.assert_allclose(softmax(forest.sums(x)), made.predict(x), rtol=1e-12)


def test_only_the_trees_of_the_text_count():
    made = booster()
    x = rows(50, 2)
    forest = Forest.parse(made.model_to_string(num_iteration=7))
    assert len(forest.roots) == 7
    expected = made.predict(x, raw_score=True, num_iteration=7)
    assert forest.sums(x)[:, 0].tobytes() == expected.tobytes()


def test_categorical_splits_and_linear_leaves_are_refused():
    x = np.random.default_rng(0).integers(0, 9, size=(900, 2)).astype(np.float64)
    y = (x[:, 0] % 3) + 0.1 * x[:, 1]
    for categorical, linear in (([0], False), ([], True)):
        settings = {"linear_tree": linear, "verbosity": -1, "num_threads": 1}
        data = lightgbm.Dataset(x, y, params=settings, categorical_feature=categorical)
        text = lightgbm.train(settings, data, 3)
        with pytest.raises(ValueError, match="without categorical splits and linear leaves"):
            Forest.parse(text.model_to_string())


@pytest.mark.parametrize("settings", [{}, {"zero_as_missing": True}])
def test_splits_of_what_is_missing_are_refused(settings):
    """Training never makes them, as what it sees is finite."""
    with pytest.raises(ValueError, match="a split must not look for what is missing"):
        Forest.parse(booster(nan=0.2, trees=3, **settings).model_to_string())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left_child=", "left_child=0 "),  # in a circle
        ("right_child=", "right_child=9999 "),
        ("right_child=", "right_child=-9999 "),
        ("split_feature=", "split_feature=8 "),
        ("split_feature=", "split_feature=-1 "),
        ("num_leaves=", "num_leaves=9"),
        ("num_leaves=", "num_leaves=-"),
        ("threshold=", "threshold=x "),
        ("leaf_value=", "leaf_value=1 "),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=3"),
        ("Tree=0\n", "Tree=x\n"),
        ("tree_sizes=", "average_output\ntree_sizes="),
    ],
)
def test_a_damaged_file_is_refused_before_any_tree_is_walked(old, new):
    text = booster(trees=4).model_to_string()
    assert old in text
    with pytest.raises((ValueError, KeyError)):
        Forest.parse(text.replace(old, new, 1))


def test_rows_of_other_features_are_refused():
    with pytest.raises(ValueError, match="must have 8 features, found 7"):
        Forest.parse(booster(trees=2).model_to_string()).sums(np.zeros((3, 7), np.float32))
