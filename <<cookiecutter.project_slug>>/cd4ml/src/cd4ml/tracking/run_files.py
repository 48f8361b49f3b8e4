"""Collect the files that a bundle's run contains, and compute their digest; imports only the standard library.

So `track` finds out within milliseconds whether there is anything new to publish.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from cd4ml.errors import BundleError
from cd4ml.settings import paths
from cd4ml.tracking.address import TrackingError


def bundle_digest() -> str:
    """Return the digest in models/bundle/bundle.json, without checking the bundle's other files.

    Raises:
        BundleError: there is no bundle, or the file cannot be read.
    """
    path = paths.BUNDLE / "bundle.json"
    try:
        return str(json.loads(path.read_bytes())["digest"])
    except FileNotFoundError:
        raise BundleError(f"no bundle in {paths.BUNDLE}; run `make train`, which makes one") from None
    except (ValueError, TypeError, KeyError):
        raise BundleError(f"{path} was altered or cut short; run `make train`") from None


def run_files(digest: str) -> dict[str, bytes]:
    """Return the content of the files that the run of a bundle contains, by their names in the run.

    Raises:
        TrackingError: the files in reports/ describe another bundle.
    """
    card = paths.CARD.read_text(encoding="utf-8") if paths.CARD.exists() else ""
    if digest not in card or not paths.METRICS.exists():
        raise TrackingError(f"{paths.REPORTS} does not describe {paths.BUNDLE}: `make train` evaluates it again")
    reports = [path for path in paths.REPORTS.rglob("[!.]*") if path.is_file()]
    files = {path.as_posix(): path.read_bytes() for path in sorted(reports)}
    if digest.encode() not in files.get(paths.GATE.as_posix(), b""):  # the gate's reports describe an earlier bundle
        for stale in (paths.GATE, paths.GATE_TABLE):
            files.pop(stale.as_posix(), None)
    files[paths.CARD.as_posix()] = card_for_mlflow(card).encode()
    inputs = [paths.CONTRACT, paths.PARAMS, Path("dvc.yaml"), Path("dvc.lock")]
    files |= {path.name: path.read_bytes() for path in inputs if path.exists()}
    return files | {f"environment/{paths.LOCK.name}": paths.LOCK.read_bytes()}


def card_for_mlflow(card: str) -> str:
    """Return a model card without the HTML and the pictures, which MLflow's page shows as raw text."""
    card = re.sub(r"<details><summary>(.*?)</summary>", r"**\1**", card).replace("</details>\n", "")
    return re.sub(r"(?m)^!\[(.*?)\]\((.*?)\)$", rf"\1: `{paths.REPORTS}/\2`\n", card)


def content_digest(digest: str, files: Mapping[str, bytes]) -> str:
    """Return SHA-256 of a bundle's digest and the names and content of its run's files."""
    summary = hashlib.sha256(digest.encode())
    for name, content in sorted(files.items()):
        summary.update(f"\n{name}\n{hashlib.sha256(content).hexdigest()}".encode())
    return summary.hexdigest()
