"""What az's errors mean to a set-up, told by their codes, and how Azure is asked with patience.

az prints Resource Manager's codes in parentheses; `az rest` prints an answer as it came, in JSON; of Graph's errors
`az ad` prints the message alone.
"""

from typing import Any

from cd4ml.deploy.commands import Command
from cd4ml.deploy.set_up.patience import Codes, Patience

_IN_JSON = r'"code": ?"'
# Resource Manager knows an identity or a role that was just made, or a provider that was registered, some time later.
_PASSING = (
    *("PrincipalNotFound", "RoleDefinitionDoesNotExist", "MissingSubscriptionRegistration"),
    *("AnotherOperationInProgress", "TooManyRequests", "ServiceUnavailable"),
)
_NOT_IN_GRAPH = r"Resource '\S+' does not exist or one of its queried reference-property objects are not present"
CODES = Codes(
    absent=rf"(\(|{_IN_JSON})((?!Subscription)\w*NotFound|RoleDefinitionDoesNotExist)\b|{_NOT_IN_GRAPH}",
    exists="|".join(
        (
            r"\(RoleAssignmentExists\)",
            rf"{_IN_JSON}(ObjectConflict|Request_MultipleObjectsWithSameKeyValue)\b",
            # these have the code of any bad request, or az leaves theirs out
            "same value for property uniqueName already exists",
            r"FederatedIdentityCredential with name \S+ already exists",
        )
    ),
    passes=rf"(\(|{_IN_JSON})({'|'.join(_PASSING)})\b|toomanyrequests",  # the last is Docker Hub's, in acr import
    unknown=_NOT_IN_GRAPH,
)
NEW_IN_GRAPH = rf"{_IN_JSON}(Request_BadRequest|Request_ResourceNotFound|Authorization_RequestDenied)\b"
"""What Graph answers while it copies what it has just made to its other servers."""


def find(patience: Patience, command: Command, passes: str = "") -> Any:
    """Return the JSON that a command prints; None where there is no such thing.

    Raises:
        CloudError: it cannot be read.
    """
    return patience.look(command, "Azure", f"cannot be asked{patience.effects.so_far}", passes)
