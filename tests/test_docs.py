"""The documentation: the site builds, its links lead somewhere, and its commands exist."""

import re
import shlex
import subprocess
import sys
from functools import cache
from importlib import import_module
from io import StringIO
from typing import get_args

import pytest
from conftest import PARAMS_TEXT, ROOT
from documents import DOCS, PAPERS, anchors, blocks, commands, links, merge, text
from dvc.cli.parser import get_main_parser
from from_code import comments, words
from ruamel.yaml import YAML
from snakemake.cli import parse_args

from alpha import check
from alpha.__main__ import COMMANDS, GROUPS
from alpha.audit.findings import SEVERITIES
from alpha.core import cli
from alpha.data.columns import ALL
from alpha.evaluate.details import Flag, VerdictName
from alpha.guard.compare import Shift
from alpha.split.ranges import ROW_STATUS

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Parameters whose value is a map.
MAPS = (
    "features.families",
    "split.fractions",
    "split.walk_forward.days",
    "silos.family_weight_decay",
    "own",
)
EVERY = [*PAPERS, *DOCS]
NAMES = [str(path.relative_to(ROOT)) for path in EVERY]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built as `make docs` does."""
    out = tmp_path_factory.mktemp("docs")
    recipe = re.search(r"^\t(sphinx-build .+) build/docs$", MAKEFILE, re.MULTILINE)[1]
    command = recipe.replace("build/doctrees", str(out / "doctrees")).split()[1:]
    assert "-W" in command
    command = [sys.executable, "-m", "sphinx", *command, str(out / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "html"


def test_the_site_has_every_page_and_loads_nothing_from_elsewhere(site):
    """Warnings, links within it that lead nowhere among them, are errors."""
    for path in DOCS:
        page = (site / path.relative_to(ROOT / "docs")).with_suffix(".html").read_text()
        assert "<!-- made -->" not in page
        loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"([^\"]+)", page)
        assert loaded
        assert not [target for target in loaded if re.match(r"(?:https?:)?//", target)]
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", sheet.read_text()), sheet


@pytest.mark.parametrize("path", EVERY, ids=NAMES)
def test_every_link_to_a_file_or_a_heading_leads_there(path):
    for target in links(path):
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        assert found.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(found), target


@pytest.mark.parametrize("path", EVERY, ids=NAMES)
def test_every_command_is_one_that_exists(path):
    """With options and params that are there, and values that they may have."""
    for command in commands(path):
        program, *rest = shlex.split(command) or [""]
        if [program, *rest[:2]] == ["python", "-m", "alpha"]:
            program, rest = "alpha", rest[2:]
        if program in CHECKS:
            try:
                CHECKS[program](rest)
            except (SystemExit, Exception) as error:
                pytest.fail(f"{command}: {error!r}")


def of_alpha(rest):
    if not rest[0].startswith("-"):
        cli.parser(COMMANDS, GROUPS).parse_args(rest)


def of_make(rest):
    targets = [word for word in rest if "=" not in word]
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def of_dvc(rest):
    args = get_main_parser().parse_args(rest)
    for change in getattr(args, "set_param", None) or ():
        # A sweep has several values; brackets hold one.
        key, _, values = change.partition("=")
        listed = re.split(r",(?![^\[]*\])", values) if "--queue" in rest else [values]
        for value in listed:
            content = YAML().load(PARAMS_TEXT)
            *sections, last = key.split(".")
            section = content
            for name in sections:
                section = section[name]
            assert last in section, f"{key}: no such key"
            section[last] = YAML(typ="safe").load(value)
            validate(content, source=key)


def of_snakemake(rest):
    if "--profile" in rest:  # its executor need not be installed here
        at = rest.index("--profile")
        assert (ROOT / rest[at + 1] / "config.yaml").is_file()
        del rest[at : at + 2]
    _, args = parse_args(rest)
    for target in args.targets:
        assert target in outputs(), target


@cache
def outputs():
    """What the stages write, of the first fold."""
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    outs = [out for stage in stages.values() for out in stage.get("outs", ())]
    paths = [out if isinstance(out, str) else next(iter(out)) for out in outs]
    return {path.replace("${item.fold}", "0") for path in paths}


CHECKS = {"alpha": of_alpha, "make": of_make, "dvc": of_dvc, "snakemake": of_snakemake}


@pytest.mark.parametrize("wrong", [
    (of_alpha, "label --feature DIR"), (of_alpha, "lable"), (of_make, "runs"),
    (of_dvc, "exp run -S label.horizon=120"), (of_dvc, "exp run -S label.target=loud"),
    (of_dvc, "exp run --queue -S label.horizon_seconds=30,-1"), (of_dvc, "exp runs"),
    (of_snakemake, "--cores all results/labels"), (of_snakemake, "--kores all"),
])  # fmt: skip
def test_a_command_that_does_not_exist_is_noticed(wrong):
    of, rest = wrong
    with pytest.raises((SystemExit, Exception)):
        of(shlex.split(rest))


@pytest.mark.parametrize("path", EVERY, ids=NAMES)
def test_blocks_say_what_they_are_and_are_valid(path):
    """Python compiles and YAML is of a params.yaml, but for what goes into a file that it names."""
    for block in blocks(path):
        assert block.language in ("sh", "python", "yaml", "text", "", "{toctree}"), block
        if block.language == "python" and not block.file:
            compile(block.code, str(path), "exec")
        if block.language == "yaml" and not block.file:
            part = YAML(typ="safe").load(block.code)
            part.pop("own", None)  # whose files tests/test_own.py writes first
            params = merge(YAML().load(PARAMS_TEXT), part)
            validate(params, source=f"{path.name}: {block.section}")


def validate(params, *, source):
    text = StringIO()
    YAML().dump(params, text)
    check.parse(text.getvalue(), source=source)


def test_every_parameter_is_listed_with_what_it_may_be_and_its_value():
    page = text(ROOT / "docs" / "reference" / "parameters.md")
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", page, re.MULTILINE))
    for key in leaves(YAML(typ="safe").load(PARAMS_TEXT)):
        kind, value, _ = rows[key].rsplit(" | ", 2)
        assert "" not in (kind, value), key
    assert rows["label.horizon_seconds"].startswith("number ≥ 1e-06, ≤ 86400 | ")
    assert rows["label.price"].startswith("`touch` or `mid` | ")


def leaves(content, at=""):
    """The dotted keys of a params.yaml's values; families are one value."""
    for key, value in content.items():
        if isinstance(value, dict) and at + key not in MAPS:
            yield from leaves(value, f"{at}{key}.")
        else:
            yield at + key


