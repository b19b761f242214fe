"""alpha predict"""

from alpha.core.cli import Option, step

SUMMARY = "predict every row of every split with trained models"
OPTIONS = [
    Option("--models", "a folder that `alpha train` wrote, or one that holds such folders"),
    Option("--splits", "folder of the splits"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "folder for train.h5, valid.h5, test.h5 and inputs.json of each model"),
]
SECTIONS = dict[str, type]()
command = step("alpha.predict.run")
