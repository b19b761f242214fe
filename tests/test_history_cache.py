import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from alpha.history.record import lock
from alpha.history.record.cache import Cache, md5_of


def put(cache: Cache, content: bytes, *, suffix: str = "") -> str:
    md5 = hashlib.md5(content).hexdigest() + suffix
    cache.path(md5).parent.mkdir(parents=True, exist_ok=True)
    cache.path(md5).write_bytes(content)
    return md5


def test_a_file_of_the_cache_is_read_by_its_md5(tmp_path: Path):
    cache = Cache.at(tmp_path)
    md5 = put(cache, b"content")
    assert cache.path(md5) == tmp_path / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    assert cache.read(md5) == b"content"
    assert cache.read("0" * 32) is None


def test_a_folder_of_the_cache_is_listed_by_its_md5(tmp_path: Path):
    cache = Cache.at(tmp_path)
    md5 = put(cache, b'[{"md5": "m", "relpath": "a/b"}]', suffix=".dir")
    assert cache.listing(md5) == {"a/b": "m"}
    assert cache.listing("0" * 32 + ".dir") is None


@pytest.mark.parametrize("damaged", [b"[{", b"\xff", b"3", b"[3]", b'[{"md5": "m"}]'])
def test_a_damaged_list_of_a_folder_counts_as_not_there(tmp_path: Path, damaged: bytes):
    cache = Cache.at(tmp_path)
    assert cache.listing(put(cache, damaged, suffix=".dir")) is None


def test_the_md5_of_a_file_is_of_its_bytes(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc\r\n")
    assert md5_of(tmp_path / "a") == hashlib.md5(b"abc\r\n").hexdigest()


def test_what_cannot_be_read_has_no_md5(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        md5_of(tmp_path / "a")


def test_the_md5_of_a_folder_is_what_dvc_records(tmp_path: Path, monkeypatch):
    """Nested, in an order that is not that of names alone, beyond ASCII, empty; and not what
    .dvcignore names."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    root = tmp_path / "project"
    for name in ("b/c", "b-c", "b.c", "ä ö", "z", ".hidden", "empty", "b/d/e"):
        (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / name).write_text("" if name == "empty" else name)
    (root / ".dvcignore").write_text(".snakemake_timestamp\n*.part\n__pycache__\n")
    for name in (".snakemake_timestamp", "b/x.part", "y.part/f", "b/__pycache__/g"):
        (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / name).write_text("left out")
    (root / "dvc.yaml").write_text("stages:\n  s:\n    cmd: 'true'\n    deps: [data, data/z]\n")
    for words in (("init", "--no-scm"), ("repro",)):
        command = [sys.executable, "-m", "dvc", *words, "--quiet"]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    deps = lock.read(root / "dvc.lock")["s"].deps
    assert {path: md5_of(root / path) for path in deps} == {
        path: entry.md5 for path, entry in deps.items()
    }
