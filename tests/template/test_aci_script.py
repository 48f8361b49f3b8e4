"""deploy/aci.sh as text: it is well formed, says what it can do, and gives nothing a name that Azure refuses."""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import Bake

LONGEST = ("flight-delays-" * 3)[:40]


@pytest.fixture(scope="module")
def project(bake: Bake) -> Path:
    return bake(project_slug=LONGEST, platform="aci")


def _shell(project: Path, expression: str, slug: str = LONGEST) -> str:
    settings = f"SLUG={slug} AZURE_RESOURCE_GROUP=g AZURE_LOCATION=westeurope SUM=0123abcd GROUP_ID=/subscriptions/s"
    sourced = [f"{project}/deploy/{folder}/names.sh" for folder in ("any-cloud", "aci")]
    command = f"{settings}; . {sourced[0]}; . {sourced[1]}; . {project}/deploy/aci/group.sh; {expression}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_scripts_satisfy_shellcheck(project: Path) -> None:
    scripts = [str(path) for path in sorted((project / "deploy").rglob("*.sh"))]
    assert len(scripts) > 10
    done = subprocess.run(["shellcheck", "--external-sources", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for script in scripts:
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
        assert len(Path(script).read_text(encoding="utf-8").splitlines()) < 250


def test_alone_it_lists_every_verb_and_without_settings_it_says_what_is_missing(project: Path) -> None:
    settings = {"PATH": os.environ["PATH"]}
    script = str(project / "deploy/aci.sh")
    done = subprocess.run([script], env=settings, capture_output=True, text=True, check=True)
    verbs = "bootstrap doctor rotate destroy deploy smoke promote canary restore rollback status url".split()
    assert re.findall(r"^  ([a-z]+)", done.stdout, re.MULTILINE) == verbs

    for verb, asked in (("promotr", "no verb"), ("deploy", "az is not here|AZURE_LOCATION is not set")):
        refused = subprocess.run([script, verb], env=settings, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert re.fullmatch(f"aci: [^\n]*({asked})[^\n]*\n", refused.stderr)


def test_no_address_without_encryption_and_no_key_among_arguments(project: Path) -> None:
    paths = [*(project / "deploy").glob("aci*"), *(project / "deploy/aci").iterdir()]
    for path in paths:
        if path.is_dir():
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"http://[^ '\"|)]*", text), path.name
        for line in text.splitlines():
            called = re.search(r"\b(az|change|gone) .*", line)
            assert not called or not re.search(r"\$\{?(KEYS|SHARE_KEY|SERVICE_API_KEYS)\b", called[0]), line


def test_names_are_as_short_as_azure_wants_them_and_differ(project: Path) -> None:
    groups = _shell(
        project, "for e in production staging; do service_name $e; echo; candidate_name $e; echo; done"
    ).split()
    assert len(set(groups)) == 4
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) for name in groups)
    for slug in (LONGEST, "demo"):
        both = "for g in $(service_name $e) $(candidate_name $e); do host_of $g; echo; done"
        expression = f"for e in production staging; do {both}; done"
        hosts = _shell(project, expression, slug).split()
        assert len(set(hosts)) == 4
        for host in hosts:
            label, rest = host.split(".", 1)
            assert rest == "westeurope.azurecontainer.io"
            assert re.fullmatch(r"[a-z0-9][a-z0-9-]{3,61}[a-z0-9]", label), label
    assert re.fullmatch(r"[a-z0-9]{5,50}", _shell(project, "registry_name"))
    storage = _shell(project, "storage_name data; echo; storage_name cert").split()
    assert len(set(storage)) == 2
    assert all(re.fullmatch(r"[a-z0-9]{3,24}", name) for name in storage)
    identities = _shell(project, "for w in reader trainer deployer runtime; do account_id $w; echo; done").split()
    assert len(set(identities)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}", name) for name in identities)


def test_a_value_stays_what_it_is_in_the_description_of_a_group(project: Path) -> None:
    import yaml

    for value in ("it's", "a: b", "#", "{x}", '"', "\\n", "yes", "0123", "- a"):
        told = _shell(project, f"printf 'k: '; quoted {_word(value)}")
        assert yaml.safe_load(told) == {"k": value}


def test_what_is_asked_of_a_service_is_asked_over_https_alone(project: Path) -> None:
    asked = [sys.executable, str(project / "deploy/aci/ask.py"), "ready", "http" + "://example.com", "0"]
    refused = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert "does not begin with https://" in refused.stderr


def test_half_an_answer_is_asked_for_again(project: Path) -> None:
    asked: list[str] = []

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "99" if asked.count(self.path) == 1 else "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http:{'//'}127.0.0.1:{server.server_port}"
        ask = [sys.executable, str(project / "deploy/aci/ask.py")]
        done = subprocess.run([*ask, "same", address, address, "9"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

        asked.clear()
        watch = subprocess.Popen([*ask, "watch", address], stdout=subprocess.PIPE, text=True)
        while len(asked) < 3 and watch.poll() is None:
            time.sleep(0.05)
        watch.terminate()
        assert float(watch.communicate(timeout=20)[0]) > 0
        server.shutdown()


def _word(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
