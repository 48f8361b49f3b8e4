"""What fsspec's libraries for clouds are told besides an address."""

_AZ_SECONDS = 60  # Azure's library gives `az` ten to print a token, and on a busy machine it begins more slowly


def options_for(address: str) -> dict[str, int]:
    """Return the options of fsspec's filesystem for an address, or for its scheme."""
    return {"process_timeout": _AZ_SECONDS} if address.partition("://")[0] in ("az", "abfs", "abfss") else {}
