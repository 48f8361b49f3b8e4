"""A newcomer sets a platform up by the commands of its page, and by those that they print, with the real tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery import clouds
from tests.delivery.aws.cloud import moto, need_aws
from tests.delivery.aws.site import site_on_aws
from tests.delivery.azure import cloud as azure
from tests.delivery.azure.site import site_on_azure
from tests.delivery.clouds import Need
from tests.delivery.google.delivery import NO_GRPC, make_bucket
from tests.delivery.google.site import site_on_google
from tests.delivery.stand_ins.script import SettingUp
from tests.delivery.world import shorten
from tests.project.baked import Project

AUTHOR = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

Place = tuple[SettingUp, Callable[[], AbstractContextManager[dict[str, str]]]]
"""Where to set up, and the storage that was made there, with the settings by which programs find it."""


@contextmanager
def on_google(bake: Bake, need: Need, folder: Path) -> Iterator[Place]:
    with site_on_google(bake, need, folder) as site, clouds.gcs(need, folder) as emulator:

        @contextmanager
        def storage() -> Iterator[dict[str, str]]:
            for bucket in (path for path in site.google.resources.resources if re.fullmatch(r"/b/[^/]+", path)):
                make_bucket(emulator["STORAGE_EMULATOR_HOST"], bucket.removeprefix("/b/"))
            yield emulator | NO_GRPC

        yield site, storage


@contextmanager
def on_aws(bake: Bake, need: Need, folder: Path) -> Iterator[Place]:
    need_aws(need)
    with moto(need, folder) as server, site_on_aws(bake, server, folder) as site:
        yield site, lambda: nullcontext(server.settings)


@contextmanager
def on_azure(bake: Bake, need: Need, folder: Path) -> Iterator[Place]:
    with site_on_azure(bake, need, folder) as site, clouds.azure(need, folder) as azurite:

        @contextmanager
        def storage() -> Iterator[dict[str, str]]:
            assert len([path for path in site.azure.resources.kept if path.endswith("/containers/dvc")]) == 1
            reached = azurite | {"PATH": site.settings["PATH"], "AZURE_CONFIG_DIR": str(folder / "az-of-storage")}
            azure.run(reached, "storage", "container", "create", "--name", "dvc")
            yield azurite

        yield site, storage


PLACES: dict[str, Callable[[Bake, Need, Path], AbstractContextManager[Place]]] = {
    "cloud-run": on_google,
    "fargate": on_aws,
    "aci": on_azure,
}


@pytest.mark.parametrize(
    "platform", [pytest.param(name, marks=[] if name == "fargate" else pytest.mark.drill) for name in PLACES]
)
def test_a_newcomer_sets_up_what_the_page_says(platform: str, bake: Bake, need: Need, uv: str, tmp_path: Path) -> None:
    with PLACES[platform](bake, need, tmp_path) as (site, storage):
        project = Project(site.project)
        shorten(project)
        project.make("train")
        project.commit("the first model")

        here = site.settings | {"GIT_EDITOR": "printf 'a remote\\n' >", **AUTHOR}
        shown = set_up(project.folder / f"docs/{platform}.md").replace("my-project", "demo-project")
        made = project.run("bash", "-euc", shown, settings=here).stdout
        assert "nothing was changed" in project.run("bash", "-euc", shown, settings=here).stdout
        with storage() as found:
            for command in next_commands(made):
                project.run("bash", "-euc", command, settings=here | found)
            kept = project.run("uv", "run", "dvc", "status", "--cloud", settings=here | found).stdout
            assert "Cache and remote 'storage' are in sync" in kept

        project.make("doctor", settings=here)
        looked = project.cd4ml("cloud", "doctor", settings=here).stdout
        rows = set(re.findall(r"^  (there|not yet|made|missing|wrong) ", looked, re.MULTILINE))
        assert rows == {"there", "not yet"}, looked


def set_up(page: Path) -> str:
    """The commands of a page's first step that has some."""
    block = page.read_text(encoding="utf-8").split("## Set up")[1].split("```")[1]
    return "\n".join(line.strip() for line in block.strip().splitlines())


def next_commands(said: str) -> list[str]:
    """What bootstrap says is next, and what keeps it."""
    told = re.fullmatch(r"next: (.*), (git commit \.dvc/config); then make doctor", said.splitlines()[-1])
    assert told, said
    return [*told[1].split(", "), told[2], "make push"]
