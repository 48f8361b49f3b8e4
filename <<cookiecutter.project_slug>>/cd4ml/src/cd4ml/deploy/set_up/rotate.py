"""New keys beside the old ones first; the old ones go in a second step, when nobody needs them any more."""

from collections.abc import Sequence
from dataclasses import replace

from cd4ml.deploy.commands import CloudError, Command, UnreadError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.bootstrap import Bootstrap
from cd4ml.deploy.set_up.carry_out import carry_out
from cd4ml.deploy.set_up.identities import DEPLOYER
from cd4ml.deploy.set_up.key_files import for_github
from cd4ml.deploy.set_up.patience import RefusedError
from cd4ml.deploy.set_up.platform import CloudSetUp
from cd4ml.deploy.set_up.walk import Walk
from cd4ml.serving.key_digests import new_key

_AGAIN = "(above is why); run this again"


def read_arguments(words: Sequence[str]) -> tuple[str, bool, bool]:
    """Return what to rotate, whether to finish that, and whether GitHub is to be told.

    Raises:
        CloudError: `rotate` takes something else.
    """
    what, *flags = [*words] or [""]
    if set(flags) - {"--finish", "--set-secrets"}:
        raise CloudError("rotate takes api-keys or credentials, --finish and --set-secrets")
    if what not in ("api-keys", "credentials"):
        raise CloudError("rotate takes api-keys or credentials")
    return what, "--finish" in flags, "--set-secrets" in flags


class Rotation:
    """One run of `rotate`."""

    def __init__(self, bootstrap: Bootstrap) -> None:
        self.bootstrap, self.set_up, self.patience = bootstrap, bootstrap.set_up, bootstrap.patience
        self.files = bootstrap.files

    def add_api_key(self) -> None:
        """Put a new key in front of those that clients of the service send: the first is what smoke tests send.

        Raises:
            CloudError: they cannot be read or written.
        """
        carry_out(self.set_up.write_api_keys(f"{new_key()},{self._api_keys()}"), self.patience)
        self._after(f"give clients the new key, the first one in the secret; then {SCRIPT} rotate api-keys --finish")

    def keep_newest_api_key(self) -> None:
        """Remove the other keys, which stop working with the next deploy.

        Raises:
            CloudError: there are none, or they cannot be read or written.
        """
        newest, *others = self._api_keys().split(",")
        if others:
            carry_out(self.set_up.write_api_keys(newest), self.patience)
        earlier = self.set_up.forget_api_keys(before=self.patience.effects.dry_run and bool(others))
        if not others and not earlier:
            raise CloudError("there is one key alone: nothing to finish")
        for command in earlier:
            self._change(command, f"the earlier API keys could not be removed {_AGAIN}")
        self._after("the old keys stop working with that deploy")

    def credentials(self, credentials: str, finish: bool, set_secrets: bool) -> None:
        """Make a second key for each identity that signs in, or, to finish, remove all but the newest.

        Raises:
            CloudError: there are none, it is not the time for that, or a key could not be made or removed.
        """
        if credentials == "oidc":
            print("with oidc there are no keys to rotate")
            return
        identities = self.set_up.identities
        if identities is None:
            raise CloudError("there are no identities here, and so no credentials: rotate takes api-keys")
        jobs = self.bootstrap.jobs
        self._check_turn(identities, finish)
        for who in jobs.signing_in:
            keys = identities.keys_of(who)
            if finish:
                for key in keys[:-1]:
                    self._change(identities.remove_key(who, key), f"a key of {who} could not be removed {_AGAIN}")
            elif len(keys) < 2:
                self._make_key(identities, who)
        if finish:
            return
        if set_secrets:
            self.bootstrap.tell_github(Walk(self.patience), credentials)
        else:
            print(*for_github(self.files, jobs, credentials), sep="\n")
        print(f"next: run a workflow with the new keys, then {SCRIPT} rotate credentials --finish")

    def _check_turn(self, identities: CloudSetUp, finish: bool) -> None:
        """The deployer's turn is last: who was stopped half-way goes on with those that have had none."""
        last, name = identities.keys_of(DEPLOYER), identities.identity(DEPLOYER)
        if not finish:
            if len(last) > 1 and self.files.is_empty:
                raise CloudError(f"{name} has two keys already: {SCRIPT} rotate credentials --finish first")
            return
        if not self.files.is_empty:
            again = f"{SCRIPT} rotate credentials --set-secrets sets them there"
            raise CloudError(f"GitHub may not know the new keys yet, which are in {self.files.folder} still: {again}")
        if len(last) < 2:
            raise CloudError(f"{name} has one key alone: nothing to finish")

    def _make_key(self, identities: CloudSetUp, who: str) -> None:
        if not self.patience.effects.dry_run:
            self.files.make_folder(who)
        step = identities.make_key(who, str(self.files.of(who)))
        carry_out(replace(step, fails=f"no new key for {who} {_AGAIN}"), self.patience)

    def _change(self, command: Command, failure: str) -> None:
        try:
            self.patience.change(command)
        except RefusedError:
            raise CloudError(failure) from None

    def _api_keys(self) -> str:
        try:
            return self.set_up.api_keys()
        except UnreadError:
            raise CloudError(f"the API keys cannot be read: {SCRIPT} bootstrap") from None

    def _after(self, then: str) -> None:
        """Say what is next: running instances keep the keys that they started with."""
        read = self.set_up.how_to_read_api_keys()
        print(f"set it on GitHub: {read} | gh secret set SERVICE_API_KEYS --env production (and staging)")
        print(
            "next: deploy the release again, so that it reads the keys "
            "(rerun cd with force, or deploy and promote its image)"
        )
        print(f"then: {then}")
