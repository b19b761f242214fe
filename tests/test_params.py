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
        ("clip: 10.0", "clipp: 10.0", "normalize.clipp: no such key; did you mean clip?"),
        (
            "clip: 10.0",
            "clip: -1",
            "normalize.clip: must be greater than 0, found -1",
        ),
        ("clip: 10.0", "clip: .nan", "normalize.clip: must be a finite number, found NaN"),
        (
            "penalty: 100.0",
            "penalty: much",
            'ridge.penalty: must be a valid number, found "much"',
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
        ("seeds: [0, 1, 2]", "seeds: []", "seeds: must have at least 1 item"),
        (
            "train: 0.6,",
            "train: 0.9,",
            "split: fractions must add up to at most 1, found 1.3",
        ),
        ("train: 0.6,", "trian: 0.6,", "split.fractions.trian"),
        ("seeds: [0, 1, 2]", "seeds: 3", "seeds: must be a list, as in [a, b], found 3"),
        ("zero: {}", "zero:", "zero: must hold keys, or be {}, found nothing"),
        ("symbol: SIM", "symbol: S/M", "simulate.symbol: must be of letters, digits, - and _"),
        ("key: df", "key: ''", 'data.key: must have at least 1 character, found ""'),
        ("key: df", "key:", "data.key: must be a valid string, found nothing"),
        ('start: "2024-01-01"', "start: yesterday", "start: must be a valid date"),
        ("price: touch", "price: {a: }", "must be 'touch' or 'mid', found {\"a\": null}"),
        ("\nlabel:", "\nlabels:", "labels: no such key; did you mean label?"),
        ("\nlabel:", "\nsomething: 1\nlabel:", "something: no such key"),
        ("{taker_bps: 7.5,", "{taker: 7.5,", "fees.taker: no such key; did you mean taker_bps?"),
        ("\nridge:", "\nsilos: {}\nridge:", 'found duplicate key "silos"'),
        ("clip: 10.0", "clip: 10.0\n  clip: 9", 'found duplicate key "clip"'),
        ("clip: 10.0", "clip: [1", "is not YAML: line "),
        ("times: null", "times: {}", "split: give either fractions or times"),
        ("spread: ^spread", "spread: '('", "is not a regular expression"),
        ('start: "2024-01-01"', "start: 2024-01-01", "simulate.start: dates must be quoted"),
        ("seeds: [0, 1, 2]", "seeds: [true]", "seeds.0: must be a valid integer, found true"),
        ("seeds: [0, 1, 2]", "seeds: [1.0]", "seeds.0: must be a valid integer, found 1.0"),
        ("epochs: 12", 'epochs: "3"', 'train.epochs: must be a valid integer, found "3"'),
        (
            "max_gap_seconds: 30",
            "max_gap_seconds: 1e300",
            "label.max_gap_seconds: must be less than or equal to 300000000",
        ),
        (
            "max_stale_seconds: null",
            "max_stale_seconds: 0",
            "label.max_stale_seconds: must be greater than or equal to 0.000001, found 0",
        ),
        ('pattern: "*.h5"', 'pattern: "/etc/*"', "data.pattern: must be a file's name, without /"),
        (
            "dir: results/simulate",
            "dir: it's",
            "data.dir: must be a path without ' \" { } $ ` \\, found",
        ),
        (
            "target: abs_max",
            "target: absmax",
            "label.target: must be 'abs_max', ",
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
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 'is not YAML: line 4: found duplicate key "b"'),
        ("a: {b: 1, b: 2}\n", 'is not YAML: line 1: found duplicate key "b"'),
        ("'a' : 1\nb: 2\na: 3\n", 'is not YAML: line 3: found duplicate key "a"'),
        ("a: 1\n\tb: 2\n", "is not YAML: line 2: found a tab"),
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
    with pytest.raises(InputError, match="none.yaml: does not exist"):
        load(tmp_path / "none.yaml")


def test_params_cannot_be_changed_after_loading(params):
    with pytest.raises(ValueError, match="frozen"):
        params.ridge.penalty = 3.0
