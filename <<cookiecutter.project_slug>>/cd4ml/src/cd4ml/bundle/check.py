"""The verb `check-bundle`: only a bundle that is whole and that the gate accepted goes into an image."""

import json
from contextlib import chdir
from pathlib import Path

from cd4ml.bundle.manifest import Manifest, load_manifest
from cd4ml.errors import BundleError
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments


class NotAcceptedError(BundleError):
    """The gate rejected the bundle, or did not judge it."""


def main(argv: list[str]) -> None:
    """Check models/bundle and the verdict in reports/gate.json.

    Raises:
        BundleError: the bundle is missing, incomplete or altered, or the gate did not accept it.
    """
    arguments = Arguments("check-bundle")
    arguments.add_argument("folder", nargs="?", type=Path, default=Path(), help="what holds models/ and reports/")
    with chdir(arguments.parse_args(argv).folder):
        manifest = load_manifest(paths.BUNDLE)
        check_accepted(manifest, paths.GATE)
    print(f"{manifest.version} is whole, and the gate accepted it")


def check_accepted(manifest: Manifest, verdict: Path) -> None:
    """Check that a verdict of the gate is about this bundle, and accepts it.

    Raises:
        NotAcceptedError: there is no such verdict, or it is a rejection.
    """
    try:
        content = json.loads(verdict.read_bytes())
        judged, passed = content["digest"], content["passed"]
    except FileNotFoundError:
        raise NotAcceptedError(f"the gate has not judged {manifest.version} yet: run make gate") from None
    except (ValueError, TypeError, KeyError):
        raise NotAcceptedError(f"{verdict} holds no verdict: run make gate") from None
    if judged != manifest.digest:
        raise NotAcceptedError(f"{verdict} is about another bundle than {manifest.version}: run make gate")
    if passed is not True:
        raise NotAcceptedError(
            f"the gate rejected {manifest.version}, {verdict.with_suffix('.md')} says why: improve it (make train), "
            "or accept the rule in params.yaml; then run make gate"
        )
