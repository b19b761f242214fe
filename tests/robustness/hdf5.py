"""HDF5 files that are not what pandas writes: links, objects, pickles, bombs, damage."""

import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import tables

from tests.robustness.case import LABEL, MARKER, Case, Must, changed, frame, save, write_params

_NODES = "axis0", "axis1", "block0_items", "block0_values", "block1_values"


class Trap:
    """Makes a folder where anything unpickles it."""

    def __reduce__(self) -> Any:
        return os.mkdir, (MARKER,)


TRAP = pickle.dumps(Trap(), protocol=0)


def _edited(edit: Callable[[h5py.File], Any], **how: Any) -> Callable[[Path], None]:
    """A sound file, then an edit of it by h5py."""

    def write(folder: Path) -> None:
        path = save(folder, frame(), **how)
        save(folder, frame(), "other.bin", **how)
        with h5py.File(path, "r+") as file:
            edit(file)

    return write


def _replaced(file: h5py.File, name: str, data: Any, **how: Any) -> None:
    """A dataset of a frame with other values, and the attributes that it had."""
    attributes = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, data=data, **how).attrs.update(attributes)


def _case(name: str, write: Any, must: Must = Must.REFUSE, **given: Any) -> Case:
    return Case("HDF5 structure", name, write, must, **given)


def _links() -> Iterator[Case]:
    def linked(file: h5py.File, name: str, link: Any) -> None:
        del file[name]
        file[name] = link

    for node in _NODES:
        where = f"df/{node}"
        links = {
            "an external link": h5py.ExternalLink("features/other.bin", f"/{where}"),
            "a soft link out of the frame": h5py.SoftLink("/elsewhere"),
            "a soft link to itself": h5py.SoftLink(f"/{where}"),
            "an external link to a device": h5py.ExternalLink("/dev/zero", f"/{where}"),
        }
        for what, link in links.items():
            edit = partial(linked, name=where, link=link)
            yield _case(f"{node} is {what}", _edited(edit), says="link")
        yield _case(f"{node} is missing", _edited(lambda file, at=where: file.pop(at)))
    group = partial(linked, name="df", link=h5py.ExternalLink("features/other.bin", "/df"))
    yield _case("the key is an external link", _edited(group), says="link")
    group = partial(linked, name="df", link=h5py.SoftLink("/df"))
    yield _case("the key is a soft link to itself", _edited(group))


def _elsewhere() -> Iterator[Case]:
    def virtual(file: h5py.File, name: str) -> None:
        old = file[name]
        layout = h5py.VirtualLayout(old.shape, old.dtype)
        source = h5py.VirtualSource("features/other.bin", f"/{name}", old.shape)
        attributes = dict(old.attrs)
        layout[...] = source
        del file[name]
        file.create_virtual_dataset(name, layout).attrs.update(attributes)

    def external(file: h5py.File, name: str) -> None:
        old = file[name]
        attributes, shape, dtype = dict(old.attrs), old.shape, old.dtype
        size = old.size * old.dtype.itemsize
        del file[name]
        where = [("/etc/passwd", 0, size)]
        file.create_dataset(name, shape, dtype, external=where).attrs.update(attributes)

    for node in ("axis1", "block0_values"):
        for what, edit in (("a virtual dataset", virtual), ("in an external file", external)):
            write = _edited(partial(edit, name=f"df/{node}"))
            yield _case(f"{node} is {what}", write, says="another file")


def _pickles() -> Iterator[Case]:
    def attribute(file: h5py.File, node: str, name: str) -> None:
        file[node].attrs[name] = np.bytes_(TRAP)

    either = Must.EITHER
    for node in ("/", "df", "df/axis0", "df/axis1", "df/block0_values", "df/block0_items"):
        for name in ("name", "freq", "tz", "kind", "info", "evil", "CLASS", "pandas_type", "TITLE"):
            write = _edited(partial(attribute, node=node, name=name))
            yield _case(f"a pickle in {node}.{name}", write, either, trusted=False)
    table = {"format": "table"}
    for name in ("values_block_0_kind", "index_kind", "values_block_1_dtype", "info"):
        write = _edited(partial(attribute, node="df/table", name=name), **table)
        yield _case(f"a pickle in table.{name}", write, either, trusted=False)
    write = _edited(partial(attribute, node="df", name="info"), **table)
    yield _case("a pickle in info of a table", write, either, trusted=False)

    def atom(folder: Path, node: str) -> None:
        with tables.open_file(str(save(folder, frame())), "a") as file:
            file.remove_node(f"/df/{node}")
            file.create_vlarray("/df", node, tables.ObjectAtom()).append(Trap())

    for node in _NODES:
        yield _case(f"{node} holds Python objects", partial(atom, node=node))


