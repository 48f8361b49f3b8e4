"""The verb `archive-image`: build the image into build/image.tar, for `scan-image` and `publish-image`."""

from cd4ml.delivery.actions_io import set_outputs
from cd4ml.errors import UserError
from cd4ml.files.atomic import scratch_folder
from cd4ml.files.checksums import sha256_of
from cd4ml.files.temporary import signals_unwind
from cd4ml.image.archive_file import ARCHIVE, archive_digest
from cd4ml.image.build import build
from cd4ml.image.bundle import read_accepted_bundle
from cd4ml.image.engine import image_name, run_engine
from cd4ml.settings.project import read_project
from cd4ml.storage.skopeo import check_installed, skopeo
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align


def main(argv: list[str]) -> None:
    """Build the image, keep it as a file, and print the file's checksum and the image's digest.

    Raises:
        UserError: the bundle is missing, altered, or not accepted by the gate; or the engine or skopeo fails.
    """
    Arguments("archive-image").parse_args(argv)
    project, manifest = read_project(), read_accepted_bundle()
    check_installed()
    build(project, manifest)
    save(image_name(project))
    sha256, digest = sha256_of(ARCHIVE), archive_digest()
    size = f"{ARCHIVE}, {ARCHIVE.stat().st_size // 1_000_000} MB"
    rows = {"archive": size, "bundle": manifest.version, "sha256": sha256, "digest": digest}
    print(align([*rows.items()]))
    print("next: uv run cd4ml scan-image, then uv run cd4ml publish-image REGISTRY/NAME:TAG")
    set_outputs(sha256=sha256, digest=digest, version=manifest.version)


def save(image: str) -> None:
    """Write an image of the engine to build/image.tar, as an OCI archive.

    Its layers are compressed already, so that its digest is the one that registries will name.

    Raises:
        UserError: the engine or skopeo fails.
    """
    with signals_unwind(), scratch_folder(ARCHIVE) as folder:
        saved, made = folder / "saved.tar", folder / "image.tar"
        run_engine("save", "--output", str(saved), image)
        copied = skopeo("copy", "--quiet", f"docker-archive:{saved}", f"oci-archive:{made}")
        if not copied.ok:
            raise UserError(f"skopeo could not write {ARCHIVE}: {copied.reason}")
        made.replace(ARCHIVE)
