"""A container group as a value: the service, and before it Caddy, which speaks HTTPS.

Caddy keeps its certificates on a file share, so that they outlive the group. `az container create --file` reads the
description, which is JSON and so YAML, from its standard input: it holds keys, which are in no argument and no file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cd4ml.deploy import caddy
from cd4ml.deploy.aci.settings import Place, Size

LEFT_OUT = "left-out"
_PORT = 8000  # of the service, which is not among those of the group
_OPEN = [{"protocol": "TCP", "port": port} for port in (443, 80)]


@dataclass(frozen=True)
class Runtime:
    """What a service is run with."""

    size: Size
    keys: str = field(repr=False)
    """The keys that clients send."""
    share_key: str = field(repr=False)
    """The key of the share for certificates."""
    log: str = ""
    """Where predictions are written; empty where they are not."""
    log_identity: str = ""
    """As whom, where that is a storage account."""


def write(description: Mapping[str, Any]) -> str:
    """Return a description as az reads it.

    As JSON, whose texts are all quoted: az would replace ${NAME} in one that is not.
    """
    return json.dumps(description, ensure_ascii=False)


def show(description: Mapping[str, Any]) -> str:
    """Return a description for people: as YAML, with one line for each setting."""
    return "\n".join(_lines(description))


def _lines(value: Any, key: str = "") -> list[str]:
    if isinstance(value, list):
        return [f"{'  ' if n else '- '}{line}" for inner in value for n, line in enumerate(_lines(inner))]
    if not isinstance(value, Mapping):
        return [_scalar(value, key)]
    if _is_short(value):
        return [f"{{{', '.join(f'{name}: {_scalar(inner, name)}' for name, inner in value.items())}}}"]
    lines = []
    for name, inner in value.items():
        first, *others = _lines(inner, name)
        block = [f"{name}:", f"  {first}", *(f"  {line}" for line in others)]
        lines += [f"{name}: {first}"] if _is_short(inner) else block
    return lines


def _is_short(value: Any) -> bool:
    """Whether it is one line."""
    if isinstance(value, Mapping):
        return not any(isinstance(inner, Mapping | list) for inner in value.values())
    return not isinstance(value, list)


def _scalar(value: Any, key: str) -> str:
    is_plain = key == "name" or not isinstance(value, str)
    return str(value) if is_plain else f"'{value.replace(chr(39), chr(39) * 2)}'"


def describe(place: Place, group: str, image: str, tags: Mapping[str, str], runtime: Runtime) -> dict[str, Any]:
    """Return a group with all its settings: Azure resets those that are left out."""
    return {
        "name": group,
        "apiVersion": "2023-05-01",
        "location": place.location,
        "tags": {"made-by": "cd4ml", **tags},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {place.runtime_id: {}}},
        "properties": {
            "osType": "Linux",
            "sku": "Standard",
            "restartPolicy": "Always",
            "imageRegistryCredentials": [{"server": place.registry_host, "identity": place.runtime_id}],
            "ipAddress": {"type": "Public", "dnsNameLabel": place.label(group), "ports": _OPEN},
            "containers": [_service(place, image, runtime), _front(place, place.host(group))],
            "volumes": [{"name": "certificates", "azureFile": _share(place, runtime)}],
        },
    }


def _service(place: Place, image: str, runtime: Runtime) -> dict[str, Any]:
    """The project's own container."""
    return {
        "name": "service",
        "properties": {
            "image": image,
            "environmentVariables": [
                {"name": "PORT", "value": str(_PORT)},
                {"name": "SERVICE_API_KEYS", "secureValue": runtime.keys},
                *({"name": name, "value": value} for name, value in _log(place, runtime).items()),
            ],
            "resources": _requests(runtime.size),
            "livenessProbe": {
                **_probe("/health/live"), "initialDelaySeconds": 20, "periodSeconds": 10, "failureThreshold": 6,
            },
            "readinessProbe": {**_probe("/health/ready"), "periodSeconds": 5, "failureThreshold": 3},
        },
    }  # fmt: skip


def _front(place: Place, host: str) -> dict[str, Any]:
    """Caddy, which gets a certificate for the group's name."""
    return {
        "name": "https",
        "properties": {
            "image": f"{place.registry_host}/caddy@{caddy.DIGEST}",
            "command": ["caddy", "reverse-proxy", "--from", host, "--to", f"127.0.0.1:{_PORT}"],
            "ports": _OPEN,
            "resources": _requests(Size(0.2, 0.3)),
            "volumeMounts": [{"name": "certificates", "mountPath": "/data"}],
        },
    }


def _share(place: Place, runtime: Runtime) -> dict[str, str]:
    account = place.storage("cert")
    return {"shareName": "certificates", "storageAccountName": account, "storageAccountKey": runtime.share_key}


def _log(place: Place, runtime: Runtime) -> dict[str, str]:
    """Where the service writes its predictions, and as whom."""
    if not runtime.log:
        return {}
    named = {"AZURE_STORAGE_ACCOUNT_NAME": place.storage("data"), "AZURE_CLIENT_ID": runtime.log_identity}
    return {"PREDICTION_LOG": runtime.log, **(named if runtime.log.startswith("az://") else {})}


def _requests(size: Size) -> dict[str, Any]:
    return {"requests": {"cpu": size.cpu, "memoryInGB": size.memory}}


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": _PORT, "scheme": "http"}, "timeoutSeconds": 5}
