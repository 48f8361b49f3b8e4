"""Take the label `train` off a pull request: GitHub starts ct when a label is put on, not while it is on already."""

from cd4ml.delivery.github import GitHub
from cd4ml.delivery.pull_request import named_number
from cd4ml.errors import UserError
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Remove the label from pull request PULL_REQUEST; it is no error if it is not there.

    Raises:
        UserError: PULL_REQUEST is not a number, or GitHub rejects the request.
    """
    Arguments("remove-label").parse_args(argv)
    number = named_number()
    if number is None:
        raise UserError("PULL_REQUEST is not set; export the number of a pull request, such as 7")
    GitHub.from_environment().delete(f"issues/{number}/labels/train")
    print(f"the label `train` is off pull request {number}; put it on again to train once more")
