"""Fargate as a set-up: aws is asked here, and what it shows becomes steps."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property

from cd4ml.deploy.commands import CloudError, Command, UnreadError
from cd4ml.deploy.fargate import buckets, client_keys, identities, removal, resources, trust
from cd4ml.deploy.fargate.aws import Aws
from cd4ml.deploy.fargate.identities import OF_JOBS
from cd4ml.deploy.fargate.rights import Rights
from cd4ml.deploy.fargate.settings import GITHUB_TOKENS, Place
from cd4ml.deploy.fargate.waiting import Wait
from cd4ml.deploy.names import ENVIRONMENTS, SCRIPT
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.patience import Codes, Patience
from cd4ml.deploy.set_up.platform import CloudSetUp, Key, Removal
from cd4ml.deploy.set_up.retention import days_given
from cd4ml.deploy.set_up.steps import Found, Step
from cd4ml.serving.key_digests import new_key

_NOT_KNOWN_YET = r"\((NoSuchEntity|NoSuchBucket|RepositoryNotFoundException|ResourceNotFoundException)\)"
CODES = Codes(
    absent=(
        r"\((NoSuch(Entity|Bucket|BucketPolicy|PublicAccessBlockConfiguration|LifecycleConfiguration)"
        r"|(Repository|LifecyclePolicy|Resource|Service|Cluster)NotFoundException|ServiceNotActiveException)\)"
    ),
    exists=(
        r"\((EntityAlreadyExists|BucketAlreadyOwnedByYou|RepositoryAlreadyExistsException|ResourceExistsException)\)"
        r"|\(InvalidInput\) when calling the CreateServiceLinkedRole "
    ),
    # a name that was just removed is busy for minutes
    passes=(
        r"\((EntityTemporarilyUnmodifiable|ConcurrentModification|OperationAborted"
        r"|Throttling(Exception)?|ServiceUnavailable)\)"
    ),
    # IAM and S3 tell some of their servers of a change later than others
    unknown=_NOT_KNOWN_YET,
)
"""Those in the errors of aws."""


class FargateSetUp(CloudSetUp):
    """An account of AWS's, as its owner sets it up."""

    key_secrets = client_keys.SECRETS

    def __init__(self, aws: Aws, patience: Patience, wait: Wait) -> None:
        self.aws, self.patience, self.wait, self.effects = aws, patience, wait, patience.effects
        self._find = patience.look
        self._secret_is_new = False

    @property
    def place(self) -> Place:
        """Where things are, and what they are called.

        Raises:
            CloudError: AWS does not know these credentials.
        """
        return self.aws.place

    @cached_property
    def rights(self) -> Rights:
        """Who may do what."""
        return Rights(self.place, self.patience, CODES.unknown)

    # bootstrap and doctor

    def refuse_forbidden_keys(self) -> None:
        """An organisation's policies cannot be asked; where one forbids keys, making one fails."""

    def parts(self, credentials: str, jobs: Jobs, look_only: bool) -> Iterator[tuple[str, Iterator[Step]]]:
        """Return the account, cluster, registry, buckets, the secret, trust in GitHub, and identities."""
        days = days_given(self.effects.environment)
        self.aws.check_account()
        if credentials == "oidc" and not look_only:
            self.rights.ask_github()  # before anything is made
        yield "account", iter([Step("account", f"{self.place.account}, {self.place.region}", Found.THERE)])
        for service in resources.SERVICE_ROLES:
            yield "service role", self._service_role(service)
        yield "cluster", self._cluster()
        yield "registry", self._registry()
        for kind in ("dvc", "predictions"):
            yield "bucket", self._bucket(self.place.bucket(kind), look_only)
        yield "retention", self._log(days)
        yield "secret", self._secret(look_only)
        yield from self.rights.parts(credentials, jobs, look_only)

    def _service_role(self, service: str) -> Iterator[Step]:
        known = self._find(resources.list_service_roles(service), "the list of roles") or {}
        yield resources.service_role(service, known)

    def _cluster(self) -> Iterator[Step]:
        known = self._find(resources.describe_cluster(self.place), f"cluster {self.place.cluster}") or {}
        yield resources.cluster(self.place, known)

    def _registry(self) -> Iterator[Step]:
        name = f"the registry {self.place.slug}"
        yield resources.registry(self.place, self._find(resources.describe_registry(self.place), name))
        rules = f"the lifecycle rules of {name}"
        yield resources.clean_up(self.place, self._find(resources.get_clean_up(self.place), rules, buckets.UNCHANGED))

    def _bucket(self, name: str, look_only: bool) -> Iterator[Step]:
        place, what = self.place, f"s3://{name}"
        known = self._find(buckets.get_location(place, name), what)
        yield buckets.bucket_step(place, name, known)
        if known is None and look_only:
            return
        yield from buckets.closed(place, name, self._find(buckets.get_block(place, name), what))
        told = self._find(buckets.get_policy(place, name), f"the policy of {what}", buckets.UNCHANGED)
        yield from buckets.tls_alone(place, name, told)

    def _log(self, days: int | None) -> Iterator[Step]:
        name = self.place.bucket("predictions")
        what = f"the lifecycle rules of s3://{name}"
        known = self._find(buckets.get_lifecycle(self.place, name), what, buckets.UNCHANGED)
        yield buckets.log_retention(self.place, name, known, days)

    def _secret(self, look_only: bool) -> Iterator[Step]:
        known = self._find(resources.describe_secret(self.place), self.place.secret)
        self._secret_is_new = known is None
        given = self.effects.environment.get("SERVICE_API_KEYS")
        yield resources.secret(self.place, known, "" if look_only else given or new_key())

    def look_at_service(self, environment: str) -> Step:
        """Say whether it is there, open, or in the middle of a release."""
        service = self.aws.look_at_service(environment)
        name = service.name
        if not service.exists:
            return Step("service", f"{name}: cd deploys it", Found.NOT_YET)
        if service.is_open:
            defect = f"{name} wants no API key, and is open to anybody: deploy it again with {SCRIPT}"
            return Step("service", name, Found.WRONG, defect=defect)
        if service.previous or service.wanted:
            defect = f"{name} has a release that did not end: {SCRIPT} restore {environment}"
            return Step("service", name, Found.WRONG, defect=defect)
        return Step("service", f"{name} {service.url}", Found.THERE)

    def variables(self, credentials: str) -> dict[str, str]:
        """Name the region and the account."""
        return {"AWS_REGION": self.place.region, "AWS_ACCOUNT_ID": self.place.account}

    def variables_of(self, who: str, credentials: str) -> dict[str, str]:
        """With oidc, name the role."""
        return {"AWS_ROLE": self.place.role(who)} if credentials == "oidc" else {}

    def log_for_reading(self) -> str:
        """Name the bucket."""
        return f"s3://{self.place.bucket('predictions')}"

    def left_to_do(self) -> str:
        """Name the other bucket to DVC."""
        return f"uv run dvc remote add --default storage s3://{self.place.bucket('dvc')}, git commit .dvc/config"

    # access keys

    def identity(self, who: str) -> str:
        """Return the user's name."""
        return self.place.identity(who)

    def keys_of(self, who: str) -> list[Key]:
        """List a user's keys."""
        listing = client_keys.list_keys(self.place, who)
        told = self.patience.look(listing, f"the keys of {self.identity(who)}", "cannot be listed")
        return client_keys.read_keys(told, datetime.now(UTC))

    def make_key(self, who: str, folder: str) -> Step:
        """Keep in the folder what AWS tells only once."""
        return client_keys.make_key(self.place, who, folder)

    def remove_key(self, who: str, key: Key) -> Command:
        """Let AWS forget it."""
        return client_keys.remove_key(self.place, who, key)

    # keys of clients

    def api_keys(self) -> str:
        """Read what the secret holds; one that was just made is waited for."""
        told = self.patience.find(client_keys.get_value(self.place), CODES.unknown if self._secret_is_new else "")
        if told is None:
            raise UnreadError(f"there is no secret {self.place.secret}")
        return str(told["SecretString"])

    def write_api_keys(self, value: str) -> Step:
        """Write a version."""
        return client_keys.put_value(self.place, value)

    def forget_api_keys(self, before: bool) -> list[Command]:
        """Take the label from the earlier version."""
        told = self._find(client_keys.list_versions(self.place), f"the versions of {self.place.secret}")
        return client_keys.forget_earlier(self.place, told, before)

    def how_to_read_api_keys(self) -> str:
        """Return the command that prints them."""
        return client_keys.show_value(self.place).pasted()

    # destroy

    def whole(self) -> str:
        """Name the region."""
        return f"AWS, {self.place.region}"

    @cached_property
    def _made_provider(self) -> bool:
        what = f"nobody knows who made the identity provider {GITHUB_TOKENS}: its tags"
        return trust.is_made_for(self.place, self._find(trust.list_tags(self.place), what))

    def inventory(self) -> list[tuple[str, str]]:
        """List what is to go."""
        self.aws.check_account()
        return removal.inventory(self.place, self._made_provider)

    def removals(self) -> Iterator[Removal]:
        """Return the commands that remove it: services before their cluster, users before their policies."""
        place = self.place
        yield from removal.services(place)
        if not self.effects.dry_run:
            self._wait_until_services_are_gone()
        yield removal.cluster(place)
        for who in OF_JOBS:
            yield from self._removals_of_user(who)
        for who in OF_JOBS:
            yield from self._removals_of_policy(who)
        for who in removal.ROLES:
            yield from removal.role(place, who)
        yield from removal.what_is_kept(place)
        if self._made_provider:
            yield removal.provider(place)

    def _wait_until_services_are_gone(self) -> None:
        for environment in ENVIRONMENTS:
            self.wait.patience.renew()
            self.wait.until_gone(self.aws.look_at_service(environment), "run this again")

    def _removals_of_user(self, who: str) -> Iterator[Removal]:
        keys: list[Key] = []
        try:
            keys = self.keys_of(who)
        except CloudError as failure:
            yield Removal(None, unread=str(failure))
        yield from removal.user(self.place, who, keys)

    def _removals_of_policy(self, who: str) -> Iterator[Removal]:
        versions: list[str] = []
        try:
            told = self._find(identities.list_versions(self.place, who), f"the versions of {self.identity(who)}")
            versions = identities.other_versions(told)
        except CloudError as failure:
            yield Removal(None, unread=str(failure))
        yield from removal.policy(self.place, who, versions)
