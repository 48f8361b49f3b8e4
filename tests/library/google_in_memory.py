"""One project of Google's and one repository on GitHub, without a process: commands are read by what they mean.

A run may be killed before or after a write, by its number. What was just made may be unknown to some calls.
"""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import github_in_memory
from cd4ml.deploy.commands import Ended
from cloud_in_memory import CloudInMemory
from github_in_memory import RefusedError

Json = dict[str, Any]

ENVIRONMENT = {
    "GCP_PROJECT": "acme",
    "GCP_REGION": "europe-west1",
    "INSIST_PAUSE": "0",
    "INSIST_PATIENCE": "9",
    "XDG_CONFIG_HOME": "config",
}
VERBS = ("create", "describe", "list", "add-iam-policy-binding", "get-iam-policy", "delete", "update", "enable")
CONFLICT = "Resource in projects [acme] is the subject of a conflict: {name} already exists."
"""What gcloud prints of service accounts and secrets."""
API_OF = {"artifacts": "artifactregistry", "secrets": "secretmanager", "run": "run"}


class Google(CloudInMemory):
    """Answers gcloud and gh. `state` is all that is kept; another run of the same cloud takes it over."""

    def __init__(self, state: Json | None = None, dry_run: bool = False, **environment: str) -> None:
        super().__init__("cloud-run", dry_run, ENVIRONMENT | environment)
        self.state: Json = state if state is not None else {
            "apis": ["run.googleapis.com"], "registry": {}, "accounts": {}, "buckets": {}, "secrets": {}, "pools": {},
            "policies": {}, "environments": {}, "variables": {}, "github": {},
        }  # fmt: skip
        self.unknown = 0
        """How many calls that name something new do not know it."""
        self.lists_no_accounts = False
        self._new: dict[str, int] = {}

    def _refusal(self, argv: tuple[str, ...], refusal: str) -> Ended:
        last = next((index for index, word in enumerate(argv) if word in VERBS), 2)
        return Ended(1, "", f"ERROR: ({'.'.join(argv[: last + 1])}) {refusal}")

    def _is_write(self, argv: tuple[str, ...]) -> bool:
        reads = {"describe", "list", "get-iam-policy", "access"}
        return "--method" in argv if argv[1] == "api" else not reads & set(argv[:6])

    def _answer(self, argv: tuple[str, ...], stdin: str) -> Any:
        given = dict(pairwise(argv))
        if argv[0] == "gh":
            return github_in_memory.answer(self.state, argv, given, stdin)
        words = [word for word in argv[1:] if not word.startswith("-")]
        api = API_OF.get(words[0])
        if api and f"{api}.googleapis.com" not in self.state["apis"]:
            raise RefusedError("PERMISSION_DENIED: it is disabled.\n  reason: SERVICE_DISABLED")
        if {"add-iam-policy-binding", "remove-iam-policy-binding", "get-iam-policy"} & set(argv):
            return self._policy(argv, given)
        if {"delete", "rm"} & set(argv) and "keys" not in argv:
            return self._remove(argv)
        return _RESOURCES[_kind(argv)](self, argv, given, stdin)

    def _policy(self, argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        verb = next(index for index, word in enumerate(argv) if word.endswith(("get-iam-policy", "policy-binding")))
        name = argv[verb + 1]
        self._check(name)
        known = self.state["policies"].setdefault(name, [])
        if argv[verb] == "get-iam-policy":
            wanted = given.get("--filter", "").removeprefix("bindings.role=").partition(" AND bindings.members=")
            return [line for line in known if line["role"] == wanted[0]] if wanted[0] else {"bindings": known}
        if "--condition" not in argv and any("condition" in line for line in known):
            raise RefusedError("Adding a binding without specifying a condition to a policy containing conditions is")
        if argv[verb] == "remove-iam-policy-binding":
            known[:] = [line for line in known if line["role"] != given["--role"]]
            return ""
        self._check(given["--member"].removeprefix("serviceAccount:"), "INVALID_ARGUMENT")
        known.append({"role": given["--role"], "members": [given["--member"]]})
        return ""

    def _remove(self, argv: tuple[str, ...]) -> str:
        kind, name = _kind(argv), argv[argv.index("delete") + 1] if "delete" in argv else argv[4]
        key = {"artifacts": "registry", "storage": "buckets"}.get(kind, kind)
        if name not in self.state[key]:
            raise RefusedError(f"{name} not found: 404." if kind == "storage" else "NOT_FOUND: it is gone")
        self.state[key].pop(name)
        self.state["policies"].pop(name, None)
        return ""

    def _check(self, name: str, code: str = "NOT_FOUND") -> None:
        if self._new.get(name, 0):
            self._new[name] -= 1
            raise RefusedError(f"{code}: {name} is unknown")

    def made(self, name: str) -> None:
        self._new[name] = self.unknown

    # what there is

    def _apis(self, argv: tuple[str, ...], given: Mapping[str, str], _stdin: str) -> Any:
        if argv[2] == "list":
            return [{"config": {"name": name}} for name in self.state["apis"]]
        self.state["apis"] += argv[argv.index(given["--project"]) + 1 :]
        return ""

    def _registry(self, argv: tuple[str, ...], given: Mapping[str, str], _stdin: str) -> Any:
        known, name = self.state["registry"], argv[4]
        if argv[3] == "create":
            return _create(known, name, {})
        if name not in known:
            raise RefusedError("NOT_FOUND: no such repository")
        if argv[3] == "describe":
            return known[name]
        told = json.loads(Path(given["--policy"]).read_text())
        known[name]["cleanupPolicies"] = {
            policy["name"]: policy | {"id": policy["name"], "action": policy["action"]["type"]} for policy in told
        }
        return ""

    def _accounts(self, argv: tuple[str, ...], given: Mapping[str, str], _stdin: str) -> Any:
        known = self.state["accounts"]
        if argv[3] == "list":
            return [] if self.lists_no_accounts else [{"email": email} for email in known]
        email = f"{argv[4]}@acme.iam.gserviceaccount.com"
        self.made(email)
        return _create(known, email, [], CONFLICT)

    def _keys(self, argv: tuple[str, ...], given: Mapping[str, str], _stdin: str) -> Any:
        email = given["--iam-account"]
        known = self.state["accounts"].get(email)
        if known is None:
            raise RefusedError("NOT_FOUND: no such account")
        if argv[4] == "create":
            self._check(email)
            known.append(f"key{len(known)}")
            Path(argv[5]).write_text(f'{{\n"key": "{known[-1]} of {email}"}}')
        elif argv[4] == "delete":
            known.remove(argv[5])
        return [
            {"name": f"projects/acme/keys/{key}", "validAfterTime": f"2020-01-0{1 + index}T00:00:00Z"}
            for index, key in enumerate(known)
        ]

    def _buckets(self, argv: tuple[str, ...], given: Mapping[str, str], _stdin: str) -> Any:
        known, name = self.state["buckets"], argv[4]
        if argv[3] == "create":
            return _create(known, name, {"public_access_prevention": "enforced", "uniform_bucket_level_access": True})
        if name not in known:
            raise RefusedError(f"{name} not found: 404.")
        if "--lifecycle-file" in given:
            known[name]["lifecycle_config"] = json.loads(Path(given["--lifecycle-file"]).read_text())
        elif argv[3] == "update":
            known[name] |= {"public_access_prevention": "enforced", "uniform_bucket_level_access": True}
        return known[name]

    def _secrets(self, argv: tuple[str, ...], given: Mapping[str, str], stdin: str) -> Any:
        known = self.state["secrets"]
        if argv[2] == "create":
            return _create(known, argv[3], {"1": stdin}, CONFLICT)
        name = given.get("--secret", argv[3] if argv[2] == "describe" else argv[4])
        if name not in known:
            raise RefusedError("NOT_FOUND: no such secret")
        versions: dict[str, str] = known[name]
        match argv[2:5]:
            case ("versions", "add", _):
                versions[str(max(map(int, versions)) + 1)] = stdin
            case ("versions", "destroy", number):
                versions[number] = ""
            case ("versions", "access", _):
                return versions[max(versions, key=int)]
            case ("versions", "list", _):
                return [
                    {"name": f"projects/7/secrets/{name}/versions/{number}"}
                    for number, value in versions.items()
                    if value
                ]
        return {"name": name}

    def _pools(self, argv: tuple[str, ...], given: Mapping[str, str], _stdin: str) -> Any:
        known, is_provider = self.state["pools"], argv[3] == "providers"
        verb, name = argv[4:6] if is_provider else argv[3:5]
        if verb == "create-oidc" or verb == "create":
            _create(known, name, {"state": "ACTIVE"})
        if name not in known:
            raise RefusedError("NOT_FOUND: no such pool")
        if verb.endswith("-oidc"):
            mapping = given["--attribute-mapping"].removeprefix("^@;@^").split("@;@")
            known[name] |= {
                "attributeCondition": given["--attribute-condition"],
                "oidc": {"issuerUri": given["--issuer-uri"]},
                "attributeMapping": dict(pair.split("=", 1) for pair in mapping),
            }
        if verb == "undelete":
            known[name]["state"] = "ACTIVE"
        return known[name]

    def _project(self, *_: Any) -> Any:
        return {"projectNumber": "7"}

    def _policy_of_organisation(self, *_: Any) -> Any:
        return {"booleanPolicy": {"enforced": True} if self.state.get("forbids_keys") else {}}

    def _services(self, argv: tuple[str, ...], *_: Any) -> Any:
        if argv[3] == "list":
            return []
        raise RefusedError("Cannot find service")


_RESOURCES: dict[str, Callable[..., Any]] = {
    "services": Google._apis, "artifacts": Google._registry, "accounts": Google._accounts, "keys": Google._keys,
    "storage": Google._buckets, "secrets": Google._secrets, "pools": Google._pools, "projects": Google._project,
    "resource-manager": Google._policy_of_organisation, "run": Google._services,
}  # fmt: skip


def _kind(argv: tuple[str, ...]) -> str:
    if argv[1] != "iam":
        return argv[1]
    return "pools" if argv[2] == "workload-identity-pools" else "keys" if argv[3] == "keys" else "accounts"


def _create(known: Json, name: str, value: Any, conflict: str = "ALREADY_EXISTS: {name} is there") -> str:
    if name in known:
        raise RefusedError(conflict.format(name=name))
    known[name] = value
    return ""
