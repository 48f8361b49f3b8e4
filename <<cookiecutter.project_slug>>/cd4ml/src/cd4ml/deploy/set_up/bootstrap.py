"""Make what a project needs, once, as a table. A run that was stopped half-way is completed by running it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import ENVIRONMENTS, SCRIPT
from cd4ml.deploy.set_up.github import GitHub, settings_by_hand
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.key_files import KeyFiles, for_github
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.platform import CloudSetUp, SetUp
from cd4ml.deploy.set_up.repository import find_jobs, find_repository
from cd4ml.deploy.set_up.steps import Found, Step
from cd4ml.deploy.set_up.walk import Walk
from cd4ml.settings.project import Project

CREDENTIALS = ("service-account", "oidc")


@dataclass(frozen=True)
class Asked:
    """What `bootstrap` is to do besides making what is missing."""

    credentials: str
    """How GitHub's jobs sign in to a cloud; empty on a platform without identities."""
    set_secrets: bool = False
    """Whether GitHub is to be told."""
    renew: bool = False
    """Whether to replace what is old."""


def read_arguments(words: Sequence[str], set_up: SetUp, default: str) -> Asked:
    """Return what is asked for.

    Raises:
        CloudError: `bootstrap` takes something else.
    """
    credentials, set_secrets, renew, rest = default, False, False, list(words)
    while rest:
        match rest:
            case ["--credentials", *_] if set_up.identities is None:
                raise CloudError(f"there are no identities here, and so no --credentials; {_takes(set_up)}")
            case ["--credentials", given, *rest]:
                credentials = given
            case ["--credentials"]:
                credentials, rest = "", []
            case ["--set-secrets", *rest]:
                set_secrets = True
            case ["--renew", *rest] if set_up.can_renew:
                renew = True
            case _:
                raise CloudError(_takes(set_up))
    if set_up.identities and credentials not in CREDENTIALS:
        raise CloudError("--credentials is service-account or oidc")
    return Asked(credentials, set_secrets, renew)


def _takes(set_up: SetUp) -> str:
    own = {"--credentials service-account|oidc": set_up.identities is not None, "--renew": set_up.can_renew}
    return f"bootstrap takes {', '.join([*(flag for flag in own if own[flag]), '--set-secrets'])} and --dry-run"


class Bootstrap:
    """One run of `bootstrap`, or of `doctor`, which takes the same walk and only looks."""

    def __init__(self, project: Project, set_up: SetUp, patience: Patience, files: KeyFiles) -> None:
        self.project, self.set_up, self.patience, self.files = project, set_up, patience, files

    @cached_property
    def jobs(self) -> Jobs:
        """Whom GitHub's jobs sign in as."""
        return find_jobs(self.patience.effects)

    def bootstrap(self, asked: Asked) -> None:
        """Make what is missing.

        Raises:
            CloudError: it cannot go on; what was made stays, and the next run goes on from there.
        """
        jobs, identities, credentials = self.jobs, self.set_up.identities, asked.credentials
        if identities and credentials == "service-account":
            identities.refuse_forbidden_keys()
        walk = Walk(self.patience, renew=asked.renew)
        walk.take_parts(self._parts(credentials, look_only=False))
        if asked.set_secrets:
            self.tell_github(walk, credentials)
        if self.patience.effects.dry_run:
            return
        if walk.lacking:
            print(f"left as they were: {walk.lacking} (above is why); {SCRIPT} doctor shows them again")
        elif not walk.made:
            print("everything was there; nothing was changed")
        if not asked.set_secrets:
            print(*settings_by_hand(self.project, self.set_up, jobs, credentials), sep="\n")
            print(*for_github(self.files, jobs, credentials), sep="\n")
        print(f"the key to ask the service with: {self.set_up.how_to_read_api_keys()}")
        print(f"next: {self.set_up.left_to_do()}; then make doctor")

    def doctor(self, credentials: str) -> None:
        """Print a table of what is there, missing or wrong.

        Raises:
            CloudError: something is.
        """
        walk = Walk(self.patience, look_only=True)
        walk.take_parts(self._parts(credentials, look_only=True))
        walk.take_parts(("service", self._service(environment)) for environment in ENVIRONMENTS)
        if walk.lacking:
            raise CloudError(f"{walk.lacking} missing or wrong; what is missing: {SCRIPT} bootstrap")

    def tell_github(self, walk: Walk, credentials: str) -> None:
        """Set the environments, variables and secrets of the repository.

        Raises:
            CloudError: one cannot be set, or gh cannot read the repository.
        """
        repository = find_repository(self.patience.effects)
        github = GitHub(self.patience, repository, self.jobs)
        walk.take(github.steps(self.project, self.set_up, credentials, self.files))
        if self.jobs.by_environment:
            settings = f"https://github.com/{repository.name}/settings/environments"
            self.patience.effects.say(f"still yours to say: who approves, in {settings}")

    def _parts(self, credentials: str, look_only: bool) -> Iterator[tuple[str, Iterator[Step]]]:
        yield from self.set_up.parts(credentials, self.jobs, look_only)
        if (identities := self.set_up.identities) and credentials == "service-account":
            yield "key", self._keys(identities, look_only)

    def _service(self, environment: str) -> Iterator[Step]:
        yield self.set_up.look_at_service(environment)

    def _keys(self, identities: CloudSetUp, look_only: bool) -> Iterator[Step]:
        """A key for each identity that signs in, where there is none."""
        for who in self.jobs.signing_in:
            keys, name = identities.keys_of(who), identities.identity(who)
            if not keys:
                if not (look_only or self.patience.effects.dry_run):
                    self.files.make_folder(who)
                yield identities.make_key(who, str(self.files.of(who)))
                continue
            yield Step("key", name, Found.THERE)
            if any(key.is_old for key in keys):
                yield Step("key", f"{name} is older than 90 days: {SCRIPT} rotate credentials", Found.OLD)
