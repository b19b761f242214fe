"""Packages that the lock does not have, beside those of this environment, which stay the same."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path


def install(folder: Path, *packages: str) -> Path:
    """Install packages, and what of theirs is not here, into a new virtual environment in `folder`;
    its site-packages, for PYTHONPATH."""
    venv.create(folder, with_pip=False)
    here = Path(sysconfig.get_path("purelib"))
    site = folder / here.relative_to(sys.prefix)
    # What is installed here counts as installed there.
    (site / "here.pth").write_text(f"{here}\n")
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
    subprocess.run([*pip, "--quiet", "--disable-pip-version-check", *packages], check=True)
    return site
