"""One subscription, one tenant and one repository on GitHub, without a process: commands are read by what they mean.

A run may be killed before or after a write, by its number. Graph's lists may lack what was made.
"""

import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import github_in_memory
from cd4ml.deploy.commands import Ended
from cloud_in_memory import CloudInMemory
from github_in_memory import RefusedError

Json = dict[str, Any]

ENVIRONMENT = {
    "AZURE_LOCATION": "westeurope",
    "INSIST_PAUSE": "0",
    "INSIST_PATIENCE": "9",
    "XDG_CONFIG_HOME": "config",
}
GRAPH = "https://graph.example/v1.0"
GROUP = "/subscriptions/1f0e/resourceGroups/demo"
MADE = {"acr": "registry", "storage account": "storage", "identity": "identity", "group": "group"}
NOT_FOUND = "(ResourceNotFound) it is not there"


class Azure(CloudInMemory):
    """Answers az and gh. `state` is all that is kept; another run of the same cloud takes it over."""

    def __init__(self, state: Json | None = None, dry_run: bool = False, **environment: str) -> None:
        super().__init__("aci", dry_run, ENVIRONMENT | environment)
        self.state: Json = state if state is not None else {
            "providers": [], "made": {}, "apps": {}, "kept_names": [], "principals": {}, "roles": {}, "assigned": [],
            "number": 0, "groups": [], "environments": {}, "variables": {}, "github": {},
        }  # fmt: skip
        self.cloud = "AzureCloud"
        self.lists_lag = False
        self.shows_roles_in = GROUP
        """How the addresses of roles begin in a list."""
        self.unknown: dict[str, int] = {}
        """How many more calls that name something do not know it, by how their address ends, or by who is granted."""

    def _refusal(self, argv: tuple[str, ...], refusal: str) -> Ended:
        return Ended(1, "", f"ERROR: {refusal}")

    def _is_write(self, argv: tuple[str, ...]) -> bool:
        if argv[0] == "gh":
            return "--method" in argv if argv[1] == "api" else "list" not in argv[:4]
        if argv[1:2] == ("rest",):
            return argv[3] != "get"
        return not {"show", "list"} & set(argv[1:6])

    def made_at(self, kind: str) -> Json:
        """Return what was made of a kind, by its names."""
        return {name.split(" ", 1)[1]: held for name, held in self.state["made"].items() if name.startswith(kind)}

    def _answer(self, argv: tuple[str, ...], stdin: str) -> Any:
        given = dict(pairwise(argv))
        if argv[0] == "gh":
            return github_in_memory.answer(self.state, argv, given, stdin)
        if argv[0] == "rm":
            return ""
        words = " ".join(word for word in argv[1:5] if re.fullmatch(r"[a-z][a-z-]*", word) and word[0] != "-")
        for beginning, answer in _ANSWERS.items():
            if words.startswith(beginning):
                return answer(self, argv, given)
        raise AssertionError(argv)

    # the subscription

    def _account(self, *_: Any) -> Json:
        return {"id": "1f0e", "tenantId": "a-tenant", "environmentName": self.cloud}

    def _providers(self, argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        if argv[2] == "list":
            return [{"namespace": name, "state": "Registered"} for name in self.state["providers"]]
        self.state["providers"].append(given["--namespace"])
        return ""

    def _resource(self, argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        """What is made under a name: all that the set-up reads of it is what it was made with."""
        kind = "storage account" if argv[1] == "storage" else argv[1]
        verb = argv[3] if argv[1] == "storage" else argv[2]
        known, name = self.state["made"], f"{MADE[kind]} {given['--name']}"
        if MADE[kind] != "group" and "group demo" not in known:
            raise RefusedError("(ResourceGroupNotFound) Resource group 'demo' could not be found.")
        if verb == "create":
            known[name] = _shown(given) | {"principalId": self._number("principal"), "tags": {}}
            if MADE[kind] == "group":
                known[name]["tags"] = dict([given["--tags"].split("=")])
            return ""
        if verb == "import":
            return ""
        if name not in known:
            raise RefusedError(NOT_FOUND)
        if verb == "delete":
            del known[name]
            if MADE[kind] == "storage":
                for within in [one for one in known if one.endswith(f" in {given['--name']}")]:
                    del known[within]
            return ""
        if verb == "update":
            known[name] |= _shown(given)
            return ""
        return known[name]

    def _within_storage(self, argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        account = given.get("--storage-account") or given["--account-name"]
        known, name = self.state["made"], f"{argv[2]} {given.get('--name', 'policy')} in {account}"
        if f"storage {account}" not in known:
            raise RefusedError(NOT_FOUND)
        if "create" in argv:
            known[name] = {"policy": json.loads(given["--policy"])} if "--policy" in given else {}
            return ""
        if name not in known:
            raise RefusedError("(ContainerNotFound) there is none")
        return known[name]

    def _policy(self, argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        return self._within_storage(argv, given)

    def _tag(self, _argv: tuple[str, ...], given: Mapping[str, str]) -> str:
        registry = self.state["made"][f"registry {given['--resource-id'].rpartition('/')[2]}"]
        registry["tags"] |= dict([given["--tags"].split("=", 1)])
        return ""

    def _containers(self, argv: tuple[str, ...], _given: Mapping[str, str]) -> Any:
        if "group demo" not in self.state["made"]:
            raise RefusedError("(ResourceGroupNotFound) Resource group 'demo' could not be found.")
        return self.state["groups"] if argv[2] == "list" else ""

    def _in_group(self, *_: Any) -> list[str]:
        return [name for name in self.state["made"] if name != "group demo"]

    # who may do what

    def _roles(self, _argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        return [
            {"id": f"{self.shows_roles_in}{address.removeprefix(GROUP)}"} | role
            for address, role in self.state["roles"].items()
            if role["roleName"] == given["--name"] and not self.lists_lag
        ]

    def _assignments(self, argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        known, scope = self.state["assigned"], given["--scope"]
        if argv[3] == "create":
            self._check(given["--assignee-object-id"], "(PrincipalNotFound) it does not exist in the directory")
            one = {"scope": scope, "principalId": given["--assignee-object-id"], "roleDefinitionName": given["--role"]}
            if one in known:
                raise RefusedError("(RoleAssignmentExists) The role assignment already exists.")
            known.append(one)
            return ""
        found = [
            one
            for one in known
            if one["scope"] == scope and one["roleDefinitionName"] == given.get("--role", one["roleDefinitionName"])
        ]
        if argv[3] == "delete":
            if not found:
                raise RefusedError("No matched assignments were found to delete")
            self.state["assigned"] = [one for one in known if one not in found]
        return found

    def _rest(self, _argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        url, method = given["--url"], given["--method"]
        body = json.loads(given["--body"]) if "--body" in given else {}
        if not url.startswith(GRAPH):
            address = url.partition("?")[0]
            if method == "delete":
                self.state["roles"].pop(address, None)
                return ""
            told = body["properties"]
            self.state["roles"][address] = {"roleName": told["roleName"], "permissions": told["permissions"]}
            return ""
        path = url.removeprefix(GRAPH)
        if path == "/policies/defaultAppManagementPolicy":
            rules = [{"restrictionType": "passwordAddition"}] if self.state.get("forbids_keys") else []
            return {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": rules}}
        if path == "/servicePrincipals":
            return self._make_principal(body["appId"])
        if found := re.fullmatch(r"/(applications|servicePrincipals)\((?:uniqueName|appId)='([^']+)'\)", path):
            return self._by_key(*found.groups(), method, body, given.get("--headers", ""))
        _, _, number, *verb = path.split("/")
        if number not in self.state["apps"]:
            raise RefusedError(_json("Request_ResourceNotFound"))
        if verb or method == "get":
            return self._of_app(self.state["apps"][number], method, "".join(verb), body)
        assert method == "delete"
        app = self.state["apps"].pop(number)
        self.state["kept_names"].append(app.get("uniqueName"))
        self.state["principals"].pop(app["appId"], None)
        return ""

    def _by_key(self, kind: str, key: str, method: str, body: Json, headers: str) -> Any:
        if kind == "servicePrincipals":
            known = self.state["principals"].get(key)
        else:
            known = next((app for app in self.state["apps"].values() if app.get("uniqueName") == key), None)
        if method == "patch":
            assert headers == "Prefer=create-if-missing"
            if known:
                known |= body
                return ""
            if key in self.state["kept_names"]:
                raise RefusedError(_json("Request_BadRequest"))
            number = self._number("object")
            made = {"id": number, "appId": self._number("app"), "uniqueName": key, "keys": [], "trusts": []}
            self.state["apps"][number] = made | body
            return number
        if known is None:
            raise RefusedError(_json("Request_ResourceNotFound"))
        self._check(key, _json("Request_ResourceNotFound"))
        return known

    def _make_principal(self, app: str) -> str:
        if app in self.state["principals"]:
            raise RefusedError(_json("Request_MultipleObjectsWithSameKeyValue"))
        self.state["principals"][app] = {"id": self._number("principal")}
        return ""

    def _apps(self, _argv: tuple[str, ...], given: Mapping[str, str]) -> Any:
        named = [app for app in self.state["apps"].values() if app["displayName"] == given["--display-name"]]
        return [] if self.lists_lag else named

    def _of_app(self, app: Json, method: str, verb: str, body: Json) -> Any:
        match method, verb:
            case "get", "":
                return [
                    {"keyId": key, "startDateTime": f"2020-01-0{1 + at}T00:00:00Z"}
                    for at, key in enumerate(app["keys"])
                ]
            case "post", "addPassword":
                app["keys"].append(self._number("key"))
                return f"s3cret of {app['keys'][-1]}"
            case "post", "removePassword":
                app["keys"].remove(body["keyId"])
                return ""
            case "get", "federatedIdentityCredentials":
                return app["trusts"]
        assert (method, verb) == ("post", "federatedIdentityCredentials")
        if body["name"] in {trust["name"] for trust in app["trusts"]}:
            raise RefusedError(_json("Request_MultipleObjectsWithSameKeyValue"))
        app["trusts"].append(body)
        return ""

    def _cloud(self, *_: Any) -> str:
        return json.dumps("https://graph.example/")

    def _check(self, name: str, refusal: str) -> None:
        if self.unknown.get(name, 0):
            self.unknown[name] -= 1
            raise RefusedError(refusal)

    def _number(self, kind: str) -> str:
        self.state["number"] += 1
        return f"{self.state['number']:08}-{kind}"


_ANSWERS: dict[str, Callable[..., Any]] = {
    "account": Azure._account, "provider": Azure._providers, "storage account management-policy": Azure._policy,
    "storage account": Azure._resource, "storage": Azure._within_storage, "acr": Azure._resource,
    "identity": Azure._resource, "group": Azure._resource, "tag": Azure._tag, "container": Azure._containers,
    "resource list": Azure._in_group, "role definition": Azure._roles, "role assignment": Azure._assignments,
    "rest": Azure._rest, "ad app list": Azure._apps, "cloud": Azure._cloud,
}  # fmt: skip


def _shown(given: Mapping[str, str]) -> Json:
    """Flags, as a resource that was made with them shows them."""
    fields = {
        "--admin-enabled": "adminUserEnabled", "--allow-blob-public-access": "allowBlobPublicAccess",
        "--min-tls-version": "minimumTlsVersion", "--https-only": "enableHttpsTrafficOnly",
        "--allow-shared-key-access": "allowSharedKeyAccess",
    }  # fmt: skip
    words = {"true": True, "false": False}
    return {field: words.get(given[flag], given[flag]) for flag, field in fields.items() if flag in given}


def _json(code: str, message: str = "it says more") -> str:
    return f'Bad Request({{"error":{{"code":"{code}","message":"{message}"}}}})'
