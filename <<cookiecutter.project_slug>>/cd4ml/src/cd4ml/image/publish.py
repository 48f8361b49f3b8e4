"""The verb `publish-image`: copy exactly build/image.tar to registries."""

import re

from cd4ml.delivery.actions_io import set_outputs
from cd4ml.errors import UserError
from cd4ml.image.archive_file import ARCHIVE, archive_digest, archive_sha256
from cd4ml.storage.skopeo import PUSHED_BY_HAND, Ended, check_installed, digest_of, is_encrypted, skopeo
from cd4ml.terminal.arguments import Arguments

_NAME = re.compile(r"(localhost|[a-z0-9-]+\.[a-z0-9.-]+)(:[0-9]+)?(/[a-z0-9._-]+)+:[A-Za-z0-9_][A-Za-z0-9_.-]*")


def main(argv: list[str]) -> None:
    """Copy the archive to each name, check that each registry names it by its digest, and print that.

    Raises:
        UserError: a name is none, the archive is missing or another than the one that was built, or a registry does not
            take it.
    """
    arguments = Arguments("publish-image")
    arguments.add_argument("names", nargs="*", metavar="REGISTRY/NAME:TAG")
    names = [checked_name(name) for name in arguments.parse_args(argv).names]
    if not names:
        raise UserError("say where to: cd4ml publish-image REGISTRY/NAME:TAG")
    check_installed()
    archive_sha256()
    digest = archive_digest()
    for name in names:
        publish(name, digest)
        print(f"published {name}", flush=True)
    print(f"digest    {digest}")
    published = [f"{name.rpartition(':')[0]}@{digest}" for name in names]
    set_outputs(digest=digest, name=names[0].rpartition(":")[0], image=published[0], images=" ".join(published))


def checked_name(name: str) -> str:
    """Return an image's name in small letters but for its tag: a registry allows no capitals, GitHub does.

    Raises:
        UserError: it is not whole, and so might be pushed where nobody meant.
    """
    repository, _, tag = name.rpartition(":")
    lowered = f"{repository.lower()}:{tag}"
    if not (name.isascii() and _NAME.fullmatch(lowered)):
        raise UserError(
            f'"{name}" is no image\'s name; write REGISTRY/NAME:TAG, small letters but for the tag: ghcr.io/me/model:1'
        )
    return lowered


def publish(name: str, digest: str) -> None:
    """Copy the archive to one name in a registry, and check that the registry names it by its digest.

    Raises:
        UserError: the registry does not take it, or names it otherwise.
    """
    registry, tls = name.partition("/")[0], "true" if is_encrypted(name) else "false"
    options = ["--quiet", "--preserve-digests", "--retry-times", "3", f"--dest-tls-verify={tls}"]
    copied = skopeo("copy", *options, f"oci-archive:{ARCHIVE}", f"docker://{name}")
    if not copied.ok:
        raise UserError(refusal(name, copied))
    try:
        named = digest_of(f"docker://{name}", f"--tls-verify={tls}")
    except UserError as unread:
        raise UserError(f"{registry} took {name}, and does not say by which digest: {unread}") from None
    if named != digest:
        raise UserError(f"{registry} took {name}, and names it {named} now, not {digest}")


def refusal(name: str, copied: Ended) -> str:
    """Return why a registry did not take an image, and what to do; skopeo has tried again by itself."""
    registry = name.partition("/")[0]
    if "toomanyrequests" in copied.said:
        return f"{registry} limits requests: run it again in a few minutes ({copied.reason})"
    logged_in = f"are you logged in there (docker login {registry}), and may you write?"
    advice = PUSHED_BY_HAND if copied.belongs_to_another_repository else logged_in
    return f"{registry} did not take {name}: {copied.reason}; {advice}"
