"""The report in a real browser: a headless Chromium loads it, and a probe measures it there."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest
from conftest import PARAMS_TEXT
from report_details import details, make, write

from alpha.check import parse

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--dump-dom",
)
WIDTHS = (390, 1400)
# Chromium's own numbers of the schemes.
SCHEMES = {"dark": 0, "light": 1}
# Runs at the end of a copy of the page, and leaves what it measured beside its frame.
PROBE = """
<script>
function channels(text) {
  return text.match(/[\\d.]+/g).map(Number);
}
function luminance(rgb) {
  const [r, g, b] = rgb.slice(0, 3).map(value => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function background(element) {
  for (let at = element; at; at = at.parentElement) {
    const rgba = channels(getComputedStyle(at).backgroundColor);
    if (rgba.length === 3 || rgba[3] === 1) return rgba;
  }
  return [255, 255, 255];
}
function contrast(element) {
  const style = getComputedStyle(element);
  const inPicture = element.namespaceURI.endsWith("svg");
  const both = [channels(inPicture ? style.fill : style.color), background(element)];
  const [low, high] = both.map(luminance).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
// What is loaded is known only when all of it is there.
addEventListener("load", () => {
  const details = [...document.querySelectorAll("details")];
  const folded = details.filter(one => !one.open).length;
  details.forEach(one => { one.open = true; });
  const written = [...document.body.querySelectorAll("*")].filter(element =>
    element.tagName !== "SCRIPT" &&
    [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const found = {
    width: innerWidth,
    scrollWidth: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
    page: getComputedStyle(document.body).backgroundColor,
    pictures: [...document.querySelectorAll("svg")].map(svg => {
      const box = svg.getBoundingClientRect();
      return [box.width, box.height];
    }),
    texts: written.map(element => [contrast(element), element.textContent.trim().slice(0, 40)]),
    chips: document.querySelectorAll(".chip").length,
    folded,
    charts: [...document.querySelectorAll("svg")].flatMap(svg => {
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      return [...svg.querySelectorAll("text")].map(text =>
        [scale * parseFloat(getComputedStyle(text).fontSize), text.textContent]);
    }),
    outside: [...document.querySelectorAll("svg text")].map(text =>
      [text.getBoundingClientRect(), text.closest("figure").getBoundingClientRect(),
        text.textContent]).filter(([box, card]) =>
        box.left < card.left || box.right > card.right).map(([, , words]) => words),
    skill: [...document.querySelectorAll("#verdicts tr > :nth-child(2)")].map(cell =>
      [cell.getBoundingClientRect().right, cell.textContent.trim()]),
    scrollsDown: [...document.querySelectorAll("body *")].filter(element =>
      element.scrollHeight > element.clientHeight + 1 &&
      ["auto", "scroll"].includes(getComputedStyle(element).overflowY)).length,
    shadows: [...document.querySelectorAll(".scroll, .scroll *")].filter(element =>
      element.tagName !== "TH" && getComputedStyle(element).boxShadow !== "none").length,
    resources: performance.getEntriesByType("resource").map(entry => entry.name),
  };
  const pre = parent.document.createElement("pre");
  pre.id = "probe";
  pre.textContent = JSON.stringify(found);
  parent.document.body.append(pre);
});
</script>
"""
# A window is never as narrow as a phone, but a frame may be.
FRAME = """<!doctype html>
<html style="color-scheme: light dark"><title>A frame</title><link rel="icon" href="data:,">
<body style="margin: 0">
<iframe srcdoc="{page}" style="border: 0; width: {width}px; height: 800px"></iframe></body></html>
"""


@dataclass(frozen=True)
class Visit:
    """What a browser made of a page: its console, and what the probe found."""

    console: list[str]
    found: dict[str, Any]


@pytest.fixture(scope="module")
def browser() -> str:
    """The path of a Chromium; tests skip without one, except in CI."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"no browser: none of {', '.join(NAMES)} is installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def visit(browser: str, text: str, folder: Path, *, width: int, scheme: str) -> Visit:
    """Load `text` with the probe at its end in a frame of `width` pixels."""
    probed = escape(text.replace("</body>", PROBE + "</body>"))
    page = folder / "page.html"
    page.write_text(FRAME.format(page=probed, width=width), encoding="utf-8")
    done = subprocess.run(
        [
            browser,
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            f"--window-size={width + 100},800",
            page.as_uri(),
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=180,
        check=True,
    )
    left = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert left is not None, f"the probe did not run: {done.stderr[-2000:]}"
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Visit(console, json.loads(unescape(left.group(1))))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a rich evaluation."""
    folders = make(tmp_path_factory.mktemp("made"), details())
    return write(folders, parse(PARAMS_TEXT, source="params.yaml"))


@pytest.fixture(scope="module", params=[(width, scheme) for width in WIDTHS for scheme in SCHEMES])
def visited(
    request: pytest.FixtureRequest,
    browser: str,
    text: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Visit, int, str]:
    """The report on a phone and on a laptop, in the dark and in the light."""
    width, scheme = request.param
    folder = tmp_path_factory.mktemp(f"{scheme}{width}")
    return visit(browser, text, folder, width=width, scheme=scheme), width, scheme


def test_the_browser_has_nothing_to_complain_of(visited):
    """No errors, no warnings, no messages."""
    assert visited[0].console == []


def test_the_page_never_scrolls_sideways(visited):
    """Wide tables scroll inside their own boxes."""
    at, width, _ = visited
    assert at.found["width"] == width
    assert at.found["scrollWidth"] <= width


def test_nothing_is_loaded(visited):
    """Not from the network, nor from anywhere else."""
    assert visited[0].found["resources"] == []


def test_every_picture_has_room(visited, text: str):
    """None is missing, none is squashed; together they are as wide as a column."""
    pictures = visited[0].found["pictures"]
    assert len(pictures) == text.count("<svg")
    assert all(width > 120 and height > 80 for width, height in pictures)


def test_text_in_charts_is_large_enough_and_stays_in_its_card(visited):
    """11 pixels or more, however narrow the page."""
    found = visited[0].found
    assert len(found["charts"]) > 500
    assert [one for one in found["charts"] if one[0] < 11] == []
    assert found["outside"] == []


def test_skill_is_seen_without_scrolling_sideways(visited):
    """In the first table, beside the model's name."""
    at, width, _ = visited
    title, *cells = at.found["skill"]
    assert title[1].startswith("Skill, test")
    assert len(cells) == 10
    assert max(right for right, _ in (title, *cells)) <= width


def test_tables_unfold_whole_and_cast_no_shadow(visited):
    """Nothing scrolls down but the page, also when all that is folded is open."""
    assert visited[0].found["folded"] > 10
    assert visited[0].found["scrollsDown"] == 0
    assert visited[0].found["shadows"] == 0


def test_all_text_is_readable_in_light_and_dark(visited):
    """WCAG's contrast of at least 4.5 to 1, of page, tables, chips and pictures alike."""
    at, _, scheme = visited
    assert (at.found["page"] == "rgb(17, 20, 25)") == (scheme == "dark")
    assert at.found["chips"] > 20
    assert len(at.found["texts"]) > 500
    assert [text for ratio, text in at.found["texts"] if ratio < 4.5] == []


def test_a_page_with_faults_is_caught(browser: str, tmp_path: Path):
    """Each of the measures above sees a fault made for it."""
    faulty = """<!doctype html><title>x</title><body style="background: #fff">
    <p style="color: #999">pale</p><div style="width: 3000px">wide</div>
    <svg viewBox="0 0 1 1" width="0" height="0"></svg>
    <div style="overflow: auto; height: 20px; width: 50px"><p>one</p><p>two</p></div>
    <img src="http://127.0.0.1:9/x.png" alt="">
    <script>nonsense()</script></body>"""
    at = visit(browser, faulty, tmp_path, width=375, scheme="light")
    assert any("nonsense is not defined" in line for line in at.console)
    assert at.found["scrollWidth"] >= 3000
    assert at.found["pictures"] == [[0, 0]]
    assert at.found["scrollsDown"] == 1
    assert [text for ratio, text in at.found["texts"] if ratio < 4.5] == ["pale"]
    assert at.found["resources"] == ["http://127.0.0.1:9/x.png"]
