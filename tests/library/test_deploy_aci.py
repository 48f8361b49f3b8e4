"""A release to Container Instances without a process: what a killed run leaves, and what the next one makes of it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from az_in_memory import Az
from cd4ml.deploy.aci import asking
from cd4ml.deploy.aci.groups import Service
from cd4ml.deploy.aci.platform import ContainerInstances
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.release import Release
from cd4ml.deploy.verbs import Verbs
from cd4ml.settings.project import Project, read_project
from killable_run import KilledError

ONE, TWO, THREE = (f"demo.azurecr.io/demo@sha256:{digit * 64}" for digit in "123")


class Shop:
    """A project and its cloud; every verb is a run of its own."""

    def __init__(self, project: Project, az: Az, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.az, self._patch = project, az, monkeypatch
        self.settings: dict[str, str] = {}
        self._answer()

    def _answer(self) -> None:
        self._patch.setattr(asking, "_answer", self.az.answer)

    def next_run(self, **settings: str) -> Az:
        self.az = self.az.again(**(self.settings | settings))
        self._answer()
        return self.az

    def release(self, **settings: str) -> Release[Service]:
        az = self.next_run(**settings)
        return Release(ContainerInstances(self.project, az), az, settings.get("CANDIDATE", ""))

    def verbs(self, **settings: str) -> Verbs[Service]:
        az = self.next_run(**settings)
        return Verbs(ContainerInstances(self.project, az), az, "python")

    def killed(self, write: int, moment: str, run: Callable[[Release[Service]], None], **settings: str) -> bool:
        """Run something and kill it at a write; return whether it came that far."""
        release = self.release(**settings)
        self.az.kill = (write, moment)
        try:
            run(release)
        except KilledError:
            return True
        return False

    def serves(self, image: str) -> None:
        """What serves is this image, nothing is under way, and nothing is beside it."""
        assert set(self.az.groups) == {"demo"}
        assert self.az.groups["demo"]["image"] == image
        assert self.az.tags()["step"] == "served"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A resource group in which nothing is deployed yet."""
    section = 'package = "demo"\nplatform = "aci"\ncredentials = "oidc"\nregistry = "cloud"\n'
    Path("pyproject.toml").write_text(f'[project]\nname = "demo"\n[tool.cd4ml]\n{section}', encoding="utf-8")
    return Shop(read_project(), Az(), monkeypatch)


@pytest.fixture
def live(shop: Shop) -> Shop:
    """The same with ONE in production, as it was released."""
    shop.release().deploy(ONE, "production")
    shop.release().promote("production", 100)
    shop.serves(ONE)
    return shop


def test_a_release_writes_its_intent_first_and_that_it_is_served_last_but_the_candidate(live: Shop) -> None:
    before = live.az.tags()["revision"]
    live.release().deploy(TWO, "production")
    assert live.az.writes == ["tag update", "container create"]
    candidate = live.az.outputs["revision"]
    assert live.az.outputs["previous"] == before
    assert live.az.groups["demo"]["image"] == ONE
    assert live.az.tags()["candidate"] == candidate
    assert live.az.tags("demo-candidate")["previous-image"] == ONE

    live.release(CANDIDATE=candidate).promote("production", 100)
    assert live.az.writes == ["container create", "tag update", "container delete"]
    live.serves(TWO)
    assert live.az.tags()["previous"] == before


def test_a_first_release_serves_nobody_and_its_address_is_known(shop: Shop) -> None:
    shop.release().deploy(ONE, "production")
    assert set(shop.az.groups) == {"demo-candidate"}
    label = shop.az.outputs["url"].removeprefix("https://demo-")
    assert shop.az.outputs["candidate_url"] == f"https://demo-{label.replace('.', '-candidate.', 1)}"
    shop.release().restore("production")
    assert not shop.az.groups


VERBS: dict[str, Callable[[Release[Service]], None]] = {
    "deploy": lambda release: release.deploy(TWO, "production"),
    "promote": lambda release: release.promote("production", 100),
    "restore": lambda release: release.restore("production"),
}


