"""Check the repository's settings that the workflows rely on, and name the command that fixes each."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.github_settings import MISSING, PRESENT, UNKNOWN, WRONG
from cd4ml.delivery.required_settings import ENVIRONMENTS, MAIN_ONLY
from cd4ml.files.git import run_git

_CD = Path(".github/workflows/cd.yml")
_NO_ENVIRONMENTS = "every branch can use the credentials, and nobody is asked before production: cd4ml/docs/github.md"


@dataclass(frozen=True)
class Row:
    """A row of doctor's table: one setting, and its state."""

    what: str
    where: str
    state: str
    command: str = ""
    """What fixes it; empty if nothing has to be done."""


def repository_settings(github: GitHub, environments: Mapping[str, Any] | None) -> Iterator[Row]:
    """Return a row for each of the repository's settings, as GitHub describes them.

    `environments` is None if the repository can have none.

    Raises:
        GitHubError: it does not answer.
    """
    address = f"repos/{github.repository}"
    described = github.get("")
    branch, private = described["default_branch"], bool(described.get("private"))
    command = f"name {branch} in {_CD} and ci.yml, under on: push: branches"
    yield _row(f"a push to {branch} starts cd", branch in _branches_that_start_cd(), command, WRONG)
    if environments is None:
        yield Row("environments", "repository", "none on GitHub Free", _NO_ENVIRONMENTS)
    else:
        yield from _environments(address, environments, branch, private)
        yield _reviewers(environments.get("approval", {}), private)
    yield _pull_requests(github, address)
    yield _required_check(github, address, branch)
    label = github.find("labels/train") is not None
    yield _row("label train", label, "gh label create train --description 'ct trains this pull request'")


def _branches_that_start_cd() -> list[str]:
    """Return the branches that cd.yml lists, here or at the repository's root; none if there is no such file."""
    root = run_git("rev-parse", "--show-toplevel").stdout.strip()
    text = next((path.read_text(encoding="utf-8") for path in (_CD, Path(root) / _CD) if path.exists()), "")
    listed = re.search(r"^ +branches: \[([^\]]*)\]", text, flags=re.MULTILINE)
    return [name.strip("\"' ") for name in listed[1].split(",")] if listed else []


def _environments(address: str, environments: Mapping[str, Any], branch: str, private: bool) -> Iterator[Row]:
    plan = "  # a private repository has none on GitHub Free: Pro, Team or Enterprise" if private else ""
    for name in ENVIRONMENTS:
        put = f"gh api --method PUT {address}/environments/{name}"
        yield _row("environment", name in environments, put + plan, where=name)
        if name in environments and name in MAIN_ONLY:
            limited = environments[name].get("deployment_branch_policy") is not None
            only = (
                f"{put} -F 'deployment_branch_policy[protected_branches]=false' "
                "-F 'deployment_branch_policy[custom_branch_policies]=true' && "
                f"gh api --method POST {address}/environments/{name}/deployment-branch-policies -f name={branch}"
            )
            yield _row(f"only from {branch}", limited, only, WRONG, where=name)


def _reviewers(approval: Mapping[str, Any], private: bool) -> Row:
    """Return whether a release waits for somebody.

    GitHub lists reviewers of a private repository also if its plan ignores them, and shows the plan to nobody's token.
    """
    rules = [rule for rule in approval.get("protection_rules") or [] if rule.get("type") == "required_reviewers"]
    asked = any(rule.get("reviewers") for rule in rules)
    put = "GitHub: Settings → Environments → approval → Required reviewers"
    if private and asked:
        note = "in a private repository only GitHub Enterprise asks them: see that the next release waits"
        return Row("reviewers", "approval", PRESENT, note)
    if private:
        put += (
            "; in a private repository only with GitHub Enterprise, else protect the branch: the merge is the approval"
        )
    return _row("reviewers", asked, put, where="approval")


def _pull_requests(github: GitHub, address: str) -> Row:
    put = (
        f"gh api --method PUT {address}/actions/permissions/workflow "
        "-f default_workflow_permissions=read -F can_approve_pull_request_reviews=true"
    )
    try:
        permissions = github.get("actions/permissions/workflow")
    except GitHubError as failure:
        if failure.status not in (403, 404):
            raise
        return Row("workflows may open pull requests", "repository", UNKNOWN, put)
    permitted = permissions.get("can_approve_pull_request_reviews") is True
    return _row("workflows may open pull requests", permitted, put)


def _required_check(github: GitHub, address: str, branch: str) -> Row:
    """Return whether the default branch requires the check `ci`: by a ruleset, or by the branch's protection."""
    try:
        rules = github.find(f"rules/branches/{branch}") or []
        parameters = [rule["parameters"] for rule in rules if rule["type"] == "required_status_checks"]
        names = {check["context"] for rule in parameters for check in rule["required_status_checks"]}
        if "ci" not in names:
            protection = github.find(f"branches/{branch}/protection/required_status_checks") or {}
            names |= set(protection.get("contexts", ()))
        required = _row("check ci required", "ci" in names, "", where=branch)
    except GitHubError as failure:
        if failure.status != 403:
            raise
        required = Row("check ci required", branch, UNKNOWN)
    if required.state == PRESENT:
        return required
    put = (
        f"gh api --method PUT {address}/branches/{branch}/protection -F 'required_status_checks[strict]=false' "
        "-f 'required_status_checks[contexts][]=ci' -F enforce_admins=false "
        "-F required_pull_request_reviews=null -F restrictions=null"
    )
    return Row(required.what, required.where, required.state, put)


def _row(what: str, present: bool, command: str, otherwise: str = MISSING, where: str = "repository") -> Row:
    return Row(what, where, PRESENT if present else otherwise, "" if present else command)
