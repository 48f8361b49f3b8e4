"""Which files a bundle's run holds, and whether any is new: known without a library, so that it is known at once."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from cd4ml.errors import BundleError
from cd4ml.settings import paths
from cd4ml.tracking.address import TrackingError


def bundle_digest() -> str:
    """Return the digest that models/bundle says it has, without a look at the rest of it.

    Raises:
        BundleError: there is none, or it cannot be read.
    """
    path = paths.BUNDLE / "bundle.json"
    try:
        return str(json.loads(path.read_bytes())["digest"])
    except FileNotFoundError:
        raise BundleError(f"no bundle in {paths.BUNDLE}; run `make train`, which makes one") from None
    except (ValueError, TypeError, KeyError):
        raise BundleError(f"{path} was altered or cut short; run `make train`") from None


def run_files(digest: str) -> dict[str, bytes]:
    """Return what is in the files that a bundle's run holds, by the name that they have there.

    Raises:
        TrackingError: reports/ is not about this bundle.
    """
    card = paths.CARD.read_text(encoding="utf-8") if paths.CARD.exists() else ""
    if digest not in card or not paths.METRICS.exists():
        raise TrackingError(f"{paths.REPORTS} is not about {paths.BUNDLE}: `make train` judges the bundle anew")
    reports = [path for path in paths.REPORTS.rglob("[!.]*") if path.is_file()]
    files = {path.as_posix(): path.read_bytes() for path in sorted(reports)}
    if digest.encode() not in files.get(paths.GATE.as_posix(), b""):  # it is about the bundle before
        for stale in (paths.GATE, paths.GATE_TABLE):
            files.pop(stale.as_posix(), None)
    files[paths.CARD.as_posix()] = for_the_page(card).encode()
    beside = [paths.CONTRACT, paths.PARAMS, Path("dvc.yaml"), Path("dvc.lock")]
    files |= {path.name: path.read_bytes() for path in beside if path.exists()}
    return files | {f"environment/{paths.LOCK.name}": paths.LOCK.read_bytes()}


def for_the_page(card: str) -> str:
    """Return a model card without what MLflow's page shows as raw text: HTML, and pictures, which lie beside it."""
    card = re.sub(r"<details><summary>(.*?)</summary>", r"**\1**", card).replace("</details>\n", "")
    return re.sub(r"(?m)^!\[(.*?)\]\((.*?)\)$", rf"\1: `{paths.REPORTS}/\2`\n", card)


def content_digest(digest: str, files: Mapping[str, bytes]) -> str:
    """Return SHA-256 of a bundle's digest and of its run's files, names and bytes."""
    summary = hashlib.sha256(digest.encode())
    for name, content in sorted(files.items()):
        summary.update(f"\n{name}\n{hashlib.sha256(content).hexdigest()}".encode())
    return summary.hexdigest()
