"""The verb `stack`: start or stop the service, MLflow, Prometheus, Alertmanager and Grafana on this machine."""

import secrets
import subprocess  # the container engine, and nothing else
import sys
from pathlib import Path

from cd4ml.delivery.programs import find_engine
from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.serving.key_digests import new_key, written
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align

COMPOSE = Path("compose.yaml")
ROUTES = Path("cd4ml/ops/alertmanager/alertmanager.yml")
PRIVATE = Path("stack.local")
"""What is made once, and git ignores: the passwords, the key for Prometheus, Alertmanager's receivers."""
SETTINGS, METRICS_KEY, RECEIVERS = PRIVATE / "settings", PRIVATE / "metrics-key", PRIVATE / "alertmanager.yml"
_PAGES = [
    ("service", "http://127.0.0.1:8000", "its key: SERVICE_API_KEY in stack.local/settings"),
    ("Grafana", "http://127.0.0.1:3000", "user admin; GRAFANA_PASSWORD in stack.local/settings"),
    ("MLflow", "http://127.0.0.1:5050", "MLFLOW_TRACKING_URI=http://127.0.0.1:5050 make track"),
    ("Prometheus", "http://127.0.0.1:9090", "alerts and queries"),
    ("Alertmanager", "http://127.0.0.1:9093", "receivers: stack.local/alertmanager.yml"),
    ("Pushgateway", "http://127.0.0.1:9091", "PUSHGATEWAY_URL=http://127.0.0.1:9091 make monitor"),
]


def main(argv: list[str]) -> None:
    """Start the stack and wait until it is healthy, or stop it; its data stay.

    Raises:
        UserError: a file is missing, or there is no Docker Compose here.
    """
    arguments = Arguments("stack")
    arguments.add_argument("action", choices=["up", "down"])
    action = arguments.parse_args(argv).action
    if not COMPOSE.is_file():
        raise UserError("there is no compose.yaml in this folder")
    engine = _engine()
    if action == "up":
        make_private_files()
    elif not SETTINGS.is_file():
        raise UserError(f"there is no {SETTINGS}: the stack was never started here; start it with make up")
    options = ["up", "--detach", "--wait"] if action == "up" else ["down"]
    done = subprocess.run([engine, "compose", "--env-file", str(SETTINGS), *options], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    if action == "up":
        print(align(_PAGES))


def make_private_files() -> None:
    """Make the passwords, the keys and Alertmanager's configuration, each unless it is there.

    Containers read the last two as other users: nobody else can, since the folder lets nobody in.

    Raises:
        UserError: the library's folder `ops` is not here.
    """
    if not ROUTES.is_file():
        raise UserError(
            f"there is no {ROUTES}; with a library from an index, keep the folder cd4ml/ops of a new project"
        )
    PRIVATE.mkdir(mode=0o700, exist_ok=True)
    if not RECEIVERS.exists():
        write_text(RECEIVERS, ROUTES.read_text(encoding="utf-8"))
    if not (SETTINGS.exists() and METRICS_KEY.exists()):
        key, metrics_key = new_key(), new_key()
        write_text(METRICS_KEY, metrics_key)
        write_text(
            SETTINGS,
            f"POSTGRES_PASSWORD={secrets.token_urlsafe(24)}\n"
            f"GRAFANA_PASSWORD={secrets.token_urlsafe(24)}\n"
            f"SERVICE_API_KEY={key}\n"
            f"SERVICE_API_KEYS={written(key)},{written(metrics_key)}\n",
        )
    SETTINGS.chmod(0o600)
    METRICS_KEY.chmod(0o644)
    RECEIVERS.chmod(0o644)


def _engine() -> str:
    """Return the container engine, which has Compose."""
    engine = find_engine("runs the stack")
    asked = subprocess.run([engine, "compose", "version"], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise UserError(
            f"{engine} has no Compose: install Docker Compose 2.24 or newer (docs.docker.com/compose/install)"
        )
    return engine
