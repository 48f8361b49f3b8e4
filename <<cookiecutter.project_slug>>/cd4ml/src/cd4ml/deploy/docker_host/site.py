"""A service's file in Caddy's volume: what the service does, as JSON in a comment, and the configuration made of it.

The file is the state of a release, and its intent. It is replaced as a whole before Caddy is told to read it again, so
that whatever a killed run leaves is either the state before or the one after, and reading it again is harmless.
"""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import gcd

from cd4ml.deploy.commands import CloudError

MAIN, ENDING = "Caddyfile", ".site"
MAIN_TEXT = f"import *{ENDING}\n"
BESIDE = "/.candidate"
"""The path below which the candidate alone answers."""
KEPT = 3
"""How many containers that served before are kept."""
_COMMENT = "# cd4ml "
_PORT = 8000
_PATIENCE = "5s"
"""For how long a request waits whose container takes no connection, as while Docker starts it again."""


@dataclass(frozen=True)
class Site:
    """What a service answers for and with."""

    address: str
    certificate: str = "public"
    shares: Mapping[str, int] = field(default_factory=dict)
    """The revisions that take traffic, with their percentages."""
    candidate: str = ""
    """The revision that is to serve."""
    previous: str = ""
    """What this comes back to, if it does not go on: empty where no release is under way, or where nothing served."""
    beside: str = ""
    """The revision that answers at `BESIDE`."""
    kept: tuple[str, ...] = ()
    """The revisions that served before, newest first; their containers are stopped, and kept."""


def write_site(site: Site | None) -> str:
    """Return a service's file; without a site, one that says that there is none."""
    if site is None:
        return f"{_COMMENT}null\n"
    lines = [_COMMENT + json.dumps(asdict(site)), f"{site.address} {{"]
    if site.certificate == "internal":
        lines.append("\ttls internal")
    if site.beside:
        lines += [f"\thandle_path {BESIDE}/* {{", f"\t\treverse_proxy {site.beside}:{_PORT}", "\t}"]
    if site.shares:
        lines += [
            "\thandle {",
            f"\t\treverse_proxy {' '.join(_upstreams(site.shares))} {{", "\t\t\tlb_policy random",
            f"\t\t\tlb_try_duration {_PATIENCE}", "\t\t}", "\t}",
        ]  # fmt: skip
    else:
        lines += ["\thandle {", '\t\trespond "nothing is released here yet" 503', "\t}"]
    return "\n".join([*lines, "}", ""])


def read_site(name: str, text: str) -> Site | None:
    """Return what a service's file says; None if there is no such service any more.

    Raises:
        CloudError: it is not one that this library wrote.
    """
    first = text.partition("\n")[0]
    try:
        told = json.loads(first.removeprefix(_COMMENT))
        return None if told is None else Site(**{**told, "kept": tuple(told["kept"])})
    except (ValueError, TypeError, KeyError):
        raise CloudError(f"{name}{ENDING} in Caddy's volume was changed by hand: its first line is not ours") from None


def pack(name: str, text: str) -> str:
    """Return an archive with one file, as `docker cp` reads it. All of it is ASCII."""
    data, packed = text.encode("ascii"), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), 0o644
        archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue().decode("ascii")


def unpack(archive: str) -> dict[str, str]:
    """Return the files of an archive that `docker cp` printed, by their names."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive.encode()), mode="r:") as opened:
        for entry in opened:
            content = opened.extractfile(entry)
            if content is not None:
                files[entry.name.rpartition("/")[2]] = content.read().decode()
    return files


def at_rest(site: Site, revision: str) -> Site:
    """Return the site when this revision serves alone and no release is under way; what served before is kept."""
    served = [one for one, percent in site.shares.items() if percent == 100 and one != site.candidate]
    former = dict.fromkeys([site.previous, *served, *site.kept])
    kept = tuple(one for one in former if one not in ("", revision))[:KEPT]
    return Site(site.address, site.certificate, {revision: 100}, kept=kept)


def _upstreams(shares: Mapping[str, int]) -> list[str]:
    """Return the revisions, each as often as its share says: every version of Caddy chooses evenly among them."""
    step = gcd(*shares.values())
    return [f"{revision}:{_PORT}" for revision, percent in shares.items() for _ in range(percent // step)]
