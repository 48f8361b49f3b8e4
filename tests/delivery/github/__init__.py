"""A small GitHub on loopback: a repository to push to, the REST API, triggers, and runs by workflows/run.mjs.

What it cannot show: GitHub's own scheduling, its real tables of permissions, rate limits, what is not modelled here.
"""

from tests.delivery.github.github import GitHub
from tests.delivery.github.runs import Environment, Job, Run, Step

__all__ = ["Environment", "GitHub", "Job", "Run", "Step"]
