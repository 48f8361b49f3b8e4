"""What GitHub is to have: environments, variables, and secrets, whose values go through standard input."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cd4ml.delivery.required_settings import ENVIRONMENTS, MAIN_ONLY
from cd4ml.deploy.commands import READ_SECONDS, CloudError, Command, UnreadError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.identities import DEPLOYER, REPOSITORY, Jobs, environment_flag
from cd4ml.deploy.set_up.key_files import KeyFiles
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.platform import CloudSetUp, SetUp
from cd4ml.deploy.set_up.repository import Repository, api
from cd4ml.deploy.set_up.steps import Found, Step, ensure
from cd4ml.settings.project import Project

Json = Mapping[str, Any]

_API_KEYS = "SERVICE_API_KEYS"


class GitHub:
    """The settings of a repository, found and told through `gh`."""

    def __init__(self, patience: Patience, repository: Repository, jobs: Jobs) -> None:
        self.patience, self.repository, self.jobs = patience, repository, jobs

    def steps(self, project: Project, set_up: SetUp, credentials: str, files: KeyFiles) -> Iterator[Step]:
        """Return what it is to have; each is read when its turn comes. Keys that it has are not kept in `files`.

        Raises:
            CloudError: something cannot be read.
        """
        for environment in ENVIRONMENTS if self.jobs.by_environment else ():
            yield from self._environment(environment)
        yield from self._variables(_of_repository(project, set_up, credentials))
        if set_up.identities:
            yield from self._signing_in(set_up.identities, credentials, files)
        for environment in self.jobs.environments_of(DEPLOYER):
            yield self._api_keys(environment, set_up)

    def _signing_in(self, identities: CloudSetUp, credentials: str, files: KeyFiles) -> Iterator[Step]:
        for who in self.jobs.signing_in:
            for environment in self.jobs.environments_of(who):
                yield from self._variables(identities.variables_of(who, credentials), environment)
                if credentials == "service-account":
                    yield from self._keys(who, environment, files)
            if not self.patience.effects.dry_run:
                files.forget(who)

    def _environment(self, name: str) -> Iterator[Step]:
        address = f"{self.repository.api}/environments/{name}"
        known: Json | None = self.patience.find(api(address))
        closed = name in MAIN_ONLY
        is_there = known is not None and not (closed and known.get("deployment_branch_policy") is None)
        fields = branch_fields(known) if closed else []
        yield ensure("environment", name, is_there, _api("PUT", address, fields))
        branch = self.repository.default_branch
        if not closed or (known and (known.get("deployment_branch_policy") or {}).get("protected_branches")):
            return
        policies: Json = self.patience.find(api(f"{address}/deployment-branch-policies")) or {}
        only = f"{name} is for {branch} alone"
        is_there = any(policy["name"] == branch for policy in policies.get("branch_policies", []))
        post = _api("POST", f"{address}/deployment-branch-policies", ["-f", f"name={branch}"])
        yield ensure("environment", only, is_there, post)

    def _variables(self, wanted: Mapping[str, str], environment: str = "") -> Iterator[Step]:
        if not wanted:
            return
        where = environment or REPOSITORY
        known = {line["name"]: line["value"] for line in self._listed("variable", where, "name,value")}
        for name, value in wanted.items():
            command = ("gh", "variable", "set", name, *self._place(where), "--body", value)
            named = f"{name} in {environment}" if environment else name
            yield ensure("GitHub variable", named, known.get(name) == value, Command(command))

    def _keys(self, who: str, environment: str, files: KeyFiles) -> Iterator[Step]:
        known = {line["name"] for line in self._listed("secret", environment, "name")}
        for name in files.secrets:
            row, value = f"{name} in {environment}", files.read(who, name)
            if not value and name in known:
                yield Step("GitHub secret", row, Found.THERE)
            elif value or self.patience.effects.dry_run:
                fails = f"{name} could not be set in {environment}; the key is kept in {files.of(who) / name}"
                yield Step("GitHub secret", row, Found.MISSING, self._secret(name, environment, value), fails=fails)
            else:
                again = f"{SCRIPT} rotate credentials --set-secrets"
                yield Step("GitHub secret", row, Found.WRONG, defect=f"{row}, and its key is not here: {again}")

    def _api_keys(self, environment: str, set_up: SetUp) -> Step:
        """What the smoke test asks with."""
        is_there = any(line["name"] == _API_KEYS for line in self._listed("secret", environment, "name"))
        value = ""
        if not is_there and not self.patience.effects.dry_run:
            try:
                value = set_up.api_keys()
            except UnreadError:
                raise CloudError(f"the API keys cannot be read: {SCRIPT} doctor") from None
        command = self._secret(_API_KEYS, environment, value)
        fails = f"{_API_KEYS} could not be set in {environment}"
        return ensure("GitHub secret", f"{_API_KEYS} in {environment}", is_there, command, fails=fails)

    def _listed(self, kind: str, environment: str, fields: str) -> Sequence[Json]:
        """Return what is set; nothing where there is no such environment."""
        argv = ("gh", kind, "list", *self._place(environment), "--json", fields)
        return self.patience.find(Command(argv, seconds=READ_SECONDS)) or []

    def _place(self, environment: str) -> tuple[str, ...]:
        return ("--repo", self.repository.name, *environment_flag(environment))

    def _secret(self, name: str, environment: str, value: str) -> Command:
        return Command(("gh", "secret", "set", name, *self._place(environment)), stdin=value)


def settings_by_hand(project: Project, set_up: SetUp, jobs: Jobs, credentials: str) -> Iterator[str]:
    """Return the commands that set variables and API keys, to be run where the environments are there.

    Raises:
        CloudError: something cannot be read.
    """
    wanted: list[tuple[str, Mapping[str, str]]] = [(REPOSITORY, _of_repository(project, set_up, credentials))]
    if identities := set_up.identities:
        for who in jobs.signing_in:
            variables = identities.variables_of(who, credentials)
            wanted += [(environment, variables) for environment in jobs.environments_of(who)]
    for environment, variables in wanted:
        for name, value in variables.items():
            yield shlex.join(("gh", "variable", "set", name, *environment_flag(environment), "--body", value))
    for environment in jobs.environments_of(DEPLOYER):
        told = " ".join(("gh", "secret", "set", _API_KEYS, *environment_flag(environment)))
        yield f"{set_up.how_to_read_api_keys()} | {told}"


def _of_repository(project: Project, set_up: SetUp, credentials: str) -> dict[str, str]:
    """Return the variables that all jobs read."""
    variables = dict(set_up.variables(credentials))
    if project.prediction_log == "bucket":
        variables["PREDICTION_LOG"] = f"{set_up.log_for_reading()}/production"
    return variables


def branch_fields(environment: Json | None) -> list[str]:
    """Return how a request says that only branches of a list may use an environment.

    A request says all of an environment, so that reviewers and waiting time that were set by hand are said again.
    """
    said = [
        "deployment_branch_policy[protected_branches]=false",
        "deployment_branch_policy[custom_branch_policies]=true",
    ]
    for rule in (environment or {}).get("protection_rules", []):
        if rule["type"] == "wait_timer":
            said.append(f"wait_timer={rule['wait_timer']}")
        elif rule["type"] == "required_reviewers":
            said.append(f"prevent_self_review={str(rule.get('prevent_self_review') or False).lower()}")
            for reviewer in rule["reviewers"]:
                said += [f"reviewers[][type]={reviewer['type']}", f"reviewers[][id]={reviewer['reviewer']['id']}"]
    return [word for field in said for word in ("-F", field)]


def _api(method: str, address: str, fields: Sequence[str]) -> Command:
    return Command(("gh", "api", "--silent", "--method", method, address, *fields))
