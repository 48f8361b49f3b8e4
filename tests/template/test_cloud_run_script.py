"""deploy/cloud-run.sh as text: it is well formed, says what it can do, and gives nothing a name that Google refuses."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Bake

LONGEST = ("flight-delays-" * 3)[:40]


@pytest.fixture(scope="module")
def project(bake: Bake) -> Path:
    return bake(project_slug=LONGEST)


def _names(project: Path, expression: str) -> str:
    settings = f"SLUG={LONGEST} GCP_PROJECT=p GCP_REGION=r PROJECT_NUMBER=123456789012"
    parts = [f"{project}/deploy/{folder}/names.sh" for folder in ("any-cloud", "cloud-run")]
    command = f"{settings}; . {parts[0]}; . {parts[1]}; {expression}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_scripts_satisfy_shellcheck(project: Path) -> None:
    scripts = [str(path) for path in sorted((project / "deploy").rglob("*.sh"))]
    assert len(scripts) > 10
    done = subprocess.run(["shellcheck", "--external-sources", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for script in scripts:
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_alone_it_lists_every_verb_and_without_settings_it_says_what_is_missing(project: Path) -> None:
    settings = {"PATH": os.environ["PATH"]}
    script = str(project / "deploy/cloud-run.sh")
    done = subprocess.run([script], env=settings, capture_output=True, text=True, check=True)
    verbs = "bootstrap doctor rotate destroy deploy smoke promote canary restore rollback status url".split()
    assert re.findall(r"^  ([a-z]+)", done.stdout, re.MULTILINE) == verbs

    for verb, asked in (("promotr", "no verb"), ("deploy", "gcloud is not here|GCP_PROJECT is not set")):
        refused = subprocess.run([script, verb], env=settings, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert re.fullmatch(f"cloud-run: [^\n]*({asked})[^\n]*\n", refused.stderr)


def test_no_address_without_encryption_and_no_key_among_arguments(project: Path) -> None:
    for path in (project / "deploy").rglob("cloud-run*/*"):
        text = path.read_text(encoding="utf-8")
        for address in re.findall(r"http://[^ '\"|)]*", text):
            assert re.match(r"http://(127\.0\.0\.1|localhost|\\\[::1)", address), f"{path.name}: {address}"
        assert not re.search(r"(api-keys|SERVICE_API_KEYS)=\S*(key|KEY)\b", text)


def test_names_are_as_short_as_google_wants_them_and_differ(project: Path) -> None:
    services = _names(project, "service_name production; echo; service_name staging").split()
    assert len(set(services)) == 2
    assert all(len(name) + len("candidate") <= 46 for name in services)
    accounts = _names(project, "for who in reader trainer deployer runtime; do account_id $who; echo; done").split()
    assert len(set(accounts)) == 4
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", name) for name in accounts)
    buckets = _names(project, "bucket_name dvc; echo; bucket_name predictions").split()
    assert all(len(name) <= 63 for name in buckets)
    assert 4 <= len(_names(project, "pool_name")) <= 32
    assert _names(project, "short flight-delays-staging 37") == "flight-delays-staging"
    assert _names(project, f"short {LONGEST}x 21") != _names(project, f"short {LONGEST}y 21")
