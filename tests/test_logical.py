"""The hashes of what HDF5 files say, whatever way they are stored."""

import json
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from alpha.core.errors import InputError
from alpha.core.store import Block, logical, write_frame
from alpha.core.store.logical import digest, nodes, record
from alpha.data.features import feature_paths

ROWS = np.arange(600.0).reshape(200, 3)


def write(path: Path, values=ROWS, *, libver=None, unit="bps", **storage) -> Path:
    """A file with a group, a dataset in it, and attributes of both."""
    with h5py.File(path, "w", libver=libver) as file:
        group = file.create_group("market")
        group.attrs["symbol"] = "SIM"
        dataset = group.create_dataset("outcome", data=values, **storage)
        dataset.attrs["unit"] = unit
        dataset.attrs["levels"] = np.array([1, 2, 3], dtype=np.int32)
    return path


# -- what the hash covers ----------------------------------------------------------------------


def test_a_hash_by_hand(tmp_path):
    """Each text comes after its length in eight bytes; values come as they are."""

    def texts(*words: str) -> bytes:
        return b"".join(len(word).to_bytes(8, "little") + word.encode() for word in words)

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.array([1.0, np.nan])
        file["x"].attrs["n"] = np.int16(5)
    said = texts("dataset", "/x", "<f8", "(2,)") + np.array([1.0, np.nan]).tobytes()
    said += texts("n", "<i2", "()") + b"\x05\x00"
    assert nodes(path) == {
        "/": sha256(texts("group", "/")).hexdigest(),
        "/x": sha256(said).hexdigest(),
    }


@pytest.mark.parametrize(
    "storage",
    [
        {"chunks": (7, 2)},
        {"chunks": (200, 3), "compression": "gzip", "shuffle": True},
        {"libver": "latest", "track_times": True, "track_order": True},
        {"maxshape": (None, 3), "fletcher32": True},
    ],
)
def test_the_way_of_storing_does_not_change_a_hash(tmp_path, storage):
    plain, other = write(tmp_path / "a.h5"), write(tmp_path / "b.h5", **storage)
    assert plain.read_bytes() != other.read_bytes()
    assert nodes(plain) == nodes(other)


def changed(tmp_path: Path, **what) -> set[str]:
    """The nodes whose hashes differ from those of the file as it is."""
    before = nodes(write(tmp_path / "before.h5"))
    after = nodes(write(tmp_path / "after.h5", **what))
    return {name for name in before | after if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    "what",
    [
        {"values": np.where(ROWS == 599, np.nextafter(599, 600), ROWS)},
        {"values": ROWS.astype(np.float32)},
        {"values": ROWS.astype(">f8")},
        {"values": ROWS.reshape(100, 6)},
        {"unit": "bp"},
        {"unit": np.bytes_("bps")},
    ],
)
def test_a_changed_value_type_shape_or_attribute_changes_that_node_alone(tmp_path, what):
    assert changed(tmp_path, **what) == {"/market/outcome"}


def test_a_changed_name_changes_the_nodes_of_both_names_alone(tmp_path):
    before = nodes(write(tmp_path / "a.h5"))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.move("/market/outcome", "/market/result")
    after = nodes(tmp_path / "a.h5")
    assert before.keys() ^ after.keys() == {"/market/outcome", "/market/result"}
    assert before["/market/outcome"] != after["/market/result"]
    assert before["/market"] == after["/market"]


