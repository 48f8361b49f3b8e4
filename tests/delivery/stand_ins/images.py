"""A tiny image in place of the service's own, and a tiny smoke test in place of the project's, for many drills.

The service's own image and smoke test go the same ways in the test of the whole delivery.
"""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

from .containers import DOCKER

FOLDER = Path(__file__).parent / "service"

SMOKE = '''#!/usr/bin/env python3
"""python -m cd4ml smoke --url URL --wait S [--rounds N] [--tries N] [--kind KIND]: $BUNDLE must answer, if set."""
import json, os, sys, urllib.error, urllib.request

if sys.argv[1] != "-m":  # another of the project's scripts
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
given = dict(zip(sys.argv[4::2], sys.argv[5::2]))


def answering():
    request = urllib.request.Request(given["--url"] + "/predict", b"{}")
    request.add_header("X-Serverless-Authorization", "Bearer " + os.environ.get("SERVICE_IDENTITY_TOKEN", ""))
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)["release"]
    except urllib.error.HTTPError as refused:
        sys.exit(f"smoke: answers with {refused.code}")


for _ in range(int(given.get("--rounds", 1))):
    for _ in range(int(given.get("--tries", 1))):
        release = answering()
        if release == os.environ.get("BUNDLE", release):
            break
    else:
        sys.exit(f"smoke: {release} answers")
print(f"smoke: {release} answers as its bundle does")
'''


@functools.cache
def image(release: str) -> str:
    """Build an image whose answers name a release, and return its digest."""
    built = subprocess.run(
        [DOCKER, "build", "--quiet", "--build-arg", f"RELEASE={release}", str(FOLDER)],
        env=os.environ | {"DOCKER_BUILDKIT": "1"}, capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    return built.stdout.strip()


def smoke_test(folder: Path) -> Path:
    """Write the smoke test as `python` into a folder; return the folder, to be put before the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "python"
    command.write_text(SMOKE, encoding="utf-8")
    command.chmod(0o755)
    return folder
