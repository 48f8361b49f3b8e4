"""From what a host has to the next docker command; nothing is run here."""

from collections.abc import Mapping
from dataclasses import replace

from cd4ml.deploy.commands import READ_SECONDS, Command
from cd4ml.deploy.docker_host.settings import Host, Runtime
from cd4ml.deploy.docker_host.site import MAIN, MAIN_TEXT, SITES, Site, pack, packs, write_site

_PORTS = ("80", "443", "443/udp")
_SCRATCH = ("--read-only", "--tmpfs", "/tmp")  # noqa: S108 - the container's own
_FIELDS = {"name": ".Names", "image": '(.Label "cd4ml.image")', "state": ".State", "created": ".CreatedAt"}
_AS_JSON = "{" + ",".join(f'"{name}":{{{{json {value}}}}}' for name, value in _FIELDS.items()) + "}"


def containers(host: Host, service: str) -> Command:
    """List a service's containers, newest first: a line of JSON for each."""
    own = (f"label=cd4ml.caddy={host.caddy}", f"label=cd4ml.service={service}")
    return _read(host, "container", "ls", "--all", "--no-trunc", *_filters(*own), "--format", _AS_JSON)


def variables(host: Host, revision: str) -> Command:
    """Read a container's environment variables, its image's own among them: a list of NAME=value, as JSON."""
    return _read(host, "container", "inspect", "--format", "{{json .Config.Env}}", revision)


def there(host: Host, kind: str, name: str) -> Command:
    """List what has exactly this name, of a kind such as `volume`: its labels and state, a line of JSON or none."""
    everything = ("--all",) if kind == "container" else ()
    pattern = f"name=^/?{name}$" if kind == "container" else f"name=^{name}$"
    return _read(host, kind, "ls", *everything, *_filters(pattern), "--format", "{{json .}}")


def sites(host: Host) -> Command:
    """Read the files of all services, as an archive."""
    return _read(host, "cp", f"{host.caddy}:{SITES}", "-")


def make(host: Host, kind: str, name: str) -> Command:
    """Make a network or a volume."""
    return _change(host, kind, "create", "--label", "made-by=cd4ml", name)


def make_caddy(host: Host, image: str, bind: str) -> Command:
    """Make Caddy's container, which is the only one with ports: 80 and 443, on one address of the host or on all."""
    at = f"{bind}:" if bind else ""
    ports = [part for port in _PORTS for part in ("--publish", f"{at}{port.partition('/')[0]}:{port}")]
    labels = ("--label", "made-by=cd4ml", "--label", f"cd4ml.image={image}")
    volumes = ("--volume", f"{host.sites}:{SITES}", "--volume", f"{host.data}:/data")
    return _change(
        host, "create", "--name", host.caddy, *labels, "--network", host.network, *ports, *volumes,
        "--workdir", SITES, "--restart", "unless-stopped", *_SCRATCH, "--tmpfs", "/config", "--log-driver", "local",
        "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE", "--security-opt", "no-new-privileges",
        image, "caddy", "run", "--config", f"{SITES}/{MAIN}", "--adapter", "caddyfile",
    )  # fmt: skip


def drop(host: Host, kind: str, name: str) -> Command:
    """Remove a container, a network or a volume."""
    return _change(host, kind, "rm", *(("--force",) if kind == "container" else ()), name)


def put(host: Host, service: str, site: Site | None) -> Command:
    """Replace a service's files; without a site, by one that says that there is none."""
    return replace(_put(host, write_site(service, site)), tries=3)


def put_main(host: Host) -> Command:
    """Write the file that names the others."""
    return _put(host, {MAIN: MAIN_TEXT})


def _put(host: Host, files: Mapping[str, str]) -> Command:
    return replace(_change(host, "cp", "-", f"{host.caddy}:{SITES}"), stdin=pack(files), reads=packs(files))


def load(host: Host) -> Command:
    """Let Caddy read its configuration again; where that has not changed, it does nothing."""
    return _change(
        host, "exec", host.caddy, "caddy", "reload", "--config", f"{SITES}/{MAIN}", "--adapter", "caddyfile", tries=3
    )


def pull(host: Host, image: str) -> Command:
    """Let the host have an image, with the credentials of this side."""
    return Command((*host.docker, "pull", "--quiet", image), tries=3)


def run(host: Host, service: str, revision: str, image: str, runtime: Runtime) -> Command:
    """Start a revision, with next to no rights; it has no port, and only Caddy finds it."""
    named = {"made-by": "cd4ml", "cd4ml.caddy": host.caddy, "cd4ml.service": service, "cd4ml.image": image}
    labels = [part for name, value in named.items() for part in ("--label", f"{name}={value}")]
    given = [part for name, value in runtime.variables.items() if value for part in ("--env", f"{name}={value}")]
    command = _change(
        host, "run", "--detach", "--name", revision, *labels, "--network", host.network, "--restart", "unless-stopped",
        *_SCRATCH, "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--pids-limit", "256", "--cpus", runtime.cpus, "--memory", runtime.memory, "--log-driver", "local",
        *given, image,
    )  # fmt: skip
    return replace(command, secrets=frozenset({runtime.keys}), variable="SERVICE_API_KEY_DIGESTS")


def start(host: Host, revision: str) -> Command:
    """Start a container that was kept."""
    return _change(host, "start", revision, tries=3)


def stop(host: Host, *revisions: str) -> Command:
    """Stop containers, each when it has answered what it was asked."""
    return _change(host, "stop", "-t", "30", *revisions, tries=3)


def remove(host: Host, *revisions: str) -> Command:
    """Remove containers, running or not."""
    return _change(host, "rm", "--force", "--volumes", *revisions)


def logs(host: Host, revision: str) -> Command:
    """Print what a container said last."""
    return Command((*host.docker, "logs", "--tail", "5", revision), seconds=READ_SECONDS)


def _filters(*conditions: str) -> list[str]:
    return [part for condition in conditions for part in ("--filter", condition)]


def _read(host: Host, *words: str) -> Command:
    return Command((*host.docker, *words), tries=2, seconds=READ_SECONDS)


def _change(host: Host, *words: str, tries: int = 1) -> Command:
    return Command((*host.docker, *words), tries=tries, seconds=300)