def _shapes() -> Iterator[Case]:
    values = frame().iloc[:, :2].to_numpy()
    of = {
        "fewer rows than the index": values[:-1],
        "more rows than the index": np.vstack([values, values[-1:]]),
        "a column more than names": np.column_stack([values, values[:, 0]]),
        "transposed": values.T,
        "one dimension": values[:, 0],
        "three dimensions": values[..., None],
        "scalar": 1.0,
        "complex": values.astype(complex),
        "text": values.astype("S8"),
        "float128": values.astype(np.longdouble),
        "void": values.view("V8"),
        "empty": h5py.Empty("f8"),
    }
    for what, data in of.items():
        write = _edited(lambda file, data=data: _replaced(file, "df/block1_values", data))
        yield _case(f"quotes: {what}", write)
    times = frame().index.asi8
    index = {
        "floats": times.astype(float),
        "text": times.astype("S20"),
        "two dimensions": times[:, None],
        "scalar": times[0],
        "unsigned, too far": times.astype("u8") + (1 << 63),
        "8 bits": times.astype("i1"),
        "bool": times.astype(bool),
    }
    for what, data in index.items():
        write = _edited(lambda file, data=data: _replaced(file, "df/axis1", data))
        yield _case(f"index: {what}", write)
    same = {"big endian": (">f8", ">i8"), "float16": ("f2", "i8"), "float32": ("f4", "i8")}
    for what, (kind, when) in same.items():

        def edit(file: h5py.File, kind: str = kind, when: str = when) -> None:
            _replaced(file, "df/block1_values", values.astype(kind))
            _replaced(file, "df/axis1", times.astype(when))

        yield _case(f"the frame is {what}", _edited(edit), Must.ACCEPT)
    attributes: dict[str, Any] = {
        "nblocks is negative": ("df", "nblocks", -1),
        "nblocks is text": ("df", "nblocks", "two"),
        "nblocks is huge": ("df", "nblocks", 1 << 62),
        "nblocks is an array": ("df", "nblocks", [1, 2]),
        "nblocks is one too few": ("df", "nblocks", 1),
        "pandas_type is another": ("df", "pandas_type", "series"),
        "pandas_type is a number": ("df", "pandas_type", 7),
        "kind of the index is integer": ("df/axis1", "kind", "integer"),
        "kind of the index is a number": ("df/axis1", "kind", 5),
        "kind of the index is of weeks": ("df/axis1", "kind", "datetime64[W]"),
        "quotes are timestamps": ("df/block1_values", "value_type", "datetime64[ns]"),
        "transposed is an array": ("df/block1_values", "transposed", [True, False]),
    }
    for what, (node, name, value) in attributes.items():

        def edit_one(
            file: h5py.File, node: str = node, name: str = name, value: Any = value
        ) -> None:
            file[node].attrs[name] = value

        yield _case(what, _edited(edit_one), trusted=False)


def _bombs() -> Iterator[Case]:
    def bomb(file: h5py.File, name: str, rows: int, **how: Any) -> None:
        shape = (rows, *file[name].shape[1:])
        attributes, kind = dict(file[name].attrs), file[name].dtype
        del file[name]
        file.create_dataset(name, shape, kind, **how).attrs.update(attributes)

    for rows in (10**8, 10**11, 10**17):
        for name in ("df/axis1", "df/block0_values"):
            chunk = (1000, 2) if "values" in name else (1000,)
            how = {"chunks": chunk, "compression": "gzip", "fillvalue": 1}
            write = _edited(partial(bomb, name=name, rows=rows, **how))
            yield Case("bombs", f"{rows:.0e} rows of {name}", write)

    def many(folder: Path, columns: int, rows: int) -> None:
        names = [f"f{at}" for at in range(columns)]
        more = pd.DataFrame(np.zeros((rows, columns), "f4"), frame(rows).index, names)
        save(folder, pd.concat([frame(rows), more], axis=1), complib="zlib", complevel=1)

    fits = partial(many, columns=3000, rows=100)
    yield Case("bombs", "3,000 columns of 100 rows", fits, Must.ACCEPT, (LABEL,))
    large = partial(many, columns=2000, rows=20_000)
    yield Case("bombs", "160 MB of columns in a file of 200 kB", large, says="max_file_mb")

    def wide_names(file: h5py.File) -> None:
        names = np.zeros(35_000, "S2000")
        _replaced(file, "df/axis0", names, chunks=(1000,), compression="gzip")

    yield Case("bombs", "70 MB of names in a file of 200 kB", _edited(wide_names))

    def names_of_names(file: h5py.File) -> None:
        for node in ("df/axis0", "df/block0_items"):
            names = np.array([b"x" * 400] * 100_000, "S400")
            _replaced(file, node, names, chunks=(1000,), compression="gzip")

    yield Case("bombs", "100,000 names that are one", _edited(names_of_names))

    def attribute(file: h5py.File) -> None:
        for at in range(2000):
            file["df"].attrs[f"a{at}"] = "x" * 30_000

    how = {"trusted": False}
    yield Case("bombs", "60 MB of attributes", _edited(attribute), Must.EITHER, **how)

    def deep(file: h5py.File) -> None:
        at = file
        for _ in range(3000):
            at = at.create_group("g")

    yield Case("bombs", "3,000 groups in each other", _edited(deep), Must.ACCEPT)

    def siblings(file: h5py.File) -> None:
        for at in range(20_000):
            file.create_group(f"g{at}")

    yield Case("bombs", "20,000 keys beside the frame", _edited(siblings), Must.ACCEPT)


