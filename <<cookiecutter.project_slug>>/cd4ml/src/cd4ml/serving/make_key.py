"""The verb `make-key`: print a new API key for callers, and its hash for the service."""

from cd4ml.serving.key_digests import new_key, written
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align


def main(argv: list[str]) -> None:
    """Print a random key, and its hash; nothing keeps either."""
    Arguments("make-key").parse_args(argv)
    key = new_key()
    print(align([("key", key, "what callers send: SERVICE_API_KEY"), ("hash", written(key), "in SERVICE_API_KEYS")]))
