import pytest
from conftest import PARAMS_TEXT, ROOT

from alpha.check import load, parse
from alpha.core.errors import InputError


def edited(old: str, new: str) -> str:
    assert old in PARAMS_TEXT
    return PARAMS_TEXT.replace(old, new, 1)


def test_params_are_read_from_a_file():
    assert load(ROOT / "tests" / "params.yaml").label.horizon_ns == 60_000_000_000


def test_numbers_are_read_as_yaml_1_2_does_so_that_dvc_and_the_program_agree():
    text = edited("learning_rate: 0.001", "learning_rate: 1e-3")
    assert parse(text, source="p").train.learning_rate == 0.001


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clip: 10.0", "clipp: 10.0", "normalize.clipp: no such key"),
        (
            "clip: 10.0",
            "clip: -1",
            "normalize.clip: input should be greater than 0, found -1",
        ),
        ("clip: 10.0", "clip: .nan", "normalize.clip: input should be"),
        (
            "penalty: 100.0",
            "penalty: much",
            "ridge.penalty: input should be a valid number",
        ),
        (
            "networks: [mlp",
            "networks: [mpl",
            "networks.0: must be one of mlp, silos, found 'mpl'",
        ),
        (
            "networks: [mlp, silos]",
            "networks: [mlp, mlp]",
            "networks: must not repeat, found ['mlp', 'mlp']",
        ),
        (
            "har, ridge]",
            "har, mlp]",
            "baselines.5: must be one of zero, mean, median, persistence, har, ridge, found 'mlp'",
        ),
        ("seeds: [0, 1, 2]", "seeds: [1, 1]", "seeds: must not repeat, found [1, 1]"),
        ("seeds: [0, 1, 2]", "seeds: []", "seeds: tuple should have at least 1 item"),
        (
            "train: 0.6,",
            "train: 0.9,",
            "split: fractions must add up to at most 1, found 1.3",
        ),
        ("train: 0.6,", "trian: 0.6,", "split.fractions.trian"),
        ("times: null", "times: {}", "split: give either fractions or times"),
        ("spread: ^spread", "spread: '('", "is not a regular expression"),
        ('start: "2024-01-01"', "start: 2024-01-01", "simulate.start: dates must be quoted"),
        ("seeds: [0, 1, 2]", "seeds: [true]", "seeds.0: input should be a valid integer"),
        ("seeds: [0, 1, 2]", "seeds: [1.0]", "seeds.0: input should be a valid integer"),
        ("epochs: 12", 'epochs: "3"', "train.epochs: input should be a valid integer"),
        ("max_gap_seconds: 30", "max_gap_seconds: 1e300", "label.max_gap_seconds: input should"),
        (
            "max_stale_seconds: null",
            "max_stale_seconds: 0",
            "label.max_stale_seconds: input should",
        ),
        ('pattern: "*.h5"', 'pattern: "/etc/*"', "data.pattern: string should match pattern"),
        ("dir: results/simulate", "dir: it's", "data.dir: string should match pattern"),
        (
            "target: abs_max",
            "target: absmax",
            "label.target: input should be 'abs_max'",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_names_the_key(old, new, message):
    with pytest.raises(InputError) as caught:
        parse(edited(old, new), source="p.yaml")
    assert str(caught.value).startswith("p.yaml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("- 1", "must hold sections"),
        ("", "must hold sections"),
        ("a: !!python/object/apply:os.system [true]", "p.yaml: "),
    ],
)
def test_what_is_not_params_at_all_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse(text, source="p.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.yaml: cannot be read"):
        load(tmp_path / "none.yaml")


def test_params_cannot_be_changed_after_loading(params):
    with pytest.raises(ValueError, match="frozen"):
        params.ridge.penalty = 3.0
