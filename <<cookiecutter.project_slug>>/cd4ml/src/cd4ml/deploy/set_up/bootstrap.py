"""Make what a project needs, once, as a table. A run that was stopped half-way is completed by running it again."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import ENVIRONMENTS, SCRIPT
from cd4ml.deploy.set_up.github import GitHub
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.key_files import KeyFiles, for_github
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.platform import SetUp
from cd4ml.deploy.set_up.repository import find_jobs, find_repository
from cd4ml.deploy.set_up.steps import Found, Step
from cd4ml.deploy.set_up.walk import Walk
from cd4ml.settings.project import Project

CREDENTIALS = ("service-account", "oidc")


def read_arguments(words: Sequence[str], default: str) -> tuple[str, bool]:
    """Return the credentials, and whether GitHub is to be told.

    Raises:
        CloudError: `bootstrap` takes something else.
    """
    credentials, set_secrets, rest = default, False, list(words)
    while rest:
        match rest:
            case ["--credentials", given, *rest]:
                credentials = given
            case ["--credentials"]:
                credentials, rest = "", []
            case ["--set-secrets", *rest]:
                set_secrets = True
            case _:
                raise CloudError("bootstrap takes --credentials service-account|oidc, --set-secrets and --dry-run")
    if credentials not in CREDENTIALS:
        raise CloudError("--credentials is service-account or oidc")
    return credentials, set_secrets


class Bootstrap:
    """One run of `bootstrap`, or of `doctor`, which takes the same walk and only looks."""

    def __init__(self, project: Project, set_up: SetUp, patience: Patience, files: KeyFiles) -> None:
        self.project, self.set_up, self.patience, self.files = project, set_up, patience, files

    @cached_property
    def jobs(self) -> Jobs:
        """Whom GitHub's jobs sign in as."""
        return find_jobs(self.patience.effects)

    def bootstrap(self, credentials: str, set_secrets: bool) -> None:
        """Make what is missing.

        Raises:
            CloudError: it cannot go on; what was made stays, and the next run goes on from there.
        """
        jobs = self.jobs
        if credentials == "service-account":
            self.set_up.refuse_forbidden_keys()
        walk = Walk(self.patience)
        walk.take_parts(self._parts(credentials, look_only=False))
        if set_secrets:
            self.tell_github(walk, credentials)
        if self.patience.effects.dry_run:
            return
        if not walk.made:
            print("everything was there; nothing was changed")
        if not set_secrets:
            print(*for_github(self.files, jobs, credentials), sep="\n")
        print(f"the key to ask the service with: {self.set_up.how_to_read_api_keys()}")
        print(f"next: {self.set_up.how_to_keep_data()}, git commit .dvc/config; then make doctor")

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
        if credentials == "service-account":
            yield "key", self._keys(look_only)

    def _service(self, environment: str) -> Iterator[Step]:
        yield self.set_up.look_at_service(environment)

    def _keys(self, look_only: bool) -> Iterator[Step]:
        """A key for each identity that signs in, where there is none."""
        for who in self.jobs.signing_in:
            keys, name = self.set_up.keys_of(who), self.set_up.identity(who)
            if not keys:
                if not (look_only or self.patience.effects.dry_run):
                    self.files.make_folder(who)
                yield self.set_up.make_key(who, str(self.files.of(who)))
                continue
            yield Step("key", name, Found.THERE)
            if any(key.is_old for key in keys):
                yield Step("key", f"{name} is older than 90 days: {SCRIPT} rotate credentials", Found.OLD)
