"""The verbs of a set-up, the same on every platform: what their arguments may be, and which part does them."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.deploy.set_up import bootstrap, destroy, rotate
from cd4ml.deploy.set_up.key_files import key_files
from cd4ml.deploy.set_up.patience import Codes, Patience
from cd4ml.deploy.set_up.platform import SetUp
from cd4ml.deploy.set_up.repository import GH
from cd4ml.deploy.set_up.rotate_credentials import KeyRotation
from cd4ml.settings.project import Project

SET_UP_VERBS = ("bootstrap", "doctor", "rotate", "destroy")


def verbs_of(
    make: Callable[[Patience], SetUp], codes: Mapping[str, Codes], project: Project, effects: Effects
) -> dict[str, Callable[..., None]]:
    """Return the verbs of a platform, whose set-up is made from how its tools, whose codes are given, are run."""
    return {verb: partial(run, make, codes, project, effects, verb) for verb in SET_UP_VERBS}


def run(
    make: Callable[[Patience], SetUp],
    codes: Mapping[str, Codes],
    project: Project,
    effects: Effects,
    verb: str,
    *words: str,
) -> None:
    """Run one of SET_UP_VERBS.

    Raises:
        CloudError: it cannot go on.
    """
    patience = Patience(effects, {"gh": GH, **codes}, verb, once=verb in ("doctor", "destroy"))
    set_up = make(patience)
    identities = set_up.identities
    credentials = project.credentials if identities else ""
    files = key_files(project.name, identities.key_secrets if identities else (), effects.environment)
    making = bootstrap.Bootstrap(project, set_up, patience, files)
    with _private_files():
        if verb == "bootstrap":
            making.bootstrap(bootstrap.read_arguments(words, set_up, credentials))
        elif verb == "doctor":
            making.doctor(credentials)
        elif verb == "destroy":
            destroy.destroy(set_up, patience, project.name, destroy.read_arguments(words, project.name))
        else:
            _rotate(making, credentials, words)


def _rotate(making: bootstrap.Bootstrap, credentials: str, words: Sequence[str]) -> None:
    what, finish, set_secrets = rotate.read_arguments(words)
    if what == "credentials":
        _rotate_credentials(making, credentials, finish, set_secrets)
        return
    rotation = rotate.ApiKeyRotation(making.set_up, making.patience, making.jobs)
    if finish:
        rotation.finish()
    else:
        rotation.add()


def _rotate_credentials(making: bootstrap.Bootstrap, credentials: str, finish: bool, set_secrets: bool) -> None:
    identities = making.set_up.identities
    if identities is None:
        raise CloudError("there are no identities here, and so no credentials: rotate takes api-keys")
    if credentials == "oidc":
        print("with oidc there are no keys to rotate")
    elif finish:
        KeyRotation(making, identities).finish()
    else:
        KeyRotation(making, identities).add(set_secrets)


@contextmanager
def _private_files() -> Iterator[None]:
    """Let nobody else read the files that are written meanwhile: keys are among them."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