def test_nan_is_told_apart_by_its_bits_and_zero_by_its_sign(tmp_path):
    nans = np.array([0x7FF8000000000000, 0x7FF8000000000001], dtype=np.uint64).view(np.float64)
    hashes = [
        nodes(write(tmp_path / "a.h5", np.array([value])))["/market/outcome"]
        for value in (nans[0], nans[1], 0.0, -0.0)
    ]
    assert len(set(hashes)) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("text", "texts"),
        (np.bytes_(b"a"), np.bytes_(b"a\0b")),
        ("", "a"),
        (np.float32(1), np.float64(1)),
        (np.array([1, 2]), np.array([[1, 2]])),
        (np.array([], dtype=np.float32), np.array([], dtype=np.float64)),
        (h5py.Empty("f4"), np.float32(0)),
        (np.array(["ab", "c"], dtype=h5py.string_dtype()), np.array(["a", "bc"], dtype=object)),
        (np.array([(1, 2.0)], dtype="i4,f8"), np.array([(1, 3.0)], dtype="i4,f8")),
        (np.True_, np.False_),
        (np.True_, np.int8(1)),
    ],
)
def test_attributes_of_every_kind_are_told_apart(tmp_path, one, other):
    paths = [write(tmp_path / f"{at}.h5", unit=value) for at, value in enumerate((one, other, one))]
    first, second, again = (nodes(path)["/market/outcome"] for path in paths)
    assert first == again != second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array(["ab", "c"], dtype=h5py.string_dtype()), np.array(["a", "bc"], dtype=object)),
        (np.array([b"ab", b"c"]), np.array([b"ab", b"d"])),
        (np.array(3.5), np.array(4.5)),
        (np.zeros((0, 3)), np.zeros((0, 4))),
        (np.array([True, False]), np.array([True, True])),
        (h5py.Empty("f8"), np.zeros(0)),
    ],
)
def test_values_of_every_kind_are_told_apart(tmp_path, one, other):
    assert changed(tmp_path, values=one) == changed(tmp_path, values=other) == {"/market/outcome"}
    first, second = (
        nodes(write(tmp_path / f"{at}.h5", value)) for at, value in enumerate((one, other))
    )
    assert first["/market/outcome"] != second["/market/outcome"]


def test_what_stands_between_the_fields_of_a_compound_is_not_content(tmp_path):
    aligned = np.dtype([("side", "i1"), ("price", "f8")], align=True)
    row = np.zeros(5, dtype=aligned)
    dirty = np.frombuffer(b"\xff" * aligned.itemsize * 5, dtype=aligned).copy()
    for field in ("side", "price"):
        dirty[field] = row[field]
    packed = row.astype([("side", "i1"), ("price", "f8")])
    found = [nodes(write(tmp_path / "a.h5", values)) for values in (row, dirty, packed)]
    assert found[0] == found[1] == found[2]


def test_lists_and_texts_inside_compounds_are_covered(tmp_path):
    dtype = np.dtype([("name", h5py.string_dtype()), ("sizes", h5py.vlen_dtype("i4")), ("n", "i2")])

    def hashed(*rows):
        return nodes(write(tmp_path / "a.h5", np.array(list(rows), dtype=dtype)))["/market/outcome"]

    one, two = np.array([1, 2], dtype="i4"), np.array([1, 3], dtype="i4")
    found = [
        hashed(("a", one, 1), ("b", two, 1)),
        hashed(("a", two, 1), ("b", one, 1)),
        hashed(("ab", one, 1), ("", two, 1)),
        hashed(("a", one, 1), ("b", two, 2)),
    ]
    assert len(set(found)) == 4
    assert found[0] == hashed(("a", one, 1), ("b", two, 1))


def test_links_are_not_followed_but_their_targets_count(tmp_path):
    found = []
    for at, target in enumerate(("/market/outcome", "/nothing")):
        path = write(tmp_path / f"{at}.h5")
        with h5py.File(path, "a") as file:
            file["soft"] = h5py.SoftLink(target)
            file["there"] = h5py.ExternalLink(f"{at}-missing.h5", "/x")
            file["market/again"] = file["market"]  # a group inside itself
        found.append(nodes(path))
    assert found[0].keys() == {
        "/", "/market", "/market/again", "/market/outcome", "/soft", "/there",
    }  # fmt: skip
    differ = {name for name in found[0] if found[0][name] != found[1][name]}
    assert differ == {"/soft", "/there"}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda file: file.create_dataset("r", data=file.ref, dtype=h5py.ref_dtype), "references"),
        (lambda file: file.attrs.create("r", file.ref, dtype=h5py.ref_dtype), "references"),
        (lambda file: file.create_dataset("r", data=np.zeros(2, np.longdouble)), "long doubles"),
        (
            lambda file: file.create_dataset("r", (4,), "u1", external=[("raw.bin", 0, 4)]),
            "another file",
        ),
    ],
)
def test_what_has_no_value_of_its_own_is_refused(tmp_path, monkeypatch, make, says):
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        make(file)
    with pytest.raises(InputError, match=rf"^a\.h5: /.*{says}"):
        nodes(Path("a.h5"))


def test_a_damaged_file_is_one_line(tmp_path):
    path = write(tmp_path / "a.h5")
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(InputError, match=r"a\.h5: cannot be read as HDF5: "):
        nodes(path)


# -- every array -------------------------------------------------------------------------------

DTYPES = st.one_of(
    arrays.floating_dtypes(sizes=(32, 64)),
    arrays.integer_dtypes(),
    arrays.boolean_dtypes(),
    arrays.byte_string_dtypes(),
)
ANYTHING = DTYPES.flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, max_side=9))
)