def _containers() -> Iterator[Case]:
    def written(content: bytes, name: str = "a.h5") -> Callable[[Path], None]:
        def write(folder: Path) -> None:
            (folder / "features").mkdir()
            (folder / "features" / name).write_bytes(content)

        return write

    for what, content in {
        "empty": b"",
        "text": b"best_bid,best_ask\n1,2\n",
        "a CSV as HDF5": b"timestamp,best_bid,best_ask\n2024-01-01,1,2\n" * 50,
        "only the signature": b"\x89HDF\r\n\x1a\n",
        "zeros": bytes(100_000),
        "gzip": b"\x1f\x8b" + bytes(1000),
        "a zip": b"PK\x03\x04" + bytes(1000),
    }.items():
        yield _case(f"the file is {what}", written(content))

    def parquet_inside(folder: Path) -> None:
        save(folder, frame(), "b.parquet").rename(folder / "features" / "a.h5")

    yield _case("Parquet by the name of HDF5", parquet_inside, Must.ACCEPT)

    def two(folder: Path, key: str) -> None:
        frame().to_hdf(save(folder, frame()), key=key)

    yield _case("two frames in one file", partial(two, key="second"), Must.ACCEPT)
    yield _case("a frame inside the frame", partial(two, key="df/inner"), Must.EITHER)

    def other_key(folder: Path) -> None:
        frame().to_hdf(folder / "features" / "a.h5", key="other")

    yield _case("another key", lambda folder: (_mkdir(folder), other_key(folder)), says="other")

    def series(folder: Path) -> None:
        frame().spread.to_hdf(_mkdir(folder) / "a.h5", key="df")

    yield _case("a series", series)

    def opened(folder: Path) -> None:
        """As a process that is killed leaves it: with the mark of being written."""
        path = save(folder, frame())
        with h5py.File(path) as whole, h5py.File(f"{path}.new", "w", libver="latest") as file:
            whole.copy("df", file)
            file.swmr_mode = True
            file.flush()
            shutil.copy(f"{path}.new", f"{path}.open")
        Path(f"{path}.new").unlink()
        os.replace(f"{path}.open", path)

    yield _case("left open by its writer", opened, Must.EITHER)

    def unknown_filter(file: h5py.File) -> None:
        values = file["df/block0_values"][:]
        attributes = dict(file["df/block0_values"].attrs)
        del file["df/block0_values"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(values.shape)
        plist.set_filter(4321, h5py.h5z.FLAG_OPTIONAL, (1, 2))
        space, kind = h5py.h5s.create_simple(values.shape), h5py.h5t.NATIVE_DOUBLE
        made = h5py.h5d.create(file["df"].id, b"block0_values", kind, space, plist)
        made.write_direct_chunk((0, 0), values.tobytes())
        file["df/block0_values"].attrs.update(attributes)

    yield _case("an unknown filter", _edited(unknown_filter), says="filter")
    for how in (
        {"format": "table"},
        {"format": "table", "data_columns": True},
        {"format": "fixed"},
    ):
        for name in ("zlib", "bzip2", "blosc", "blosc:zstd", "blosc:lz4", "lzo", "blosc2", None):
            if name == "lzo":
                continue
            given = how | ({"complib": name, "complevel": 3} if name else {})
            what = ", ".join(map(str, given.values()))
            yield _case(
                f"as pandas writes it: {what}", changed(lambda made: made, **given), Must.ACCEPT
            )

    def other_names(folder: Path) -> None:
        save(folder, frame().rename(columns={"best_bid": "b", "best_ask": "a"}))
        write_params(folder, data={"best_bid": "b", "best_ask": "a"})

    yield _case("quotes by other names", other_names, Must.ACCEPT)


def _mkdir(folder: Path) -> Path:
    (folder / "features").mkdir(exist_ok=True)
    return folder / "features"


def _cut() -> Iterator[Case]:
    """Truncated anywhere: such a file is whole or refused."""

    def cut(folder: Path, share: float, **how: Any) -> None:
        path = save(folder, frame(), **how)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    for form in ("fixed", "table"):
        for at in range(1, 40):
            write = partial(cut, share=at / 40, format=form)
            yield Case("truncation", f"{form} after {at}/40", write, Must.REFUSE)
        write = partial(cut, share=0.99999, format=form)
        yield Case("truncation", f"{form} without its last byte", write, Must.REFUSE)


def cases() -> Iterator[Case]:
    for group in (_links, _elsewhere, _pickles, _shapes, _bombs, _containers, _cut):
        yield from group()
