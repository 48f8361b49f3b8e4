"""`make serve` answers from the bundle alone, and `make predict` asks it."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.project.baked import Project, free_port, stop
from tests.project.linked_environment import unlink


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())  # type: ignore[no-any-return]


@contextmanager
def serving(project: Project, log: Path) -> Iterator[str]:
    """Start a service and yield its address once it is ready; it has to stop with 0."""
    port = free_port()
    process = project.start(f"{project.folder}/.venv/bin/cd4ml", "serve", "--port", str(port), log=log)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                get(f"{url}/health/ready")
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield url
    finally:
        code = stop(process)
    assert code == 0, log.read_text()


def test_serve_and_predict(quick: Project, tmp_path: Path) -> None:
    with serving(quick, tmp_path / "log") as url:
        printed = quick.make("predict", f"URL={url}").stdout
        version = get(f"{url}/version")

    print(printed, version)
    assert "curl" in printed
    assert '"predictions"' in printed
    assert version["digest"] == quick.digest


def test_predict_without_a_service_says_how_to_start_one(quick: Project) -> None:
    result = quick.make("predict", f"URL=http://127.0.0.1:{free_port()}", check=False)

    assert result.returncode != 0
    assert "make serve" in result.stdout


def test_without_a_bundle_serve_says_how_to_make_one(small: Project) -> None:
    (small.folder / "models/bundle").rename(small.folder / "aside")

    result = small.make("serve", check=False)

    assert result.returncode != 0
    assert "no bundle in models/bundle; run `make train`, which makes one" in result.stdout


def test_an_environment_without_the_training_libraries_serves(small: Project, tmp_path: Path) -> None:
    unlink(small.folder)
    small.run("uv", "sync", "--locked", "--no-default-groups")
    for library in ("pandas", "sklearn", "skl2onnx", "dvc", "ruamel.yaml", "httpx2", "stamina"):
        assert small.run(small.python, "-c", f"import {library}", check=False).returncode == 1, library

    with serving(small, tmp_path / "log") as url:
        printed = small.cd4ml("smoke", "--url", url).stdout

    assert "all 10 are equal to the pipeline's" in printed
