"""The image as one file: what is scanned is what is published, byte for byte, and nothing else is."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cd4ml.delivery.pinned_tools import GITLEAKS

from tests.conftest import Bake
from tests.engine import docker
from tests.project.baked import Project, environment, free_port
from tests.project.registry import Registry, registry

TRIVY = """#!/bin/sh
# Stands in for trivy: says what FOUND holds of a folder that is an OCI layout.
case "$*" in
    --version) echo "Version: 0.74.0"; exit ;;
    *--download-db-only*) [ "${DATABASE:-yes}" = yes ] || { echo "FATAL no such host" >&2; exit 1; }; exit ;;
    convert*) cat build/scan.json; exit ;;
esac
while [ $# -gt 0 ]; do
    case $1 in --input) input=$2 ;; --output) output=$2 ;; --exit-code) code=$2 ;; --image-src) remote=$3 ;; esac
    shift
done
if [ -n "${remote:-}" ]; then    # an image of a registry
    case $remote in docker.io/library/caddy@sha256:*) ;; *) echo "FATAL no such image" >&2; exit 1 ;; esac
    echo "$SIDECAR" > "$output"
    case $SIDECAR in *VulnerabilityID*) exit "$code" ;; esac
    exit "${SIDECAR_STATUS:-0}"
fi
[ -f "$input/index.json" ] || { echo "FATAL no layout" >&2; exit 1; }
echo "$FOUND" > "$output"
case $FOUND in *VulnerabilityID*) exit "$code" ;; esac
exit "${STATUS:-0}"
"""
CLEAN = '{"Results": [{"Class": "lang-pkgs", "Type": "python-pkg", "Packages": []}]}'
BAD = CLEAN.replace(
    '"Packages": []', '"Vulnerabilities": [{"VulnerabilityID": "CVE-2026-1"}, {"VulnerabilityID": "CVE-2026-2"}]'
)


CADDY = '{"Results": [{"Class": "lang-pkgs", "Type": "gobinary", "Packages": []}]}'
TOOLS = "cd4ml/src/cd4ml/delivery/pinned_tools.py"


@pytest.fixture(scope="module")
def hub(need: Callable[[str, object, str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that wants a password."""
    need("registry", shutil.which("docker-registry") and shutil.which("skopeo"), "docker-registry or skopeo is missing")
    with registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def archived(
    engine: None, hub: Registry, quick: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A small project whose image is archived, in an engine that has another image of the same name."""
    project = quick.copy(tmp_path_factory.mktemp("archive"))
    project.accept()
    name = f"archive-slow-{os.getpid()}"
    docker("tag", "python:3.12-slim", f"{name}:another")
    project.cd4ml("archive-image", settings={"IMAGE": name, "GITHUB_OUTPUT": str(project.folder / "build.out")})
    yield project
    docker("image", "rm", "--force", name, f"{name}:another", check=False)


def outputs(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_what_was_archived_is_what_two_registries_get(archived: Project, hub: Registry, tmp_path: Path) -> None:
    built, names = outputs(archived.folder / "build.out"), [f"{hub.address}/Team/one:a", f"{hub.address}/two:b"]
    assert built["sha256"] == hashlib.sha256((archived.folder / "build/image.tar").read_bytes()).hexdigest()
    settings = {"DOCKER_CONFIG": str(hub.login), "GITHUB_OUTPUT": str(tmp_path / "out")}
    settings["ARCHIVE_SHA256"] = built["sha256"]

    for _ in range(2):  # the second time changes nothing
        archived.cd4ml("publish-image", *names, settings=settings)

    assert hub.digest("team/one", "a") == hub.digest("two", "b") == built["digest"]
    written = outputs(tmp_path / "out")
    assert written["name"] == f"{hub.address}/team/one"
    assert written["image"] == f"{hub.address}/team/one@{built['digest']}"
    assert written["images"] == f"{written['image']} {hub.address}/two@{built['digest']}"
    at = ["--authfile", str(hub.login / "config.json"), "--tls-verify=false", f"docker://{written['image']}"]
    labels = json.loads(archived.run("skopeo", "inspect", *at).stdout)["Labels"]
    assert labels["org.opencontainers.image.revision"] == archived.run("git", "rev-parse", "HEAD").stdout.strip()
    assert labels["org.opencontainers.image.version"] == built["version"]
    assert labels["org.opencontainers.image.source"] == "https://github.com/your-github-name/flight-delays"
    assert labels["bundle"] == archived.digest


def test_what_was_published_runs_and_answers(archived: Project, hub: Registry) -> None:
    name = f"{hub.address}/runs:1"
    archived.cd4ml("publish-image", name, settings={"DOCKER_CONFIG": str(hub.login)})
    docker("--config", str(hub.login), "pull", "--quiet", name)
    try:
        assert "all 10 are equal to the pipeline's" in archived.make("smoke", f"IMAGE={name}").stdout
    finally:
        docker("image", "rm", "--force", name, check=False)


def test_another_archive_than_the_one_that_was_built_is_rejected(archived: Project, hub: Registry) -> None:
    settings = {"DOCKER_CONFIG": str(hub.login), "ARCHIVE_SHA256": "0" * 64}

    result = archived.cd4ml("publish-image", f"{hub.address}/other:1", settings=settings, check=False)

    assert result.returncode != 0
    assert "publish-image: build/image.tar is another than the one that was built" in result.stdout
    assert hub.digest("other", "1") is None


@pytest.mark.parametrize("why", ["no password", "nobody there"])
def test_an_error_of_a_registry_is_one_line(archived: Project, hub: Registry, tmp_path: Path, why: str) -> None:
    address = hub.address if why == "no password" else f"127.0.0.1:{free_port()}"
    settings = {"DOCKER_CONFIG": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "out")}

    result = archived.cd4ml("publish-image", f"{address}/model:1", settings=settings, check=False)

    print(result.stdout)
    assert result.returncode == 1
    assert result.stdout.count("\n") == 1
    assert result.stdout.startswith(f"publish-image: {address} did not take {address}/model:1: ")
    assert not (tmp_path / "out").exists()


def test_the_list_of_packages_is_what_the_image_holds(archived: Project) -> None:
    archived.cd4ml("list-packages")

    named = {part["name"] for part in archived.read_json("build/sbom.json")["components"]}

    assert {"fastapi", "onnxruntime", "numpy"} <= named
    assert not {"scikit-learn", "dvc", "mlflow", "pytest"} & named


# From here on no engine and no model is needed: a file takes the archive's place, a script trivy's.


@pytest.fixture
def scan(bake: Bake, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Run `make scan` with settings; return the exit code, what it printed, and the summary."""
    return scanner(Project(bake(into=tmp_path)), tmp_path)


def scanner(project: Project, scratch: Path) -> Callable[..., tuple[int, str, str]]:
    (project.folder / "build").mkdir()
    with tarfile.open(project.folder / "build/image.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("index.json"), io.BytesIO(b""))
    (scratch / "bin").mkdir()
    (scratch / "bin/trivy").write_text(TRIVY)
    (scratch / "bin/trivy").chmod(0o755)

    def look(**settings: str) -> tuple[int, str, str]:
        path, summary = f"{scratch / 'bin'}:{os.environ['PATH']}", scratch / "summary"
        more = {"PATH": path, "GITHUB_STEP_SUMMARY": str(summary), **settings}
        done = project.cd4ml("scan-image", check=False, settings=more)
        return done.returncode, done.stdout, summary.read_text() if summary.exists() else ""

    return look


def test_a_clean_image_passes(scan: Callable[..., tuple[int, str, str]]) -> None:
    code, _, summary = scan(FOUND=CLEAN)

    assert code == 0
    assert summary.startswith("scan-image: nothing critical that can be fixed in build/image.tar, sha256 ")


def test_a_finding_is_rejected_until_each_is_accepted_by_name(scan: Callable[..., tuple[int, str, str]]) -> None:
    code, printed, _ = scan(FOUND=BAD)
    assert code == 1
    assert 'ACCEPT_FINDINGS="CVE-2026-1 CVE-2026-2"' in printed

    code, printed, _ = scan(FOUND=BAD, ACCEPT_FINDINGS="CVE-2026-2 CVE-2026-11 *")
    assert code == 1
    assert 'ACCEPT_FINDINGS="CVE-2026-1"' in printed

    code, _, summary = scan(FOUND=BAD, ACCEPT_FINDINGS="CVE-2026-1 CVE-2026-2")
    assert code == 0
    assert "**accepted by name**: CVE-2026-1 CVE-2026-2" in summary


def test_what_was_not_scanned_does_not_pass(scan: Callable[..., tuple[int, str, str]]) -> None:
    for unseen, why in (
        ({"DATABASE": "no"}, "no database"),
        ({"DATABASE": "no", "NO_DATABASE": "yes"}, "no database"),
        ({"STATUS": "1"}, "trivy failed (exit code 1)"),
        ({"FOUND": '{"Results": []}'}, "trivy saw nothing of the type python-pkg"),
        ({"FOUND": "[1]"}, "trivy wrote no report that can be read"),
        ({"FOUND": BAD.replace("VulnerabilityID", "Id")}, "no report that can be read"),
        ({"ARCHIVE_SHA256": "0" * 64}, "another than the one that was built"),
    ):
        code, printed, summary = scan(**{"FOUND": CLEAN, **unseen})
        assert (code, summary) == (1, ""), printed
        assert why in printed.replace("there is no database", "no database")

    code, _, summary = scan(FOUND=CLEAN, DATABASE="no", NO_DATABASE="accepted")
    assert code == 0
    assert "**not scanned**" in summary


def test_what_runs_before_the_service_is_scanned_with_it(bake: Bake, tmp_path: Path) -> None:
    scan = scanner(Project(bake(into=tmp_path, platform="aci")), tmp_path)

    code, printed, _ = scan(FOUND=CLEAN, SIDECAR=CADDY)
    assert code == 0
    assert "nothing critical that can be fixed in docker.io/library/caddy@sha256:" in printed

    bad = BAD.replace("python-pkg", "gobinary")
    for found, why in (
        ({"FOUND": CLEAN, "SIDECAR": bad}, 'ACCEPT_FINDINGS="CVE-2026-1 CVE-2026-2"'),
        ({"FOUND": BAD, "SIDECAR": bad, "ACCEPT_FINDINGS": "CVE-2026-2"}, 'ACCEPT_FINDINGS="CVE-2026-1"'),
        ({"FOUND": CLEAN, "SIDECAR": '{"Results": []}'}, "trivy saw nothing of the type gobinary"),
        ({"FOUND": CLEAN, "SIDECAR": CADDY, "SIDECAR_STATUS": "1"}, "counts as not scanned"),
    ):
        code, printed, _ = scan(**found)
        assert code == 1, printed
        assert why in printed


def test_a_tool_is_used_only_with_its_checksum(bake: Bake, tmp_path: Path) -> None:
    project = Project(bake(into=tmp_path))
    project.commit("as generated")
    version, archive, pinned = GITLEAKS.version, GITLEAKS.file, GITLEAKS.sha256
    served = tmp_path / f"served/gitleaks/gitleaks/releases/download/v{version}"
    served.mkdir(parents=True)
    content = f"#!/bin/sh\necho {version}\n".encode()
    with tarfile.open(served / archive, "w:gz") as tar:
        entry = tarfile.TarInfo("gitleaks")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    port = free_port()
    server = subprocess.Popen(
        ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path / "served"), str(port)],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    settings = {"TOOLS_URL": f"http://127.0.0.1:{port}", "PATH": "/usr/bin:/bin"}
    try:
        ready = [
            "curl",
            "--silent",
            "--retry",
            "60",
            "--retry-delay",
            "1",
            "--retry-connrefused",
            settings["TOOLS_URL"],
        ]
        project.run(*ready)
        rejected = project.cd4ml("scan-secrets", settings=settings, check=False)
        assert rejected.returncode == 1
        assert f", not {pinned}; it is not used or kept" in rejected.stdout
        assert not (project.folder / ".tools").exists()

        ours = hashlib.sha256((served / archive).read_bytes()).hexdigest()
        project.replace(TOOLS, pinned, ours)
        fetched = project.cd4ml("scan-secrets", settings=settings).stdout
    finally:
        server.terminate()
        server.wait(60)
    assert f"fetching gitleaks {version}" in fetched
    assert project.run(f".tools/gitleaks-{version}").stdout == f"{version}\n"
    again = project.cd4ml("scan-secrets", settings=settings).stdout  # the server is gone: nothing is fetched
    assert again.endswith("scan-secrets: none in 1 commits\n")
    assert "fetching" not in again
