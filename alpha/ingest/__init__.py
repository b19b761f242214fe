"""alpha ingest"""

from alpha.core.cli import Option, step
from alpha.ingest.params import Ingest, Limit

SUMMARY = "make feature files of raw market data: ingest.sources"
OPTIONS = [Option("--out", "folder for the feature files, one a UTC day, and summary.json")]
SECTIONS = {"ingest": Ingest, "data": Limit}
command = step("alpha.ingest.run")
