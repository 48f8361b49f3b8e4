"""The bundle that goes into the image, and what it needs there."""

from cd4ml.bundle.check import check_accepted
from cd4ml.bundle.manifest import Manifest, load_manifest
from cd4ml.errors import BundleError
from cd4ml.settings import paths
from cd4ml.settings.project import Project


def read_bundle() -> Manifest:
    """Return the manifest of models/bundle.

    Raises:
        BundleError: it is missing, incomplete or altered.
    """
    if not (paths.BUNDLE / "bundle.json").is_file():
        raise BundleError(f"no bundle in {paths.BUNDLE}; run make train")
    return load_manifest(paths.BUNDLE)


def read_accepted_bundle() -> Manifest:
    """Return the manifest of models/bundle, which the gate accepted.

    Raises:
        BundleError: it is missing, incomplete or altered, or the gate did not accept it.
    """
    manifest = read_bundle()
    check_accepted(manifest, paths.GATE)
    return manifest


def extras(manifest: Manifest, project: Project) -> list[str]:
    """Return uv's options for the extras that the bundle's runtime and the prediction log need."""
    names = [*(["sklearn"] if manifest.runtime == "sklearn" else []), *filter(None, [project.log_extra])]
    return [word for name in names for word in ("--extra", name)]
