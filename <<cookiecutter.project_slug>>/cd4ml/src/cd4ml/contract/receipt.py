"""What data/validated.json records: which rows were found to keep which contract."""

import hashlib

from cd4ml.contract.contract import Contract
from cd4ml.settings import paths


def receipt_digests(contract: Contract) -> dict[str, str]:
    """Return the SHA-256 digests of data/raw.parquet and of the contract, by their keys in data/validated.json."""
    return {
        "raw": hashlib.sha256(paths.RAW.read_bytes()).hexdigest(),
        "contract": hashlib.sha256(contract.to_json().encode()).hexdigest(),
    }