@pytest.mark.parametrize(("kind", "said"), [
    ({"type": "integer", "minimum": 1}, "whole number ≥ 1"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
    ({"enum": ["a", "b"]}, "`a` or `b`"),
    ({"type": "array", "items": {"type": "number"}, "minItems": 1}, "list of number, not empty"),
    ({"type": "object", "additionalProperties": {"type": "string"}}, "map of text to text"),
])  # fmt: skip
def test_what_a_value_may_be_is_said_in_words(kind, said):
    assert words(kind) == said


def test_a_comment_is_that_of_its_key():
    """Above it, beside it, and below what stands beside it; not one that an empty line ends."""
    assert comments("# About all.\n\n# Of a.\na:\n  b: 1                       # Of b,\n"
                    "                             # and more.\n  c: '#'\n") == {
        "a": "Of a.", "a.b": "Of b, and more.", "a.c": "",
    }  # fmt: skip


def test_every_command_is_listed_with_its_options():
    page = text(ROOT / "docs" / "reference" / "commands.md")
    for name, module in COMMANDS.items():
        part = re.split(r"^## ", page.partition(f"## alpha {name}\n")[2], flags=re.MULTILINE)[0]
        assert part, name
        assert all(f"`{option.flag}`" in part for option in import_module(module).OPTIONS), name


def test_every_status_is_explained():
    page = text(ROOT / "docs" / "reference" / "statuses.md")
    pins = get_args(Shift.model_fields["status"].annotation)
    verdicts = get_args(VerdictName) + get_args(Flag.__annotations__["name"])
    for word in [*map(str, ALL), *ROW_STATUS, *pins, *SEVERITIES, *verdicts, *kinds()]:
        assert f"`{word}`" in page, word


def kinds():
    """The kinds of findings, as the audit's code names them."""
    code = "".join(path.read_text() for path in (ROOT / "alpha" / "audit").glob("*.py"))
    found = re.findall(r'"((?!none)[a-z_]+)", "(?:leak|warning|note)"', code)
    return found + re.findall(r'(?:Finding|_finding)\("([a-z_]+)"', code)


@pytest.mark.parametrize("path", [ROOT / "README.md"], ids=["README.md"])
def test_the_readme_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 150