@pytest.mark.parametrize("size", ["1", "2"], ids=["the same size", "another size"])
@pytest.mark.parametrize("then", ["restore", "deploy", "rollback"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_run_that_is_killed_at_any_write_is_settled_by_the_next_one(
    live: Shop, verb: str, moment: str, then: str, size: str
) -> None:
    for write in range(1, 9):
        live.settings = {"SERVICE_CPU": "1"}
        live.az.groups.clear()
        live.az.serve("demo-one", ONE, previous="", **{"previous-image": ""})
        live.az.groups["demo"]["host"] = ContainerInstances(live.project, live.az).groups.place.host("demo")
        if verb != "deploy":
            live.release().deploy(TWO, "production")
        live.settings = {"SERVICE_CPU": size}
        if not live.killed(write, moment, VERBS[verb]):
            assert write > 1
            return
        done = live.az.groups.get("demo", {}).get("image") == TWO and live.az.tags()["step"] == "served"
        came_back = TWO if done else ONE
        if then == "restore":
            live.release().restore("production")
            live.serves(came_back)
        elif then == "deploy":
            live.release().deploy(THREE, "production")
            assert live.az.groups["demo"]["image"] == came_back
            assert live.az.tags("demo-candidate")["previous-image"] == came_back
            live.release().promote("production", 100)
            live.serves(THREE)
        else:
            live.verbs().rollback("production", ONE)
            live.serves(ONE)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_first_release_that_is_killed_leaves_nothing_or_serves(shop: Shop, write: int, moment: str) -> None:
    shop.release().deploy(ONE, "production")
    assert shop.killed(write, moment, VERBS["promote"])
    proved = shop.az.groups.get("demo") and shop.az.tags()["step"] == "served"
    shop.release().restore("production")
    if proved:
        shop.serves(ONE)
    else:
        assert not shop.az.groups


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(1, 4))
def test_a_way_back_that_is_killed_goes_on(live: Shop, write: int, moment: str) -> None:
    live.release().deploy(TWO, "production")
    assert live.killed(1, "after", VERBS["promote"])
    assert live.killed(write, moment, VERBS["restore"])
    live.release().restore("production")
    live.serves(ONE)


@pytest.mark.parametrize(
    ("image", "promoted", "writes"),
    [
        (TWO, False, ["container delete", "tag update"]),
        (ONE, False, ["container delete", "tag update"]),
        (TWO, True, ["container create", "container delete", "tag update"]),
    ],
    ids=["beside what serves", "the same image again", "in a swap that was stopped"],
)
def test_a_rollback_to_what_served_before_a_release_ends_it_and_deploys_nothing(
    live: Shop, image: str, promoted: bool, writes: list[str]
) -> None:
    before = live.az.tags()["revision"]
    live.release().deploy(image, "production")
    candidate = live.az.outputs["revision"]
    if promoted:
        assert live.killed(1, "after", VERBS["promote"])
    live.verbs().rollback("production", ONE)
    live.serves(ONE)
    assert live.az.tags()["revision"] == before
    assert (live.az.writes, live.az.asked) == (writes, [])
    assert live.az.outputs == {"left": candidate, "revision": before}


def test_a_candidate_that_does_not_come_up_is_taken_away_and_shown(
    live: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    live.az.broken.add(TWO)
    with pytest.raises(CloudError, match=f"not deployed: {TWO}"):
        live.release().deploy(TWO, "production")
    live.serves(ONE)
    said = capsys.readouterr().err
    assert "its service is Waiting, restarted " in said
    assert "https said last:\nline 4 of https\n" in said


def test_a_service_that_starts_again_and_again_is_not_waited_for(
    live: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    live.az.broken.add(TWO)
    began = time.monotonic()
    with pytest.raises(CloudError, match="not deployed"):
        live.release(SERVICE_START_SECONDS="300").deploy(TWO, "production")
    assert time.monotonic() - began < 100
    assert "restarted 3 times" in capsys.readouterr().err


def test_a_service_that_does_not_serve_what_its_candidate_did_goes_back(live: Shop) -> None:
    live.release().deploy(TWO, "production")
    live.az.broken.add(TWO)
    with pytest.raises(CloudError, match="not promoted: demo-2"):
        live.release().promote("production", 100)
    live.serves(ONE)


def test_a_service_that_says_something_else_than_its_candidate_goes_back(live: Shop) -> None:
    live.release().deploy(TWO, "production")
    release = live.release()
    live.az.other_answers.add("demo")
    with pytest.raises(CloudError, match="not promoted: demo-2"):
        release.promote("production", 100)
    live.serves(ONE)


def test_what_served_before_is_said_to_serve_only_once_it_answers(live: Shop) -> None:
    live.release().deploy(TWO, "production")
    live.az.broken.add(ONE)
    with pytest.raises(CloudError, match="may not serve demo-2"):
        live.release().restore("production")
    assert live.az.tags()["step"] == "deploy"


def test_only_the_revision_before_comes_back_by_its_name(live: Shop) -> None:
    before = live.az.tags()["revision"]
    live.release().deploy(TWO, "production")
    live.release().promote("production", 100)
    with pytest.raises(CloudError, match=r"demo-zero is not the revision before demo-2.*rollback production DIGEST"):
        live.release().restore("production", "demo-zero")
    assert not live.az.writes
    live.release().restore("production", before)
    live.serves(ONE)


def test_a_swap_that_was_stopped_and_is_begun_again_remembers_what_served(live: Shop) -> None:
    before = live.az.tags()["revision"]
    live.release().deploy(TWO, "production")
    candidate = live.az.outputs["revision"]
    assert live.killed(1, "after", VERBS["promote"])
    live.release(CANDIDATE=candidate).promote("production", 100)
    live.serves(TWO)
    assert (live.az.tags()["previous"], live.az.tags()["previous-image"]) == (before, ONE)


def test_a_promotion_that_was_killed_once_it_was_proved_is_done_and_tidied_up(
    live: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    live.release().deploy(TWO, "production")
    candidate = live.az.outputs["revision"]
    assert live.killed(2, "after", VERBS["promote"])
    live.release(CANDIDATE=candidate).promote("production", 100)
    assert live.az.writes == ["container delete"]
    assert f"{candidate} already serves" in capsys.readouterr().out
    live.serves(TWO)


@pytest.mark.parametrize("verb", ["deploy", "promote", "restore", "restore by name"])
def test_a_share_that_cannot_be_opened_ends_a_run_before_anything_is_changed(live: Shop, verb: str) -> None:
    before = live.az.tags()["revision"]
    live.release().deploy(TWO, "production")
    if verb == "restore":
        assert live.killed(1, "after", VERBS["promote"])
    elif verb == "restore by name":
        live.release().promote("production", 100)
    release = live.release(SERVICE_CPU="2")
    live.az.refused["storage account"] = "ERROR: (AuthorizationFailed) no"
    with pytest.raises(CloudError, match=r"certificates cannot be opened, and nothing was changed: .*Authorization"):
        release.restore("production", before) if verb == "restore by name" else VERBS[verb](release)
    assert not live.az.writes


def test_an_earlier_release_that_cannot_be_undone_ends_a_deploy(live: Shop) -> None:
    live.release().deploy(TWO, "production")
    release = live.release()
    live.az.refused["container delete"] = "ERROR: (AuthorizationFailed) no"
    with pytest.raises(CloudError, match="the earlier release could not be undone"):
        release.deploy(THREE, "production")
    assert live.az.groups["demo-candidate"]["image"] == TWO


def test_a_deploy_that_is_overtaken_while_its_candidate_starts_is_no_release(live: Shop) -> None:
    release = live.release()

    def overtake() -> None:
        live.az.groups["demo"]["tags"]["candidate"] = "demo-other"

    live.az.after_write = overtake
    with pytest.raises(CloudError, match=r"another deploy has taken over: demo-.* is not the candidate any more"):
        release.deploy(TWO, "production")
    assert "demo-candidate" in live.az.groups, "it may be the other one's"


def test_what_does_not_come_back_is_never_said_to_serve(live: Shop) -> None:
    live.release().deploy(TWO, "production")
    live.release().promote("production", 100)
    live.az.broken.add(ONE)
    before = live.az.tags()["previous"]
    with pytest.raises(CloudError, match=f"may not serve {before}.*deploy {ONE} production"):
        live.release().restore("production", before)
    assert live.az.tags()["step"] == "restore"
    live.release().deploy(THREE, "production")
    assert live.az.tags()["step"] == "deploy"


def test_a_candidate_that_is_expected_is_the_only_one_that_is_touched(live: Shop) -> None:
    live.release().deploy(TWO, "production")
    before = {name: live.az.tags(name) for name in live.az.groups}
    with pytest.raises(CloudError, match="another deploy has taken over"):
        live.release(CANDIDATE="demo-20260101000000-3333333").promote("production", 100)
    live.release(CANDIDATE="demo-20260101000000-3333333").restore("production")
    assert {name: live.az.tags(name) for name in live.az.groups} == before


def test_a_group_that_has_ended_is_made_anew(live: Shop) -> None:
    live.release().deploy(TWO, "production")
    live.az.groups["demo"]["state"] = "Stopped"
    live.release().promote("production", 100)
    live.serves(TWO)


def test_a_resource_group_that_is_not_there_holds_no_service_and_any_other_error_ends_the_run(live: Shop) -> None:
    live.az.refused["container list"] = "ERROR: (ResourceGroupNotFound) Resource group 'demo' could not be found."
    assert not ContainerInstances(live.project, live.az).look("production").exists
    live.az.refused["container list"] = "ERROR: (AuthorizationFailed) not ResourceGroupNotFound"
    with pytest.raises(CloudError, match=r"demo cannot be read; az login, or try again: ERROR: \(Authorization"):
        ContainerInstances(live.project, live.az).look("production")


def test_a_service_without_keys_is_not_made(live: Shop) -> None:
    release = live.release(SERVICE_API_KEYS="")
    live.az.refused["account show"] = "Azure is asked only afterwards"
    with pytest.raises(CloudError, match="would be open to anybody"):
        release.deploy(TWO, "production")
    assert not live.az.writes


@pytest.mark.parametrize(("log", "line"), [("stdout", "'stdout'"), ("bucket", "'az://predictions/production'")])
def test_a_dry_run_shows_the_group_without_its_keys(
    live: Shop, capsys: pytest.CaptureFixture[str], log: str, line: str
) -> None:
    az = live.next_run()
    az.dry_run = True
    project = replace(live.project, prediction_log=log)
    Release(ContainerInstances(project, az), az).deploy(TWO, "production")
    shown = [text for text in capsys.readouterr().out.splitlines() if text.startswith("#")]
    assert shown[0] == "# demo-candidate.yaml, with keys left out:"
    assert any(f"PREDICTION_LOG, value: {line}" in text for text in shown)
    assert not any("a-key" in text or "key-of-the-share" in text for text in shown)


def test_keys_are_read_from_the_file_that_bootstrap_wrote(live: Shop, tmp_path: Path) -> None:
    file = tmp_path / "demo-keys/service/SERVICE_API_KEYS"
    file.parent.mkdir(parents=True)
    file.write_text("key-one,\nkey-two\n", encoding="utf-8")
    settings = {"SERVICE_API_KEYS": "", "XDG_CONFIG_HOME": str(tmp_path)}
    az = live.next_run(**settings)
    assert ContainerInstances(live.project, az).groups.runtime("production").keys == "key-one,key-two"
    state = ContainerInstances(live.project, az).look("production")
    assert ContainerInstances(live.project, az).asking(state).environment == {"SERVICE_API_KEYS": "key-one,key-two"}
