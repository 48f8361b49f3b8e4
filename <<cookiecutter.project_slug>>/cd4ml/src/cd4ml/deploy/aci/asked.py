"""What az's errors mean to a set-up, told by their codes, and how Azure is asked with patience.

az prints Resource Manager's codes in parentheses; `az rest` prints an answer as it came, in JSON. Of Graph's errors
`az ad` prints the message alone: here it only lists, and a list of nothing is no error.
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
CODES = Codes(
    absent=rf"(\(|{_IN_JSON})((?!Subscription)\w*NotFound|RoleDefinitionDoesNotExist)\b",
    exists=rf"\(RoleAssignmentExists\)|{_IN_JSON}(ObjectConflict|Request_MultipleObjectsWithSameKeyValue)\b",
    passes=rf"(\(|{_IN_JSON})({'|'.join(_PASSING)})\b|toomanyrequests",  # the last is Docker Hub's, in acr import
    unknown=rf"{_IN_JSON}Request_ResourceNotFound\b",
)
BAD_REQUEST = rf"{_IN_JSON}Request_BadRequest\b"
"""What Graph answers of a name that is taken, among others."""
NEW_IN_GRAPH = rf"{_IN_JSON}(Request_BadRequest|Request_ResourceNotFound|Authorization_RequestDenied)\b"
"""What Graph answers while it copies what it has just made to its other servers."""


def find(patience: Patience, command: Command, passes: str = "") -> Any:
    """Return the JSON that a command prints; None where there is no such thing.

    Raises:
        CloudError: it cannot be read.
    """
    return patience.look(command, "Azure", f"cannot be asked{patience.effects.so_far}", passes)
