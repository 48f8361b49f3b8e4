"""Metrics of a team's own, and projects that have them."""

from pathlib import Path

from house_project import Project

PROFIT = '''\
"""What a prediction is worth to us."""

import numpy as np
from sklearn.metrics import log_loss

LOWER_IS_BETTER = ["cost"]
AT_LEAST = 0.3


def profit(y, p, weights):
    """Mean profit of a house that we buy, in thousand.

    Not shown.
    """
    return _mean(np.where(p >= AT_LEAST, np.where(y == 1, 20.0, -7.0), 0.0), weights)


def cost(y, p, weights):
    """Mean cost of a wrong probability."""
    return _mean(np.abs(y - p), weights)


def _mean(values, weights):
    return np.average(values, weights=weights)
'''
NUMBERS = '''\
def within_ten(y, p, weights):
    """Share of the predictions within a tenth of the price."""
    return (abs(p - y) <= 0.1 * abs(y)).mean()
'''
CLASSES = '''\
def among_two(y, p, weights):
    """Share of the rows whose class is among the two most probable."""
    return (p.argsort(axis=1)[:, -2:] == y[:, None]).any(axis=1).mean()
'''


def with_metrics(original: Project, folder: Path, text: str, metric: str = "auto") -> Project:
    """Return a copy of a project with a bundle in a new folder, with a metrics.py and a main metric."""
    project = original.copy_to(folder)
    project.write("src/houses/metrics.py", text)
    sections = f"metrics: {{main: {metric}}}\nevaluate: {{bootstrap_rounds: 100}}\n"
    project.write("params.yaml", (project.folder / "params.yaml").read_text(encoding="utf-8") + sections)
    return project