def slow(path: Path) -> dict[str, str]:
    """The same by the definition: a node at a time, whole arrays, no streaming."""
    found = {}

    def words(*texts):
        return b"".join(len(text.encode()).to_bytes(8, "little") + text.encode() for text in texts)

    def array(dtype, values):
        kind = f"text ascii {dtype.itemsize}" if dtype.kind == "S" else dtype.str
        return words(kind, str(values.shape)) + values.astype(dtype).tobytes()

    with h5py.File(path, "r") as file:
        for name in ("/", "/x"):
            said = words("group" if name == "/" else "dataset", name)
            if name == "/x":
                said += array(file[name].dtype, file[name][...])
            for attribute in sorted(file[name].attrs):
                dtype = file[name].attrs.get_id(attribute).dtype
                value = np.asarray(file[name].attrs[attribute])
                said += words(attribute) + array(dtype, value)
            found[name] = sha256(said).hexdigest()
    return found


@settings(max_examples=150, deadline=None)
@given(values=ANYTHING, attribute=ANYTHING, part=st.integers(1, 200))
def test_whatever_an_array_holds_its_parts_hash_as_the_slow_definition_says(
    tmp_path_factory, values, attribute, part
):
    """However few bytes are read at a time."""
    path = tmp_path_factory.mktemp("any") / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = values
        file["x"].attrs["b"] = file["x"].attrs["a"] = attribute
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logical, "_PART_BYTES", part)
        found = nodes(path)
    assert found == nodes(path) == slow(path)


def test_no_more_of_a_dataset_is_read_at_once_than_a_part(tmp_path, monkeypatch):
    """One row of it may be larger than that."""
    path = write(tmp_path / "a.h5", np.zeros((2, 500, 4)))
    sizes = []
    read = h5py.Dataset.__getitem__
    monkeypatch.setattr(logical, "_PART_BYTES", 1000)
    monkeypatch.setattr(
        h5py.Dataset, "__getitem__", lambda *args: sizes.append(read(*args).nbytes) or read(*args)
    )
    nodes(path)
    assert max(sizes) <= 1000
    assert sum(sizes) == 2 * 500 * 4 * 8


# -- frames and folders ------------------------------------------------------------------------


def frame(path: Path) -> Path:
    block = Block(("ask", "bid"), np.random.default_rng(0).normal(size=(5000, 2)))
    write_frame(path, np.arange(5000), [block], aware=True)
    return path


def test_a_frame_written_with_another_filter_says_the_same(tmp_path, monkeypatch):
    first = frame(tmp_path / "a.h5")
    monkeypatch.setattr("alpha.core.store.chunks._LEVEL", 9)
    monkeypatch.setattr("alpha.core.store.chunks._CHUNK_BYTES", 1 << 12)
    second = frame(tmp_path / "b.h5")
    assert first.read_bytes() != second.read_bytes()
    assert nodes(first) == nodes(second)
    assert digest(nodes(first)) == digest(nodes(second))


def test_a_folder_records_each_of_its_files(tmp_path):
    (tmp_path / "rival").mkdir()
    frame(tmp_path / "test.h5")
    write(tmp_path / "rival" / "test.h5")
    (tmp_path / "inputs.json").write_text("{}")
    record(tmp_path)
    assert json.loads((tmp_path / "nodes.json").read_text()) == {
        "rival/test.h5": nodes(tmp_path / "rival" / "test.h5"),
        "test.h5": nodes(tmp_path / "test.h5"),
    }


def test_files_whose_nodes_are_known_are_not_read_again(tmp_path, monkeypatch):
    frame(tmp_path / "a.h5")
    frame(tmp_path / "b.h5")
    record(tmp_path)
    read = (tmp_path / "nodes.json").read_bytes()
    known = nodes(tmp_path / "a.h5")
    paths = []
    monkeypatch.setattr(logical, "nodes", lambda path: paths.append(path.name) or nodes(path))
    record(tmp_path, {tmp_path / "a.h5": known})
    assert (tmp_path / "nodes.json").read_bytes() == read
    assert paths == ["b.h5"]


def test_a_folder_without_hdf5_records_nothing(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    record(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_the_widest_pattern_takes_no_record_for_a_feature_file(tmp_path, params):
    frame(tmp_path / "a.h5")
    record(tmp_path)
    data = params.data.model_copy(update={"pattern": "*"})
    assert feature_paths(tmp_path, data) == [tmp_path / "a.h5"]
