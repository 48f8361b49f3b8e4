"""Container groups: the containers that each describes, in the real engine, at a loopback address of the group's own.

A group is written at once, `Pending` until its containers were started, and then `Succeeded`, whether what is in them
answers or not: as in Azure, a service that ends is started again and again. Written again, a group is restarted in its
place; another size is refused, properties that are left out are gone, and what is secret is never shown.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.delivery.stand_ins.containers import DOCKER, NeverReadyError, docker, local

from . import caddy
from .entra import RefusedError

Json = dict[str, Any]

SIZES = "If you are going to update the os type, restart policy, network profile, CPU, memory or GPU resources for a \
container group, you must delete it first and then create a new one."


class Group:
    """One container group."""

    def __init__(
        self,
        path: str,
        address: str,
        share: Path,
        share_key: Callable[[], str],
        pulled: Callable[[str], str] = local,
        ambient: dict[str, str] | None = None,
    ) -> None:
        self.path, self.name, self.address = path, path.rsplit("/", 1)[1], address
        self.body: Json = {}
        self.state = "Pending"
        self.starts = 0  # how often it was made, or made again
        self._share, self._share_key, self._pulled = share, share_key, pulled
        self._ambient = ambient or {}
        self._containers: dict[str, str] = {}  # their ids, by name
        self._lock = threading.RLock()
        self._worker: threading.Thread | None = None

    # what it is told

    def write(self, body: Json) -> None:
        """Take a description, and begin to make it true.

        Raises:
            RefusedError: it could not be.
        """
        with self._lock:
            if self.body and self.state == "Pending":
                raise RefusedError(
                    409, "ContainerGroupTransitioning", f"The container group '{self.name}' is still transitioning."
                )
            self._check(body)
            self.body, self.state = copy.deepcopy(body), "Pending"
            self.starts += 1
            self._worker = threading.Thread(target=self._start, daemon=True)
            self._worker.start()

    def _check(self, body: Json) -> None:
        properties = body["properties"]
        label = properties["ipAddress"]["dnsNameLabel"]
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", self.name):
            raise RefusedError(400, "InvalidContainerGroupName", f"The name '{self.name}' is not valid.")
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{3,61}[a-z0-9]", label):
            raise RefusedError(400, "InvalidDnsNameLabel", f"The label '{label}' is not valid.")
        if self.body and _sizes(self.body) != _sizes(body):
            raise RefusedError(
                400, "InvalidContainerGroupUpdate", f"The updates on container group '{self.name}' are invalid. {SIZES}"
            )
        for credential in properties["imageRegistryCredentials"]:
            if credential["identity"] not in body["identity"]["userAssignedIdentities"]:
                raise RefusedError(400, "InvalidImageRegistryCredential", "That identity is not the group's.")
        for volume in properties.get("volumes", []):
            if volume["azureFile"]["storageAccountKey"] != self._share_key():
                raise RefusedError(400, "AzureFileVolumeAuthenticationFailed", "The share cannot be mounted.")
        for container in properties["containers"]:
            image = self._image(container)
            if not docker("image", "inspect", "--format", "{{.Id}}", image, check=False):
                raise RefusedError(
                    400,
                    "InaccessibleImage",
                    f"The image '{container['properties']['image']}' in '{self.name}' is not accessible.",
                )

    def _image(self, container: Json) -> str:
        named = str(container["properties"]["image"])
        return caddy.image() if "/caddy@" in named else self._pulled(named)

    # what it does

    def _start(self) -> None:
        self._stop()
        containers = {one["name"]: one["properties"] for one in self.body["properties"]["containers"]}
        opened = [port["port"] for port in self.body["properties"]["ipAddress"]["ports"]]
        try:
            # Caddy first: what is published and shared is its network, which outlives a service that ends.
            front = self._run(
                {"properties": containers["https"]},
                *(part for port in opened for part in ("--publish", f"{self.address}:{port}:{port}")),
                "--volume", f"{self._share}:{containers['https']['volumeMounts'][0]['mountPath']}",
                last=[*containers["https"]["command"], caddy.OF_ITS_OWN],
            )  # fmt: skip
            with self._lock:
                self._containers["https"] = front
            behind = self._run({"properties": containers["service"]}, "--network", f"container:{front}")
            with self._lock:
                self._containers["service"] = behind
            self.state = "Succeeded"
        except NeverReadyError:
            self.state = "Failed"

    def _run(self, container: Json, *options: str, last: list[str] | None = None) -> str:
        given = container["properties"].get("environmentVariables", [])
        settings = [f"{name}={value}" for name, value in self._ambient.items()]
        settings += [f"{one['name']}={one.get('secureValue') or one.get('value', '')}" for one in given]
        told = [part for setting in settings for part in ("--env", setting)]
        return docker("run", "--detach", "--restart", "always", *options, *told, self._image(container), *(last or []))

    def _stop(self) -> None:
        with self._lock:
            held, self._containers = list(self._containers.values())[::-1], {}
        if held:
            docker("rm", "--force", "--volumes", *held, check=False)

    def settle(self) -> None:
        """Wait until what was begun has ended."""
        if self._worker:
            self._worker.join(120)

    def remove(self) -> None:
        self.settle()
        self._stop()

    def stop_service(self) -> None:
        """Let the service in it answer nothing any more."""
        docker("stop", "--time", "0", self._containers["service"])  # which starts nothing again

    def start_service(self) -> None:
        """Let it answer again."""
        docker("start", self._containers["service"])

    # what it is asked

    def logs(self, name: str) -> str:
        """What one of its containers printed."""
        if not (held := self._containers.get(name)):
            return ""
        both = subprocess.run(  # what it said of its end is on standard error
            [DOCKER, "logs", held], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60
        )
        return both.stdout

    def show(self, with_view: bool) -> Json:
        """The group as the API shows it; how its containers are only where one group is asked for."""
        with self._lock:
            shown = copy.deepcopy(self.body)
            shown |= {"id": self.path, "name": self.name, "type": "Microsoft.ContainerInstance/containerGroups"}
            properties = shown["properties"]
            properties["provisioningState"] = self.state
            address = properties["ipAddress"]
            address |= {"ip": self.address, "fqdn": f"{address['dnsNameLabel']}.{shown['location']}.azurecontainer.io"}
            for container in properties["containers"]:
                for variable in container["properties"].get("environmentVariables", []):
                    variable.pop("secureValue", None)
                if with_view:
                    container["properties"]["instanceView"] = self._view(container["name"])
            for volume in properties.get("volumes", []):
                volume["azureFile"].pop("storageAccountKey")
            if with_view:
                properties["instanceView"] = {
                    "state": "Running" if self.state == "Succeeded" else self.state,
                    "events": [],
                }
            return shown

    def _view(self, name: str) -> Json:
        held = self._containers.get(name)
        told = docker("inspect", "--format", "{{.RestartCount}} {{json .State}}", held, check=False) if held else ""
        if not told:
            return {"restartCount": 0, "currentState": {"state": "Waiting"}, "events": []}
        count, state = told.split(" ", 1)
        running = json.loads(state)["Status"] == "running"
        return {
            "restartCount": int(count),
            "currentState": {"state": "Running" if running else "Waiting"},
            "events": [],
        }

    def ready_within(self, seconds: float) -> None:
        """Wait until it was started.

        Raises:
            TimeoutError: it was not in this time.
        """
        until = time.monotonic() + seconds
        while self.state != "Succeeded":
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name} is {self.state}")
            time.sleep(0.05)


def _sizes(body: Json) -> list[tuple[float, float]]:
    asked = [one["properties"]["resources"]["requests"] for one in body["properties"]["containers"]]
    return [(float(one["cpu"]), float(one["memoryInGB"])) for one in asked]
