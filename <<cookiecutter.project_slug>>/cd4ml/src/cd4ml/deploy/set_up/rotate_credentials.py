"""New keys of identities beside the old ones first; the old ones go when a workflow has run with the new ones."""

from collections.abc import Sequence
from dataclasses import replace

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.bootstrap import Bootstrap
from cd4ml.deploy.set_up.carry_out import carry_out
from cd4ml.deploy.set_up.identities import DEPLOYER
from cd4ml.deploy.set_up.key_files import for_github
from cd4ml.deploy.set_up.platform import CloudSetUp, Key
from cd4ml.deploy.set_up.steps import Found, Step
from cd4ml.deploy.set_up.walk import Walk, show_row

SERVICE_ACCOUNT = "service-account"
"""The credentials that are keys."""


class KeyRotation:
    """One run of `rotate credentials`, of identities that sign in with keys."""

    def __init__(self, bootstrap: Bootstrap, identities: CloudSetUp) -> None:
        self.bootstrap, self.identities, self.patience = bootstrap, identities, bootstrap.patience
        self.files, self.jobs = bootstrap.files, bootstrap.jobs

    def add(self, set_secrets: bool) -> None:
        """Make a second key for each identity that signs in, and tell GitHub, or say how.

        Raises:
            CloudError: it is not the time for that, or a key could not be made.
        """
        has_two = len(self.identities.keys_of(DEPLOYER)) > 1  # the deployer's turn is last
        if has_two and self.files.is_empty and not self._lacking():
            name = self.identities.identity(DEPLOYER)
            raise CloudError(f"{name} has two keys already: {SCRIPT} rotate credentials --finish first")
        for who in self.jobs.signing_in:
            if len(self._kept(who)) < 2:
                self._make(who)
        if set_secrets:
            self.bootstrap.tell_github(Walk(self.patience), SERVICE_ACCOUNT)
        else:
            print(*for_github(self.files, self.jobs, SERVICE_ACCOUNT), sep="\n")
        print(f"next: run a workflow with the new keys, then {SCRIPT} rotate credentials --finish")

    def finish(self) -> None:
        """Remove all keys but the newest.

        Raises:
            CloudError: GitHub may not know the newest, there is none, or a key could not be removed.
        """
        if lacking := self._lacking():
            whose = ", ".join(map(self.identities.identity, lacking))
            raise CloudError(f"a run was stopped while it made a key of {whose}: {SCRIPT} rotate credentials again")
        if not self.files.is_empty:
            again = f"{SCRIPT} rotate credentials --set-secrets sets them there"
            raise CloudError(f"GitHub may not know the new keys yet, which are in {self.files.folder} still: {again}")
        if len(self.identities.keys_of(DEPLOYER)) < 2:
            name = self.identities.identity(DEPLOYER)
            raise CloudError(f"{name} has one key alone: nothing to finish")
        for who in self.jobs.signing_in:
            self._remove(who, self.identities.keys_of(who)[:-1])

    def _lacking(self) -> list[str]:
        return [who for who in self.jobs.signing_in if self.files.lacks(who)]

    def _kept(self, who: str) -> Sequence[Key]:
        """Return an identity's keys, oldest first, and remove one that a stopped run has made, and nobody has."""
        keys = self.identities.keys_of(who)
        if len(keys) < 2 or not self.files.lacks(who):
            return keys
        self._remove(who, keys[-1:])
        return keys[:-1]

    def _remove(self, who: str, keys: Sequence[Key]) -> None:
        for key in keys:
            fails = f"a key of {who} could not be removed (above is why); run this again"
            carry_out(
                Step("key", key.name, Found.OLD, self.identities.remove_key(who, key), fails=fails), self.patience
            )
            show_row(self.patience.effects, "removed", "key", f"{self.identities.identity(who)} {key.name}")

    def _make(self, who: str) -> None:
        if not self.patience.effects.dry_run:
            self.files.make_folder(who)
        step = self.identities.make_key(who, str(self.files.of(who)))
        Walk(self.patience).take([replace(step, fails=f"no new key for {who} (above is why); run this again")])
