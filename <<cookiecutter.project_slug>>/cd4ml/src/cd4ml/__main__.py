"""`python -m cd4ml`, for where the command `cd4ml` is not installed."""

from cd4ml.cli import run

run()
