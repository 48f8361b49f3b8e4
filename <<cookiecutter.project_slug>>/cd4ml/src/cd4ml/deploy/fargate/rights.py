"""Ask IAM who may do what, and say what is to be made or mended of it."""

from collections.abc import Iterator

from cd4ml.deploy.commands import CloudError, UnreadError
from cd4ml.deploy.fargate import identities, trust
from cd4ml.deploy.fargate.identities import OF_THE_SERVICE, OWN_POLICY, Held
from cd4ml.deploy.fargate.settings import GITHUB_TOKENS, Place
from cd4ml.deploy.set_up.identities import DEPLOYER, READER, TRAINER, Jobs
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.repository import Repository, find_repository
from cd4ml.deploy.set_up.steps import Step
from cd4ml.deploy.set_up.subjects import find_prefix, subject


class Rights:
    """The users, roles and policies of a project; `unknown` are the codes that say that something is too new."""

    def __init__(self, place: Place, patience: Patience, unknown: str) -> None:
        self.place, self.patience, self.unknown = place, patience, unknown
        self._find = patience.look
        self._trusted: tuple[str, Repository] | None = None

    def parts(self, credentials: str, jobs: Jobs, look_only: bool) -> Iterator[tuple[str, Iterator[Step]]]:
        """Return those of GitHub's jobs, users or, with oidc, roles; and those of the service."""
        works_for_all = () if jobs.by_environment else (READER, TRAINER)
        if credentials == "oidc":
            yield "identity provider", self._provider()
            for who in jobs.signing_in:
                yield "identity", self._role_of_jobs(who, jobs)
            for who in works_for_all:
                yield "policy", self._may_as_role(who, DEPLOYER)
        else:
            for who in jobs.signing_in:
                yield "identity", self._user(who, look_only)
            for who in works_for_all:
                yield "policy", self._may_as_user(who, DEPLOYER, look_only)
        for who, trusted in OF_THE_SERVICE.items():
            yield "identity", self._role(who, trusted)

    def ask_github(self) -> tuple[str, Repository]:
        """Ask how its tokens name this repository, once.

        Raises:
            CloudError: it does not say that, or names it as no policy here does.
        """
        if self._trusted is None:
            repository = find_repository(self.patience.effects)
            self._trusted = trust.check(find_prefix(self.patience.effects, repository)), repository
        return self._trusted

    def _provider(self) -> Iterator[Step]:
        self.ask_github()  # nobody would be trusted without
        known = self._find(trust.describe_provider(self.place), f"identity provider {GITHUB_TOKENS}")
        yield from trust.provider_steps(self.place, known)

    def _user(self, who: str, look_only: bool) -> Iterator[Step]:
        known = self._find(identities.get_user(self.place, who), f"user {self.place.identity(who)}")
        yield identities.user(self.place, who, known)
        yield from self._may_as_user(who, who, look_only)

    def _may_as_user(self, who: str, user: str, look_only: bool) -> Iterator[Step]:
        place, name = self.place, self.place.identity(user)
        held = self._held(who)
        if held.version and not look_only and not identities.is_as_written(place, who, held):
            told = self._find(
                identities.list_versions(place, who), f"the versions of {place.policy(who)}",
                "cannot be listed, and it was not changed",
            )  # fmt: skip
            yield from identities.room(place, who, identities.other_versions(told))
        yield identities.customer_policy(place, who, held)
        told = self._find(identities.list_attached(place, user, "user"), f"what is attached to {name}")
        yield identities.attachment(place, who, user, told)
        told = self._find(identities.list_inline(place, user), f"the inline policies of {name}")
        yield from identities.without_inline(place, who, user, told)

    def _held(self, who: str) -> Held:
        """Read the version of a policy that is in force, which is waited for, as the policy is known."""
        name = f"the policy {self.place.identity(who)}"
        known = self._find(identities.get_policy(self.place, who), name)
        if known is None:
            return Held()
        version: str = known["Policy"]["DefaultVersionId"]
        try:
            told = self.patience.find(identities.get_version(self.place, who, version), self.unknown)
        except UnreadError as failure:
            raise CloudError(f"{name} cannot be read, and was not changed: {failure}") from None
        return Held(version, told["PolicyVersion"]["Document"] if told else None)

    def _role_of_jobs(self, who: str, jobs: Jobs) -> Iterator[Step]:
        subjects = [subject(*self.ask_github(), environment) for environment in jobs.environments_of(who)]
        yield from self._role(who, "github", *subjects)

    def _role(self, who: str, trusted: str, *subjects: str) -> Iterator[Step]:
        place, name = self.place, self.place.identity(who)
        known = self._find(identities.get_role(place, who), f"role {name}")
        yield from identities.role(place, who, trusted, subjects, known)
        if who in OWN_POLICY:
            yield from self._may_as_role(who, who)
        if identities.managed(place, who):
            told = self._find(identities.list_attached(place, who, "role"), f"what is attached to {name}")
            yield identities.managed_policy(place, who, told)

    def _may_as_role(self, who: str, role: str) -> Iterator[Step]:
        command = identities.get_role_policy(self.place, who, role)
        known = self._find(command, f"the policy {who} of {self.place.identity(role)}")
        yield identities.role_policy(self.place, who, role, known)
