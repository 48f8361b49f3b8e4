"""The scripts for Cloud Run: no open address, no key among arguments, and names that Google accepts."""

from __future__ import annotations

import re
import subprocess

from tests.template.conftest import DEPLOY

LONGEST = ("flight-delays-" * 3)[:40]


def _names(expression: str) -> str:
    settings = f"SLUG={LONGEST} GCP_PROJECT=p GCP_REGION=r PROJECT_NUMBER=123456789012"
    parts = [f"'{DEPLOY}/{folder}/names.sh'" for folder in ("any-cloud", "cloud-run")]
    command = f"{settings}; . {parts[0]}; . {parts[1]}; {expression}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout


def test_no_address_without_encryption_and_no_key_among_arguments() -> None:
    for path in (DEPLOY / "cloud-run").iterdir():
        text = path.read_text(encoding="utf-8")
        for address in re.findall(r"http://[^ '\"|)]*", text):
            assert re.match(r"http://(127\.0\.0\.1|localhost|\\\[::1)", address), f"{path.name}: {address}"
        assert not re.search(r"(api-keys|SERVICE_API_KEYS)=\S*(key|KEY)\b", text)


def test_names_are_as_short_as_google_wants_them_and_differ() -> None:
    services = _names("service_name production; echo; service_name staging").split()
    assert len(set(services)) == 2
    assert all(len(name) + len("candidate") <= 46 for name in services)
    accounts = _names("for who in reader trainer deployer runtime; do account_id $who; echo; done").split()
    assert len(set(accounts)) == 4
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", name) for name in accounts)
    buckets = _names("bucket_name dvc; echo; bucket_name predictions").split()
    assert all(len(name) <= 63 for name in buckets)
    assert 4 <= len(_names("pool_name")) <= 32
    assert _names("short flight-delays-staging 37") == "flight-delays-staging"
    assert _names(f"short {LONGEST}x 21") != _names(f"short {LONGEST}y 21")
