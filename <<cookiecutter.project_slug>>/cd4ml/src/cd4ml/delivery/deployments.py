"""Tell GitHub which commit is live in production: its deployments, which the repository's page shows.

The jobs themselves make none (`deployment: false`). GitHub would name the commit of their run, which of a rollback is
the newest one of the default branch, and would take a release that was skipped for one that was deployed.
"""

from collections.abc import Mapping
from typing import Any

from cd4ml.delivery.actions_io import run_url
from cd4ml.delivery.github import GitHub
from cd4ml.gate.branches import PRODUCTION


def record_deployment(github: GitHub, record: Mapping[str, Any]) -> None:
    """Record that the commit of release.json is live, unless the newest deployment says so."""
    newest = github.get("deployments", environment=PRODUCTION, per_page=1)
    if newest and newest[0]["sha"] == record["commit"] and _succeeded(github, newest[0]):
        return
    bundle = str(record.get("bundle", ""))
    deployment = github.post(
        "deployments",
        {
            "ref": record["commit"],
            "environment": PRODUCTION,
            "description": bundle,
            "payload": {"bundle": bundle, "digest": record.get("digest", "")},
            "auto_merge": False,
            "required_contexts": [],  # all checks have passed before the release
            "production_environment": True,
        },
    )
    status = {"state": "success", "description": bundle, "log_url": run_url(), "environment": PRODUCTION}
    github.post(f"deployments/{deployment['id']}/statuses", {name: text for name, text in status.items() if text})


def _succeeded(github: GitHub, deployment: Mapping[str, Any]) -> bool:
    statuses = github.get(f"deployments/{deployment['id']}/statuses", per_page=30)
    return any(status["state"] == "success" for status in statuses)
