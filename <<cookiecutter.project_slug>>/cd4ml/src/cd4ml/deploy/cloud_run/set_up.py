"""Cloud Run as a set-up: gcloud is asked here, and what it shows becomes steps."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property

from cd4ml.deploy.cloud_run import client_keys, removal, resources, roles, trust
from cd4ml.deploy.cloud_run.service import Service
from cd4ml.deploy.cloud_run.settings import Place, check_names
from cd4ml.deploy.commands import CloudError, Command, UnreadError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.patience import Codes, Patience
from cd4ml.deploy.set_up.platform import CloudSetUp, Key, Removal
from cd4ml.deploy.set_up.repository import find_repository
from cd4ml.deploy.set_up.retention import days_given
from cd4ml.deploy.set_up.steps import Found, Step
from cd4ml.serving.key_digests import new_key

CODES = Codes(
    absent=r"\) NOT_FOUND:|HTTPError 404|: 404\.(\s|$)",
    disabled="SERVICE_DISABLED",
    # gcloud words a 409 of these two by itself; what else is in conflict, such as a policy, is not there for it
    exists=(
        r"\) ALREADY_EXISTS:"
        r"|\(gcloud\.(iam\.service-accounts|secrets)\.create\) "
        r"Resource in projects \[[^]]*\] is the subject of a conflict"
    ),
    passes=r"\) (ABORTED|UNAVAILABLE|RESOURCE_EXHAUSTED):",
)
"""Those in the errors of gcloud."""


class CloudRunSetUp(CloudSetUp):
    """A project of Google's, as its owner sets it up."""

    key_secrets = (client_keys.SECRET,)

    def __init__(
        self,
        place: Place,
        patience: Patience,
        project_number: Callable[[], str],
        look: Callable[[str], Service],
    ) -> None:
        self.place, self.patience, self.effects = place, patience, patience.effects
        self._project_number, self._look, self._find = project_number, look, patience.look

    @cached_property
    def number(self) -> str:
        """The project's number.

        Raises:
            CloudError: it cannot be read.
        """
        return self._project_number()

    # bootstrap and doctor

    def refuse_forbidden_keys(self) -> None:
        """Ask for the organisation's policy; who may not read it goes on, and sees whether keys can be made."""
        try:
            policy = self.effects.read(client_keys.describe_policy(self.place))
        except UnreadError:
            return
        if policy.get("booleanPolicy", {}).get("enforced") and not self.keys_of("deployer"):
            raise CloudError(
                f"the organisation forbids keys ({client_keys.FORBIDS_KEYS}): {SCRIPT} bootstrap --credentials oidc"
            )

    def parts(self, credentials: str, jobs: Jobs, look_only: bool) -> Iterator[tuple[str, Iterator[Step]]]:
        """Return the project, APIs, registry, accounts, buckets, the secret, roles, and trust in GitHub."""
        days = days_given(self.effects.environment)
        check_names(self.place.slug, credentials)
        yield "project", iter([Step("project", f"{self.place.project} ({self.number})", Found.THERE)])
        yield "APIs", self._apis()
        yield "registry", self._registry()
        yield "identity", self._accounts(jobs)
        yield "bucket", self._data()
        yield "bucket", self._log(days)
        yield "secret", self._secret(look_only)
        for resource in roles.resources(self.place, self.number):
            yield "role", self._roles(resource, jobs)
        if credentials == "oidc":
            yield "trust", self._trust(jobs, look_only)

    def _apis(self) -> Iterator[Step]:
        enabled = self._find(resources.list_apis(self.place), "the list of APIs") or []
        yield resources.apis(self.place, enabled)

    def _registry(self) -> Iterator[Step]:
        known = self._find(resources.describe_registry(self.place), self.place.slug)
        yield resources.registry(self.place, known)
        yield resources.clean_up(self.place, known)

    def _accounts(self, jobs: Jobs) -> Iterator[Step]:
        known = self._find(resources.list_accounts(self.place), "the list of service accounts") or []
        yield from resources.accounts(self.place, jobs, {account["email"] for account in known})

    def _data(self) -> Iterator[Step]:
        bucket = self.place.bucket("dvc", self.number)
        yield resources.bucket_step(self.place, bucket, self._find(resources.describe_bucket(bucket), bucket))

    def _log(self, days: int | None) -> Iterator[Step]:
        bucket = self.place.bucket("predictions", self.number)
        try:
            known = self.patience.find(resources.describe_bucket(bucket, "lifecycle_config"))
        except UnreadError as failure:
            raise CloudError(f"{resources.unread_rules(bucket)}: {failure}") from None
        yield resources.bucket_step(self.place, bucket, known)
        yield resources.log_retention(bucket, known, days)

    def _secret(self, look_only: bool) -> Iterator[Step]:
        known = self._find(resources.describe_secret(self.place), self.place.secret)
        given = self.effects.environment.get("SERVICE_API_KEYS")
        yield resources.secret(self.place, known, "" if look_only else given or new_key())

    def _roles(self, resource: roles.Resource, jobs: Jobs) -> Iterator[Step]:
        policy = self._find(resource.policy(), f"who may use {resource.name[0]}")
        yield from roles.grants(self.place, jobs, resource, roles.bindings(policy))

    def _trust(self, jobs: Jobs, look_only: bool) -> Iterator[Step]:
        """Let this repository's workflows, by the environment they run in, sign in without a key."""
        place, repository = self.place, find_repository(self.effects)
        looks_for_pool, looks_for_provider = trust.describe_pool(place), trust.describe_provider(place)
        state = (self._find(looks_for_pool, f"identity pool {place.pool}") or {}).get("state", "")
        yield (step := trust.pool_step(place, state))
        was_deleted = state == "DELETED"
        if was_deleted:
            self._wait_until_active(step, place.pool, looks_for_pool, look_only)
        provider = self._provider(looks_for_provider)
        if provider.state == "DELETED":
            was_deleted = True
            yield (step := trust.restored_provider(place))
            self._wait_until_active(step, trust.PROVIDER, looks_for_provider, look_only)
            if not (look_only or self.effects.dry_run):
                provider = self._provider(looks_for_provider)
        if not (look_only and provider.state == "DELETED"):
            step_of_provider = trust.provider_step(place, repository, jobs, provider, was_deleted)
            if step_of_provider:
                yield step_of_provider
        for who in jobs.signing_in:
            policy = self._find(roles.account_policy(place, who), f"who may sign in as {place.account_id(who)}")
            yield from trust.members(place, self.number, repository, jobs, who, roles.bindings(policy))

    def _provider(self, look: Command) -> trust.Provider:
        return trust.read_provider(self._find(look, f"identity provider {trust.PROVIDER}"))

    def _wait_until_active(self, step: Step, name: str, look: Command, look_only: bool) -> None:
        """Wait until Google has brought it back, as nothing that is deleted can be updated."""
        if look_only or self.effects.dry_run:
            return
        if not self.patience.until(lambda: (self._find(look, name) or {}).get("state") == "ACTIVE"):
            raise CloudError(f"{step.what} {name} is not restored yet: run bootstrap again in a minute")

    def look_at_service(self, environment: str) -> Step:
        """Say whether it is there, open, or in the middle of a release."""
        service = self._look(environment)
        if not service.exists:
            return Step("service", f"{service.name}: cd deploys it", Found.NOT_YET)
        policy = self._find(roles.service_policy(self.place, service.name), f"who may use {service.name}")
        if roles.is_open(policy):
            close = ("gcloud", "run", "services", "remove-iam-policy-binding", service.name, *self.place.flags)
            defect = f"{service.name} is open to anybody: {' '.join(close)} --member allUsers --role roles/run.invoker"
            return Step("service", service.name, Found.WRONG, defect=defect)
        if service.previous:
            defect = f"{service.name} has a release that did not end: {SCRIPT} restore {environment}"
            return Step("service", service.name, Found.WRONG, defect=defect)
        return Step("service", f"{service.name} {service.url}", Found.THERE)

    def variables(self, credentials: str) -> dict[str, str]:
        """Name the project, and with oidc the provider."""
        named = {"GCP_PROJECT": self.place.project, "GCP_REGION": self.place.region}
        if credentials == "oidc":
            named["GCP_WORKLOAD_IDENTITY_PROVIDER"] = trust.provider_name(self.place, self.number)
        return named

    def variables_of(self, who: str, credentials: str) -> dict[str, str]:
        """With oidc, name the account."""
        return {"GCP_SERVICE_ACCOUNT": self.place.account(who)} if credentials == "oidc" else {}

    def log_for_reading(self) -> str:
        """Name the bucket."""
        return self.place.bucket("predictions", self.number)

    def left_to_do(self) -> str:
        """Name the other bucket to DVC."""
        return (
            f"uv run dvc remote add --default storage {self.place.bucket('dvc', self.number)}, git commit .dvc/config"
        )

    # keys of service accounts

    def identity(self, who: str) -> str:
        """Return the account's id."""
        return self.place.account_id(who)

    def keys_of(self, who: str) -> list[Key]:
        """List the keys that people made."""
        listing = client_keys.list_keys(self.place, who)
        told = self.patience.look(listing, f"the keys of {self.identity(who)}", "cannot be listed")
        return client_keys.read_keys(told, datetime.now(UTC))

    def make_key(self, who: str, folder: str) -> Step:
        """Let gcloud write it into the folder."""
        return client_keys.make_key(self.place, who, folder)

    def remove_key(self, who: str, key: Key) -> Command:
        """Let Google forget it."""
        return client_keys.remove_key(self.place, who, key)

    # keys of clients

    def api_keys(self) -> str:
        """Read the newest version of the secret."""
        return self.effects.read_text(client_keys.access(self.place))

    def write_api_keys(self, value: str) -> Step:
        """Add a version."""
        return client_keys.add_version(self.place, value)

    def forget_api_keys(self, before: bool) -> list[Command]:
        """Destroy earlier versions."""
        told = self._find(client_keys.list_versions(self.place), f"the versions of {self.place.secret}")
        return client_keys.destroy_versions(self.place, told or [], but_newest=not before)

    def how_to_read_api_keys(self) -> str:
        """Return the command that prints them."""
        return client_keys.access(self.place).pasted()

    # destroy

    def whole(self) -> str:
        """Name the project."""
        return f"project {self.place.project}"

    def inventory(self) -> list[tuple[str, str]]:
        """List what is to go."""
        return removal.inventory(self.place, self.number)

    def removals(self) -> list[Removal]:
        """Return the commands that remove it."""
        return removal.removals(self.place, self.number)
