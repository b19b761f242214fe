import os
import re
import threading
import time

import pytest
from conftest import PARAMS_TEXT, ROOT

from alpha.check import load, parse
from alpha.core.errors import InputError
from alpha.core.params import quickly, read
from alpha.data.features import families
from alpha.data.params import Features


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
        ("times: null", 'times: {train: ["0001-01-01T00:00+14:00", "2024-01-02"]}', "1970 to 2200"),
        ("times: null", 'times: {train: ["2024-01-01", "9999-12-31"]}', "1970 to 2200"),
        ("stretch: null", 'stretch: ["2024-01-01", "9999-12-31T23:59"]', "1970 to 2200"),
        ('start: "2024-01-01"', 'start: "1969-12-31"', "simulate.start: must be of the years 1970"),
        ('pattern: "*.h5"', 'pattern: "."', "data.pattern: must be a pattern of files' names"),
        ('pattern: "*.h5"', 'pattern: ".."', "data.pattern: must be a pattern of files' names"),
        ('pattern: "*.h5"', 'pattern: "a**"', "data.pattern: must be a pattern of files' names"),
        ('pattern: "*.h5"', 'pattern: "a\\0"', "data.pattern: must have no control characters"),
        ("key: df", 'key: "a\\nb"', r"data.key: must have no control characters, found 'a\nb'"),
        ("key: df", 'key: "\\ud800"', "is not YAML"),
        ("key: df", "key: !!binary aGVsbG8=", "data.key: must be text, a number, true or false"),
        ("exclude: []", "exclude: !!set {a, b}", "data.exclude: must be text, a number, true or"),
        ("exclude: []", "exclude: [&a x, *a]", "must not have aliases, as *a"),
        ("exclude: []", f"exclude: {'[' * 90_000}", "must not have more than 20 levels"),
        ("exclude: []", "exclude: ['a{99999999999}']", "is not a regular expression"),
        ("exclude: []", f"exclude: ['{'(' * 9000}{')' * 9000}']", "is not a regular expression"),
        ("\nlabel:", "\n1: 2\nlabel:", "keys must be text, found 1"),
        ("penalty: 100.0", "penalty: 1e308", "ridge.penalty: must be less than or equal to 1000"),
        (
            "penalty: 100.0",
            f"penalty: 0x{'f' * 5000}",
            "ridge.penalty: must have at most 18 digits",
        ),
        ("penalty: 100.0", f"penalty: {'9' * 5000}", "is not YAML: Exceeds the limit"),
        ("hidden: [64, 32]", "hidden: [1000000000]", "mlp.hidden.0: must be less than or equal to"),
        ("units: 8", "units: 1000000000", "silos.units: must be less than or equal to 1024"),
        ("resamples: 2000", "resamples: 10000000", "must be less than or equal to 100000, found"),
        ("rows_per_day: 86400", "rows_per_day: 864000\n  x: 1", "simulate.x: no such key"),
        ("days: 5", "days: 3660", "simulate: days must hold at most 100,000,000 rows together"),
        ("taker_bps: 7.5", "taker_bps: 1e308", "fees.taker_bps: must be less than or equal to"),
        (
            "    seconds: null",
            "    seconds: {train: 1e-12}",
            "split.walk_forward.seconds.train: must be",
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
        ("a: " + "{a: " * 20_000, "more than 20 levels"),
        ("a: &a [*a]", "must not have aliases"),
        ("a: &a {b: [*a]}", "must not have aliases"),
        ("a: &a {b: 1}\nb:\n  <<: *a\n", "line 3: must not have aliases"),
        ("a: " + "x" * 200_000, "must have at most 100,000 characters"),
        ("a: \0", "is not YAML"),
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


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "device"])
def test_params_that_are_no_file_are_refused_at_once(tmp_path, kind):
    path = tmp_path / "params.yaml"
    {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "loop": lambda: path.symlink_to(path),
        "device": lambda: path.symlink_to("/dev/zero"),
    }[kind]()
    with pytest.raises(InputError, match="must be a file|does not exist|cannot be read"):
        read(path)


def test_of_a_huge_file_no_more_is_read_than_params_may_have(tmp_path):
    path = tmp_path / "params.yaml"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(InputError, match="at most 100,000 characters"):
        read(path)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "(.*)(.*)(.*)(.*)(.*)(.*)x$"])
def test_a_pattern_that_would_not_end_is_refused_and_others_match_as_before(pattern):
    """The second that it gets is one of the processor, not of a clock: it needs no idle machine."""
    with pytest.raises(InputError, match="features.families: must not take a second to match"):
        families(["a" * 250 + "b"], Features(families={"all": pattern}))
    assert families(["a"], Features(families={"all": "^(a+)+$"})) == {"a": "all"}


def test_who_matches_in_another_thread_or_takes_its_time_afterwards_is_not_stopped():
    found = []
    worker = threading.Thread(
        target=lambda: found.append(families(["a"], Features(families={"b": "a"})))
    )
    worker.start()
    worker.join()
    assert found == [{"a": "b"}]
    with quickly("it"):
        assert re.search("a", "a")
    end = time.process_time() + 1.2
    while time.process_time() < end:
        pass
