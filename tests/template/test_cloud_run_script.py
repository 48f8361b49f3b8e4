"""The set-up and the releases of Cloud Run: no open address, no key among arguments, and names that Google accepts."""

from __future__ import annotations

import re

from cd4ml.deploy.cloud_run.settings import Place
from cd4ml.deploy.names import short

from tests.template.conftest import DEPLOY

LONGEST = ("flight-delays-" * 3)[:40]
PLACE = Place(LONGEST, "p", "r", "r-docker.pkg.dev")


def test_no_address_without_encryption_and_no_key_among_arguments() -> None:
    for path in (DEPLOY / "cloud_run").glob("*.*"):
        text = path.read_text(encoding="utf-8")
        for address in re.findall(r"http://[^ '\"|)]*", text):
            assert re.match(r"http://(127\.0\.0\.1|localhost|\\\[::1)", address), f"{path.name}: {address}"
        assert not re.search(r"(api-keys|SERVICE_API_KEYS)=\S*(key|KEY)\b", text)


def test_names_are_as_short_as_google_wants_them_and_differ() -> None:
    services = [PLACE.service("production"), PLACE.service("staging")]
    assert len(set(services)) == 2
    assert all(len(name) + len("candidate") <= 46 for name in services)
    accounts = [PLACE.account_id(who) for who in ("reader", "trainer", "deployer", "runtime")]
    assert len(set(accounts)) == 4
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", name) for name in accounts)
    buckets = [PLACE.bucket(kind, "123456789012").removeprefix("gs://") for kind in ("dvc", "predictions")]
    assert len(set(buckets)) == 2
    assert all(len(name) <= 63 for name in buckets)
    assert 4 <= len(PLACE.pool) <= 32
    assert short("flight-delays-staging", 37) == "flight-delays-staging"
    assert short(f"{LONGEST}x", 21) != short(f"{LONGEST}y", 21)
