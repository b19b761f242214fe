"""Sphinx: `make docs` builds the site into build/docs, and every warning is an error."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from from_code import PAGES  # noqa: E402

project = "humble-alpha"
html_title = project
extensions = ["myst_parser"]
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
# Each heading can be linked to, by the name that it has on a forge.
myst_heading_anchors = 4
nitpicky = True


def setup(app):
    """What the code knows is written where a page says <!-- made -->. Markdown files outside of
    docs/ are no pages of the site, but files to open."""

    def complete(_, page, source):
        if page in PAGES:
            source[0] = source[0].replace("<!-- made -->", PAGES[page](ROOT))
        outside = re.escape("../" * (page.count("/") + 1))
        source[0] = re.sub(rf"\]\(({outside}[^)#]+\.md)", r"](path:\1", source[0])

    app.connect("source-read", complete)
