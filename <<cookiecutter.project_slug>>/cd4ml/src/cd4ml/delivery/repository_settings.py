"""The repository's settings that the workflows rely on, and the command that mends each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.github_settings import MISSING, THERE, UNSEEN, WRONG
from cd4ml.delivery.required_settings import ENVIRONMENTS, MAIN_ONLY


@dataclass(frozen=True)
class Row:
    """One thing that is needed, and whether it is there."""

    what: str
    where: str
    state: str
    command: str = ""
    """What mends it; empty where nothing is to be done."""


def rows_of_settings(github: GitHub, environments: Mapping[str, Any]) -> Iterator[Row]:
    """Return what GitHub says of the settings.

    Raises:
        GitHubError: it does not answer.
    """
    here = f"repos/{github.repository}"
    branch = github.get("")["default_branch"]
    yield _row("default branch main", branch == "main", "gh repo edit --default-branch main", WRONG)
    yield from _environments(here, environments)
    yield _pull_requests(github, here)
    yield _check(github, here)
    label = github.find("labels/train") is not None
    yield _row("label train", label, "gh label create train --description 'ct trains this pull request'")


def _environments(here: str, environments: Mapping[str, Any]) -> Iterator[Row]:
    for name in ENVIRONMENTS:
        put = f"gh api --method PUT {here}/environments/{name}"
        yield _row("environment", name in environments, put, where=name)
        if name in environments and name in MAIN_ONLY:
            limited = environments[name].get("deployment_branch_policy") is not None
            only = (
                f"{put} -F 'deployment_branch_policy[protected_branches]=false' "
                "-F 'deployment_branch_policy[custom_branch_policies]=true' && "
                f"gh api --method POST {here}/environments/{name}/deployment-branch-policies -f name=main"
            )
            yield _row("only from main", limited, only, WRONG, where=name)
    rules = environments.get("approval", {}).get("protection_rules") or []
    asked = any(rule.get("type") == "required_reviewers" for rule in rules)
    yield _row("reviewers", asked, "GitHub: Settings → Environments → approval → Required reviewers", where="approval")


def _pull_requests(github: GitHub, here: str) -> Row:
    put = (
        f"gh api --method PUT {here}/actions/permissions/workflow "
        "-f default_workflow_permissions=read -F can_approve_pull_request_reviews=true"
    )
    try:
        told = github.get("actions/permissions/workflow")
    except GitHubError as refused:
        if refused.status not in (403, 404):
            raise
        return Row("workflows may open pull requests", "repository", UNSEEN, put)
    return _row("workflows may open pull requests", told.get("can_approve_pull_request_reviews") is True, put)


def _check(github: GitHub, here: str) -> Row:
    """Return whether main takes only what the check `ci` has passed: by a ruleset, or by the branch's protection."""
    try:
        rules = github.find("rules/branches/main") or []
        wanted = [rule["parameters"] for rule in rules if rule["type"] == "required_status_checks"]
        names = {check["context"] for one in wanted for check in one["required_status_checks"]}
        if "ci" not in names:
            protected = github.find("branches/main/protection/required_status_checks") or {}
            names |= set(protected.get("contexts", ()))
        required = _row("check ci required", "ci" in names, "", where="main")
    except GitHubError as refused:
        if refused.status != 403:
            raise
        required = Row("check ci required", "main", UNSEEN)
    if required.state == THERE:
        return required
    put = (
        f"gh api --method PUT {here}/branches/main/protection -F 'required_status_checks[strict]=false' "
        "-f 'required_status_checks[contexts][]=ci' -F enforce_admins=false "
        "-F required_pull_request_reviews=null -F restrictions=null"
    )
    return Row(required.what, required.where, required.state, put)


def _row(what: str, there: bool, command: str, otherwise: str = MISSING, where: str = "repository") -> Row:
    return Row(what, where, THERE if there else otherwise, "" if there else command)
