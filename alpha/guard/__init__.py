"""alpha guard"""

from alpha.core.cli import Option, step

SUMMARY = "stop if labels moved although neither params nor data changed"
OPTIONS = [
    Option("--labels", "folder that `alpha label` wrote"),
    Option("--pins", "folder with the pin, labels.json, if there is one"),
    Option("--out", "folder for passed.json and shift.json"),
]
SECTIONS = dict[str, type]()
command = step("alpha.guard.run")
