"""Look up tags and digests in a registry of images, by the protocol that all of them speak.

Answers: https://github.com/opencontainers/distribution-spec/blob/main/spec.md, and for the token
https://distribution.github.io/distribution/spec/auth/token/.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from scripts.pins.lookup import Answer, Lookup, NoAnswer
from scripts.pins.versions import order, parsed

_PAGES = 40  # of tags
_TRIED = 5  # newest tags whose images are looked at
_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def place(image: str) -> tuple[str, str]:
    """Return an image's registry and its name there; without a registry in its name, it is Docker Hub's."""
    host, _, name = image.partition("/")
    if not name or not ("." in host or ":" in host):
        return "registry-1.docker.io", image if name else f"library/{image}"
    return ("registry-1.docker.io" if host == "docker.io" else host), name


def newest(lookup: Lookup, image: str, current: str, held: int) -> str:
    """Return the highest tag of the shape of `current` whose image is old enough; its first `held` numbers stay.

    Raises:
        NoAnswer: the registry does not answer.
    """
    now = parsed(current)
    if not now:
        raise NoAnswer(f"{current} is not a version")
    higher = [
        tag
        for tag in tags(lookup, image)
        if (found := parsed(tag))
        and found.shape == now.shape
        and found.numbers > now.numbers
        and found.numbers[:held] == now.numbers[:held]
    ]
    for tag in sorted(higher, key=order, reverse=True)[:_TRIED]:
        if lookup.is_old_enough(created(lookup, image, tag)):
            return tag
    return current


def tags(lookup: Lookup, image: str) -> list[str]:
    """Return all tags of an image, page by page."""
    host, name = place(image)
    address = f"https://{host}/v2/{name}/tags/list?n=1000"
    found: list[str] = []
    for _ in range(_PAGES):
        answer = _get(lookup, address)
        found += answer.json()["tags"] or []
        following = re.match(r'<([^>]+)>;\s*rel="?next', answer.headers.get("link", ""))
        if not following:
            return found
        address = urljoin(address, following[1])
    raise NoAnswer(f"{image} has more tags than we read")


def digest(lookup: Lookup, image: str, tag: str) -> str:
    """Return the digest of a tag: of all processors' images together, where there are several."""
    found = _manifest(lookup, image, tag).headers.get("docker-content-digest", "")
    if not re.fullmatch("sha256:[0-9a-f]{64}", found):
        raise NoAnswer(f"{image}:{tag} has no digest")
    return found


def created(lookup: Lookup, image: str, tag: str) -> str:
    """Return when a tag's image was made, in ISO 8601; an image without a time counts as old."""
    manifest: dict[str, Any] = _manifest(lookup, image, tag).json()
    if "manifests" in manifest:
        manifest = _manifest(lookup, image, manifest["manifests"][0]["digest"]).json()
    host, name = place(image)
    config = _get(lookup, f"https://{host}/v2/{name}/blobs/{manifest['config']['digest']}").json()
    return str(config.get("created") or "1970-01-01T00:00:00Z")


def _manifest(lookup: Lookup, image: str, reference: str) -> Answer:
    host, name = place(image)
    return _get(lookup, f"https://{host}/v2/{name}/manifests/{reference}")


def _get(lookup: Lookup, address: str) -> Answer:
    """Ask, and ask again with the token that the registry gives to anybody, if it wants one."""
    headers = {"Accept": f"{_MANIFESTS}, application/json"}
    first = lookup.ask(address, headers)
    if first.status != 401:
        return lookup.get(address, headers)
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', first.headers.get("www-authenticate", "")))
    if not wanted.get("realm", "").startswith("https://"):
        raise NoAnswer(f"{address} wants a password")
    query = "&".join(f"{key}={wanted[key]}" for key in ("service", "scope") if key in wanted)
    given = lookup.get(f"{wanted['realm']}?{query}").json()
    token = given.get("token") or given.get("access_token") or ""
    return lookup.get(address, headers | {"Authorization": f"Bearer {token}"})
