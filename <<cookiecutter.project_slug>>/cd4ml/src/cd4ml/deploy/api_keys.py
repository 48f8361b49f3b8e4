"""The keys that clients send, where a platform tells them to nobody: those given, else those that bootstrap kept."""

from collections.abc import Mapping
from pathlib import Path

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.platform import Asking


def keys_folder(slug: str, environment: Mapping[str, str]) -> Path:
    """Return the folder of a project's keys, which its owner alone can read."""
    config = environment.get("XDG_CONFIG_HOME") or f"{environment.get('HOME') or '.'}/.config"
    return Path(config, f"{slug}-keys")


def key_file(slug: str, environment: Mapping[str, str]) -> Path:
    """Return the file in which bootstrap keeps the API keys."""
    return keys_folder(slug, environment) / "service/SERVICE_API_KEYS"


def read_keys(slug: str, environment: Mapping[str, str]) -> str:
    """Return the API keys, from the environment or from that file; empty where there are none."""
    if given := environment.get("SERVICE_API_KEYS"):
        return given
    try:
        return key_file(slug, environment).read_text(encoding="utf-8").replace("\n", "").strip()
    except FileNotFoundError:
        return ""


def no_keys() -> CloudError:
    """Return why no service is made without keys."""
    return CloudError(
        "SERVICE_API_KEYS is not set, and a service without keys would be open to anybody: "
        f"{SCRIPT} bootstrap, or export it"
    )


def asking_with_keys(slug: str, environment: Mapping[str, str]) -> Asking:
    """Return how a service is asked that wants a key and nothing else.

    Raises:
        CloudError: there are none.
    """
    if keys := read_keys(slug, environment):
        return Asking(environment={"SERVICE_API_KEYS": keys})
    raise CloudError(f"SERVICE_API_KEYS is not set: export it, or {SCRIPT} bootstrap")
