"""How docker's own ssh signs in where no person does: by a key from the environment, to a host that is known.

docker starts the `ssh` that is first on the PATH. Where DOCKER_HOST_KEY is set, that is one with a configuration of its
own, in a folder that goes with the process. On a laptop it is the user's own ssh.
"""

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from cd4ml.deploy.commands import CloudError

_SETTINGS = {
    "IdentitiesOnly": "yes",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "BatchMode": "yes",
    "ConnectTimeout": "30",
}
_SHARED = {"ControlMaster": "auto", "ControlPersist": "15"}  # one connection for the many commands of a verb
_LONGEST_SOCKET = 80  # some systems have no more than 104 characters for it, and ssh adds some


def sign_in(environment: Mapping[str, str]) -> TemporaryDirectory[str] | None:
    """Put such an ssh before the others, for this process and what it starts; return its folder, if there is a key.

    Raises:
        CloudError: the host's key is not known, or there is no ssh.
    """
    key, known = environment.get("DOCKER_HOST_KEY", ""), environment.get("DOCKER_HOST_KNOWN_HOSTS", "")
    if not key.strip():
        return None
    ssh = shutil.which("ssh")
    if ssh is None:
        raise CloudError("ssh is not here, and docker reaches the host by it: install openssh-client")
    if not known.strip():
        raise CloudError("DOCKER_HOST_KNOWN_HOSTS is not set, and an unknown host is not trusted: ssh-keyscan HOST")
    folder = TemporaryDirectory(prefix="cd4ml-ssh-", dir=environment.get("RUNNER_TEMP") or None)
    for name, text in files(folder.name, ssh, key, known).items():
        path = Path(folder.name, name)
        path.touch(mode=0o700 if name == "ssh" else 0o600)
        path.write_text(text, encoding="utf-8")
    os.environ["PATH"] = f"{folder.name}{os.pathsep}{os.environ.get('PATH', '')}"
    return folder


def files(folder: str, ssh: str, key: str, known: str) -> dict[str, str]:
    """Return what such an ssh consists of, by the names of its files."""
    settings = _SETTINGS | {"IdentityFile": f'"{folder}/key"', "UserKnownHostsFile": f'"{folder}/known_hosts"'}
    if len(folder) < _LONGEST_SOCKET:
        settings |= _SHARED | {"ControlPath": f'"{folder}/socket"'}
    configuration = "".join(f"{name} {value}\n" for name, value in settings.items())
    start = f'exec {shlex.quote(ssh)} -F {shlex.quote(f"{folder}/config")} "$@"'
    texts = {"key": f"{key.strip()}\n", "known_hosts": f"{known.strip()}\n"}
    return {"config": configuration, "ssh": f"#!/bin/sh\n{start}\n", **texts}
