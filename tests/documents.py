"""What is in the project's Markdown files: headings, links, and blocks of code."""

import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from conftest import ROOT
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify

sys.path.append(str(ROOT / "docs"))
from from_code import PAGES

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAPERS = [
    ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")
]


class Block(NamedTuple):
    language: str  # of a fence: sh, python, yaml, text; "" of indented code
    code: str
    section: str  # the last heading above it

    @property
    def file(self) -> str:
        """The file that it is for, if it begins with the name of one."""
        found = re.match(r"# ([\w./-]+\.\w+)\n", self.code)
        return found[1] if found else ""


def text(path: Path) -> str:
    """A file as the site has it: with what is made when it is built."""
    page = path.relative_to(ROOT / "docs").with_suffix("") if path in DOCS else path
    made = PAGES[str(page)](ROOT) if str(page) in PAGES else ""
    return path.read_text(encoding="utf-8").replace("<!-- made -->", made)


def tokens(path: Path):
    return MarkdownIt("commonmark").enable("table").parse(text(path))


def blocks(path: Path) -> list[Block]:
    """The blocks of code in a file, in order."""
    found, section = [], ""
    for token, after in pairwise([*tokens(path), None]):
        if token.type == "heading_open":
            section = after.content
        elif token.type in ("fence", "code_block"):
            found.append(Block(token.info.strip(), token.content, section))
    return found


def links(path: Path) -> list[str]:
    """Where links and pictures lead, within the project."""
    inside = [part for token in tokens(path) for part in token.children or ()]
    targets = [part.attrs.get("href", part.attrs.get("src")) for part in inside]
    return [target for target in targets if target and "://" not in str(target)]


def anchors(path: Path) -> set[str]:
    """What a link into a file may name, as a forge and the site do."""
    every = tokens(path)
    headings = [
        "".join(part.content for part in after.children)
        for token, after in pairwise(every)
        if token.type == "heading_open"
    ]
    named = re.findall(r'<a (?:id|name)="([^"]+)"', text(path))
    return {slugify(heading) for heading in headings} | set(named)


def commands(path: Path) -> list[str]:
    """Each command of the shell blocks in a file, and of indented code, without what it is piped
    into and its comment."""
    code = "\n".join(block.code for block in blocks(path) if block.language in ("sh", ""))
    lines = code.replace("\\\n", " ").splitlines()
    return [
        part.strip() for line in lines for part in re.split(r"[|;]| && | #|> ", line)[:1] if part
    ]


def merge(params, new):
    """Set in `params` what a part of a params.yaml sets."""
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(params.get(key), dict):
            merge(params[key], value)
        else:
            params[key] = value
    return params
