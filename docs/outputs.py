"""Write the outputs that stand in Markdown files anew: `python docs/outputs.py` after a run.

A block of text below the line <!-- output of: COMMAND --> becomes what the command prints.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"(<!-- output of: (.+?) -->\n\n```text\n)(.*?)(```)", re.DOTALL)


def printed(command: str) -> str:
    words = [sys.executable, "-m", *shlex.split(command)]
    environment = {**os.environ, "COLUMNS": "100"}
    return subprocess.run(
        words, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def main() -> None:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = path.read_text(encoding="utf-8")
        new = _BLOCK.sub(lambda found: f"{found[1]}{printed(found[2])}{found[4]}", text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: written anew")


if __name__ == "__main__":
    main()
