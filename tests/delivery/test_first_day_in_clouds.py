"""A whole first day in a new account that enforces its policies and takes its time, and a whole rollback there.

bootstrap makes everything and tells GitHub; doctor finds nothing missing; the first push goes to production, a second
release replaces it, and a rollback brings the first one back. Nothing is made by the test itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.aws import cloud as aws
from tests.delivery.aws.delivery import Fargate, account
from tests.delivery.delivery import KEY, Need, delivered
from tests.delivery.github import GitHub
from tests.delivery.stand_ins.script import owner
from tests.delivery.story import released_twice_and_rolled_back
from tests.delivery.world import shorten
from tests.project.baked import Project


def take_over(github: GitHub, told: Path) -> None:
    """Give GitHub what `gh` was told; the repository has the numbers that `gh` reports."""
    github.owner_id, github.repository_id = 815, 4711
    kept = json.loads(told.read_text())
    for place, secrets in kept["secret"].items():
        github.environments[place].secrets = secrets
    for place, variables in kept["variable"].items():
        (github.vars if place == "repository" else github.environments[place].vars).update(variables)


@dataclass(frozen=True)
class NewAccount(Fargate):
    """An account of Amazon's in which the project's owner sets everything up."""

    set_up: Callable[[Fargate, GitHub], None]

    def keys(self, github: GitHub) -> None:
        self.set_up(self, github)


@pytest.mark.drill
def test_a_first_day_on_aws(bake: Bake, need: Need, need_runner: None, engine: None, uv: str, tmp_path: Path) -> None:
    project = Project(bake(into=tmp_path / "baked", platform="fargate", github_owner="acme"))
    shorten(project, ci=False)
    (tmp_path / "desk").mkdir()
    desk = owner(tmp_path / "desk", os.environ["PATH"])

    def bootstrap(made: Fargate, github: GitHub) -> None:
        here = made.settings | made.moto.settings | desk | {
            "AWS_REGION": aws.REGION, "AWS_DEFAULT_REGION": aws.REGION, "INSIST_PAUSE": "1",
        }  # fmt: skip
        delays = made.moto.gate.delays
        delays.calls = 3
        said = project.cd4ml("cloud", "bootstrap", "--set-secrets", settings=here | {"SERVICE_API_KEYS": KEY}).stdout
        assert "made     service role" in said
        assert "waiting, as this passes: An error occurred (NoSuchEntity)" in said
        assert delays.met
        delays.pass_by()
        assert "missing" not in project.cd4ml("cloud", "doctor", settings=here).stdout
        take_over(github, Path(desk["GH_STATE"]))
        made.works_as_its_role()

    @contextmanager
    def new_account(need: Need, folder: Path, registry: str) -> Iterator[Fargate]:
        with account(need, folder, registry) as empty:
            made = NewAccount(empty.ecs, empty.moto, empty.authority, empty.settings, empty.variables, bootstrap)
            yield made
            assert not made.moto.gate.refused, "somebody was refused what it needs"
            assert not made.moto.gate.unknown
            assert not made.ecs.unknown

    with delivered(project, need, tmp_path, new_account) as delivery:
        released_twice_and_rolled_back(delivery)
