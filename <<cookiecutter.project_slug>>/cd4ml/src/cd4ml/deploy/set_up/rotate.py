"""New keys of clients beside the old ones first; the old ones go when nobody needs them any more."""

from collections.abc import Sequence

from cd4ml.deploy.commands import CloudError, UnreadError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.carry_out import carry_out
from cd4ml.deploy.set_up.identities import DEPLOYER, Jobs, environment_flag
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.platform import SetUp
from cd4ml.deploy.set_up.steps import Found, Step
from cd4ml.deploy.set_up.walk import show_row
from cd4ml.serving.key_digests import new_key


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
    if what == "api-keys" and "--set-secrets" in flags:
        raise CloudError("rotate api-keys takes --finish: it prints what sets them on GitHub")
    return what, "--finish" in flags, "--set-secrets" in flags


class ApiKeyRotation:
    """One run of `rotate api-keys`."""

    def __init__(self, set_up: SetUp, patience: Patience, jobs: Jobs) -> None:
        self.set_up, self.patience, self.jobs = set_up, patience, jobs

    def add(self) -> None:
        """Put a new key in front of those that clients of the service send: the first is what smoke tests send.

        Raises:
            CloudError: they cannot be read or written.
        """
        self._write(f"{new_key()},{self._api_keys()}", "made", "the first one")
        self._after(f"give clients the new key, the first one in the secret; then {SCRIPT} rotate api-keys --finish")

    def finish(self) -> None:
        """Remove the other keys, which stop working with the next deploy.

        Raises:
            CloudError: there are none, or they cannot be read or written.
        """
        newest, *others = self._api_keys().split(",")
        if others:
            self._write(newest, "removed", f"all but the first, {len(others)},")
        earlier = self.set_up.forget_api_keys(before=self.patience.effects.dry_run and bool(others))
        if not others and not earlier:
            raise CloudError("there is one key alone: nothing to finish")
        fails = "the earlier API keys could not be removed (above is why); run this again"
        for command in earlier:
            carry_out(Step("API keys", "earlier", Found.OLD, command, fails=fails), self.patience)
            show_row(self.patience.effects, "removed", "API keys", "an earlier version of them")
        self._after("the old keys stop working with that deploy")

    def _write(self, keys: str, state: str, which: str) -> None:
        step = self.set_up.write_api_keys(keys)
        carry_out(step, self.patience)
        show_row(self.patience.effects, state, "API keys", f"{which} in {step.name}")

    def _api_keys(self) -> str:
        try:
            return self.set_up.api_keys()
        except UnreadError:
            raise CloudError(f"the API keys cannot be read: {SCRIPT} bootstrap") from None

    def _after(self, then: str) -> None:
        """Say what is next: running instances keep the keys that they started with."""
        read = self.set_up.how_to_read_api_keys()
        for environment in self.jobs.environments_of(DEPLOYER):
            told = " ".join(("gh", "secret", "set", "SERVICE_API_KEYS", *environment_flag(environment)))
            print(f"set it on GitHub: {read} | {told}")
        print(
            "next: deploy the release again, so that it reads the keys "
            "(gh workflow run cd, or deploy and promote its image)"
        )
        print(f"then: {then}")
