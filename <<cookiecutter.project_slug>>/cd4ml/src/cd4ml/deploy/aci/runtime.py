"""What a service is run with that Azure or this machine has to be asked for: keys, and where predictions go."""

from collections.abc import Mapping

from cd4ml.deploy.aci import steps
from cd4ml.deploy.aci.description import LEFT_OUT, Runtime
from cd4ml.deploy.aci.settings import Place, Size
from cd4ml.deploy.api_keys import no_keys, read_keys
from cd4ml.deploy.commands import CloudError, Effects, UnreadError


def check_api_keys(slug: str, environment: Mapping[str, str]) -> str:
    """Return the keys with which a service is made.

    Raises:
        CloudError: there are none.
    """
    if keys := read_keys(slug, environment):
        return keys
    raise no_keys()


def log_address(setting: str, environment: str) -> str:
    """Return where a service writes its predictions; empty where it writes none."""
    return {"stdout": "stdout", "bucket": f"az://predictions/{environment}"}.get(setting, "")


def read_runtime(place: Place, effects: Effects, size: Size, keys: str, log: str) -> Runtime:
    """Return what a service is run with; in a dry run without its keys, which would be printed.

    Raises:
        CloudError: the share for certificates or the service's identity cannot be read.
    """
    if effects.dry_run:
        return Runtime(size, LEFT_OUT, LEFT_OUT, log)
    identity = ""
    if log.startswith("az://"):
        try:
            identity = str(effects.read(steps.show_identity(place))["clientId"])
        except UnreadError as failure:
            what = "the identity that the service writes its predictions as cannot be read"
            raise CloudError(f"{what}{effects.so_far}: {failure}") from None
    try:
        share_key = str(effects.read(steps.list_share_keys(place))[0]["value"])
    except UnreadError as failure:
        raise CloudError(f"the share for certificates cannot be opened{effects.so_far}: {failure}") from None
    return Runtime(size, keys, share_key, log, identity)
