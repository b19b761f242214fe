"""alpha label"""

from alpha.core.cli import Option, step
from alpha.data.params import Data, Label

SUMMARY = "label each row with the outcome of its look-ahead window"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--out", "folder for labels/, with files of the same names, and profile.json"),
]
SECTIONS = {"data": Data, "label": Label}
command = step("alpha.label.run")
