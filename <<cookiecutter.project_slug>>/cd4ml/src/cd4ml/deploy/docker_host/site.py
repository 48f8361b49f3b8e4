"""A service's files in Caddy's volume: what the service does, the configuration made of it, and who answers.

The first file begins with the state of a release, and its intent, as JSON in a comment. The configuration names three
small files, which Caddy reads at each request: what serves, the candidate, and which requests go to it. So traffic is
moved by writing files. A reload would lose requests: Caddy closes connections that it has accepted and not read from.
It is needed only where the configuration itself changes: at a service's first release, and for another address.
"""

import io
import json
import shlex
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from cd4ml.deploy.commands import CloudError

SITES = "/sites"
"""Where Caddy's container has them, and works: the address of an upstream cannot have a path in it."""
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
_DIGITS = "0123456789abcdef"
_NO_REQUEST = "none"
"""Matches no id of a request, as these are hexadecimal."""


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


def write_site(name: str, site: Site | None) -> dict[str, str]:
    """Return a service's files, by name; without a site, one that says that there is none."""
    if site is None:
        return {f"{name}{ENDING}": f"{_COMMENT}null\n"}
    lines = [_COMMENT + json.dumps(asdict(site)), f"{site.address} {{"]
    if site.certificate == "internal":
        lines.append("\ttls internal")
    lines += [f"\thandle_path {BESIDE}/* {{", f"\t\treverse_proxy {{file.{name}.candidate}}:{_PORT}", "\t}"]
    if site.shares:
        share = "{http.vars.share}"  # and not the file itself: what is missing while it is replaced is empty here
        lines += [
            f"\tvars share {{file.{name}.share}}",
            f'\t@candidate `{share} != "" && {{http.request.uuid}}.matches({share})`',
            *_passed_on("handle @candidate", f"{{file.{name}.candidate}}:{_PORT}"),
            *_passed_on("handle", f"{{file.{name}.serves}}:{_PORT}"),
        ]
    else:
        lines += ["\thandle {", '\t\trespond "nothing is released here yet" 503', "\t}"]
    return {f"{name}{ENDING}": "\n".join([*lines, "}", ""])} | _who_answers(name, site)


def _passed_on(handle: str, upstream: str) -> list[str]:
    proxy = [f"\t\treverse_proxy {upstream} {{", f"\t\t\tlb_try_duration {_PATIENCE}", "\t\t}"]
    return [f"\t{handle} {{", *proxy, "\t}"]


def _who_answers(name: str, site: Site) -> dict[str, str]:
    """Return the files that Caddy reads at each request. At rest the candidate is what serves."""
    serves = next((revision for revision in site.shares if revision != site.beside), site.beside)
    candidate = site.beside or serves
    percent = site.shares.get(candidate, 0) if candidate != serves else 0
    return {
        f"{name}.serves": serves,
        f"{name}.candidate": candidate,
        f"{name}.share": share_of_requests(percent),
    }


def share_of_requests(percent: int) -> str:
    """Return a regular expression that matches the random ids of this many percent of requests, to 1/256.

    The first two hexadecimal digits of a UUID of version 4 are random (RFC 9562, section 5.4).
    """
    whole, rest = divmod(round(256 * percent / 100), 16)
    alternatives = [f"[{_DIGITS[:whole]}]."] if whole else []
    alternatives += [f"{_DIGITS[whole]}[{_DIGITS[:rest]}]"] if rest else []
    return f"^({'|'.join(alternatives)})" if alternatives else _NO_REQUEST


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


def pack(files: Mapping[str, str]) -> str:
    """Return an archive of files, as `docker cp` reads it. All of it is ASCII."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in files.items():
            data = text.encode("ascii")
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue().decode("ascii")


def packs(files: Mapping[str, str]) -> str:
    """Return the shell's command that prints such an archive: a dry run shows with it what the files say."""
    written = [f"printf %s {shlex.quote(text)} > {shlex.quote(name)}" for name, text in files.items()]
    archive = f"tar -cf - {shlex.join(files)}"
    return f'(umask 022; cd "$(mktemp -d)"; {"; ".join([*written, archive])})'


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
