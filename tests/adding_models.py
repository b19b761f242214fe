"""The examples of docs/how-to/model.md, as its reader copies them."""

import re
from pathlib import Path

from conftest import ROOT

PAGE = (ROOT / "docs" / "how-to" / "model.md").read_text(encoding="utf-8")
# By name: the file, and the line of params.yaml.
EXAMPLES = {
    name: (code, line)
    for name, code, line in re.findall(
        r"`alpha/models/own/(\w+)\.py`.*?```python\n(.*?)```.*?```yaml\n(own: .*?\n)```",
        PAGE,
        re.DOTALL,
    )
}


def write_examples(own: Path) -> None:
    """Each into its file in the folder `own`, which has none of that name."""
    for name, (code, _) in EXAMPLES.items():
        with (own / f"{name}.py").open("x", encoding="utf-8") as file:
            file.write(code)
