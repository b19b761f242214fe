import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sealing import seal_split

from alpha.core.artifacts import read_json, write_json
from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.data.columns import LABEL_COLUMNS
from alpha.data.contract import Contract, apply, read_contract
from alpha.normalize.moments import Moments
from alpha.normalize.run import run


def contract(mean, sigma, *, clip=10.0) -> Contract:
    count = len(mean)
    zeros = np.zeros(count, dtype=np.int64)
    return Contract(
        names=tuple(f"f{number}" for number in range(count)),
        families=("other",) * count,
        mean=np.array(mean, dtype=np.float64),
        sigma=np.array(sigma, dtype=np.float64),
        finite=zeros, nan=zeros, inf=zeros, clip=clip, rows=0,
    )  # fmt: skip


def test_a_constant_feature_has_sigma_exactly_zero_and_becomes_zeros():
    block = np.full((1000, 1), 0.1, dtype=np.float32)
    moments = Moments(1)
    for part in (block, block[:7]):
        moments.add(part)
    assert moments.sigma[0] == 0
    z, clipped, replaced = apply(np.array([[0.1], [5.0], [np.nan]]), contract([0.1], [0.0]))
    assert z.tolist() == [[0], [0], [0]]
    assert (clipped, replaced) == (0, 1)


def test_a_value_is_centred_scaled_clipped_and_replaced_as_the_contract_says():
    rows = np.array([[3.0], [9.0], [200.0], [-200.0], [np.nan], [np.inf], [-np.inf], [1e308]])
    z, clipped, replaced = apply(rows, contract([1.0], [2.0], clip=5.0))
    assert z[:, 0].tolist() == [1.0, 4.0, 5.0, -5.0, 0.0, 0.0, 0.0, 5.0]
    assert z.dtype == np.float32
    assert (clipped, replaced) == (3, 3)


@given(
    hnp.arrays(np.float64, (9, 3), elements=st.floats(width=64)),
    st.floats(1e-300, 1e300),
    st.floats(-1e6, 1e6),
)
def test_one_row_gives_bit_for_bit_what_a_batch_gives(batch, sigma, mean):
    agreed = contract([mean, 0.0, -mean], [sigma, 1e-3, 0.0])
    whole, clipped, replaced = apply(batch, agreed)
    single = [apply(batch[row : row + 1], agreed) for row in range(len(batch))]
    assert whole.tobytes() == b"".join(z.tobytes() for z, _, _ in single)
    assert clipped == sum(count for _, count, _ in single)
    assert replaced == sum(count for _, _, count in single)
    assert np.isfinite(whole).all()


def test_subnormal_spread_does_not_produce_anything_but_finite_numbers():
    z, _, _ = apply(np.array([[1.0, 2.0]]), contract([0.0, 0.0], [5e-324, 1e-310]))
    assert z.tolist() == [[10.0, 10.0]]


@pytest.fixture
def splits(tmp_path):
    """Two files whose names sort against their order in time."""
    folder = train_folder(tmp_path)
    rng = np.random.default_rng(1)
    for name, day in (("b.h5", 0), ("a.h5", 1)):
        values = rng.normal(5, 2, size=(400, 2)).astype(np.float32)
        values[3, 0] = np.nan
        labels = Block(LABEL_COLUMNS[:-1], rng.normal(size=(400, 7)))
        status = Block(("status",), np.zeros((400, 1), dtype=np.int8))
        times = day * 86_400_000_000_000 + np.arange(400) * 10**9
        features = Block(("spread", "return_10s"), values)
        write_frame(folder / name, times, [features, labels, status], tz_aware=True)
    seal_split(folder)
    return tmp_path


def train_folder(splits):
    """The one fold's folder for train, in a folder as `alpha split` writes it."""
    (splits / "0" / "train").mkdir(parents=True)
    (splits / "0" / "summary.json").touch()
    return splits / "0" / "train"


def test_the_contract_covers_the_features_alone_and_survives_the_disk(splits, tmp_path, params):
    path = tmp_path / "contracts" / "0.json"
    run(params.features, params.normalize, splits=splits, out=path.parent)
    read = read_contract(path)
    assert read.names == ("spread", "return_10s")
    assert read.families == ("spread", "returns")
    assert (read.rows, read.finite.tolist(), read.nan.tolist()) == (800, [798, 800], [2, 0])
    assert read_json(path)["hash"] == read.hash


def test_a_contract_is_refused_whatever_of_it_was_edited(splits, tmp_path, params):
    path = tmp_path / "contracts" / "0.json"
    run(params.features, params.normalize, splits=splits, out=path.parent)
    content = read_json(path)
    first, second = content["mean"]
    edits = {
        "names": content["names"][::-1], "families": dict.fromkeys(content["names"], "other"),
        "mean": [first + 1e-12, second], "sigma": content["sigma"][::-1], "finite": [799, 800],
        "nan": [1, 0], "inf": [0, 1], "clip": 5.0, "rows": 801,
        "train": "0" * 64,
    }  # fmt: skip
    assert edits.keys() | {"hash"} == content.keys()
    for key, value in edits.items():
        write_json(path, content | {key: value})
        with pytest.raises(InputError, match="was changed after it was written"):
            read_contract(path)
    write_json(path, {"names": ["a"]})
    with pytest.raises(InputError, match="is not a normalization contract"):
        read_contract(path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("f1", "f0"), "found another order"),
        (("f0",), "found f1 missing"),
        (("f0", "f1", "g"), "found g unknown"),
    ],
)
def test_features_that_are_not_the_contract_s_are_refused(names, message):
    with pytest.raises(InputError, match=message):
        contract([0, 0], [1, 1]).check_names(names, "x.h5")


def test_at_most_eight_names_of_each_kind_are_said():
    with pytest.raises(InputError, match="found f0, .*, f6, f7 missing and g0, .*, g6, g7 unknown"):
        contract([0] * 9, [1] * 9).check_names([f"g{number}" for number in range(9)], "x.h5")


@pytest.mark.parametrize("size", [1e308, 1e200])
def test_values_too_large_for_a_sigma_are_refused_with_their_column(tmp_path, params, size):
    values = np.where(np.arange(400) % 2, size, -size)[:, None]
    path = train_folder(tmp_path) / "a.h5"
    blocks = [Block(("spread",), values), Block(LABEL_COLUMNS, np.zeros((400, 8)))]
    write_frame(path, np.arange(400), blocks, tz_aware=True)
    seal_split(path.parent)
    with pytest.raises(InputError, match="column 'spread': must have a mean and sigma that fit"):
        run(params.features, params.normalize, splits=tmp_path, out=tmp_path / "c")


def test_a_folder_of_labels_is_no_split(tmp_path, params):
    path = train_folder(tmp_path) / "a.h5"
    write_frame(path, np.arange(3), [Block(LABEL_COLUMNS, np.zeros((3, 8)))], tz_aware=True)
    seal_split(path.parent)
    with pytest.raises(InputError, match="must have at least one feature, found labels alone"):
        run(params.features, params.normalize, splits=tmp_path, out=tmp_path / "c")


def test_a_feature_without_a_family_is_refused_and_nothing_is_written(splits, tmp_path, params):
    features = params.features.model_copy(update={"families": {"spread": "^spread"}})
    with pytest.raises(InputError, match="'return_10s' must be in exactly one family"):
        run(features, params.normalize, splits=splits, out=tmp_path / "c")
    assert not (tmp_path / "c").exists()
