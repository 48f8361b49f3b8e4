"""Who there is in Azure: an identity for the service, and app registrations for GitHub's jobs. Graph is asked here."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from cd4ml.deploy.aci import apps, steps
from cd4ml.deploy.aci.apps import App
from cd4ml.deploy.aci.asked import NEW_IN_GRAPH, find
from cd4ml.deploy.aci.settings import Place
from cd4ml.deploy.commands import CloudError, UnreadError
from cd4ml.deploy.set_up.identities import RUNTIME, Jobs
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.repository import Repository, find_repository
from cd4ml.deploy.set_up.steps import Step
from cd4ml.deploy.set_up.subjects import find_prefix


class Directory:
    """The identities of a project; what is found is asked for once."""

    def __init__(self, place: Place, patience: Patience) -> None:
        self.place, self.patience = place, patience
        self._apps: dict[str, App] = {}
        self._principals: dict[str, str] = {}
        self._trusted: tuple[str, Repository] | None = None

    @cached_property
    def graph(self) -> str:
        """Graph's address, with its version.

        Raises:
            CloudError: az does not tell it.
        """
        return f"{str(find(self.patience, apps.show_graph())).rstrip('/')}/v1.0"

    def app(self, who: str) -> App | None:
        """Return the app registration of an identity; None where there is none.

        Raises:
            CloudError: Azure cannot be asked.
        """
        if who not in self._apps:
            listed = find(self.patience, apps.list_apps(self.place, who)) or []
            told = listed[0] if listed else self._by_key(who)
            if not told:
                return None
            self._apps[who] = apps.read_app(told)
        return self._apps[who]

    def app_or_name(self, who: str) -> App:
        """Return the same; where it is not made yet, as a dry run leaves it, words for it.

        Raises:
            CloudError: Azure cannot be asked.
        """
        words = f"APP-OF-{self.place.account_id(who)}"
        return self.app(who) or App(words, words)

    def principal(self, who: str) -> str:
        """Return the number of whom roles are given to; empty where there is none.

        Raises:
            CloudError: Azure cannot be asked.
        """
        if who not in self._principals:
            if who == RUNTIME:
                told = find(self.patience, steps.show_identity(self.place))
            else:
                app = self.app(who)
                told = app and find(self.patience, apps.show_principal(self.graph, app.number))
            if not told:
                return ""
            self._principals[who] = str(told["principalId" if who == RUNTIME else "id"])
        return self._principals[who]

    def identities(self, jobs: Jobs, look_only: bool) -> Iterator[Step]:
        """Return the steps that make what is missing; each is read when its turn comes.

        Raises:
            CloudError: Azure cannot be asked, or does not know for long what was made.
        """
        makes = not (look_only or self.patience.effects.dry_run)
        yield apps.runtime_step(self.place, self.principal(RUNTIME) != "")
        for who in jobs.signing_in:
            known = self.app(who)
            yield apps.app_step(self.place, self.graph, who, self._unique(who), known is not None)
            if makes and not known:
                self._wait_for_app(who)
            principal, app = self.principal(who), self.app_or_name(who)
            yield apps.principal_step(self.place, self.graph, who, app.number, principal != "")
            if makes and not principal:
                told = find(self.patience, apps.show_principal(self.graph, app.number), NEW_IN_GRAPH)
                self._principals[who] = str(told["id"])

    def ask_github(self) -> tuple[str, Repository]:
        """Ask how its tokens name this repository, once.

        Raises:
            CloudError: it does not say that, or names it in a way that is not supported.
        """
        if self._trusted is None:
            repository = find_repository(self.patience.effects)
            self._trusted = find_prefix(self.patience.effects, repository), repository
        return self._trusted

    def trust(self, jobs: Jobs) -> Iterator[Step]:
        """Return the steps that let the jobs of this repository sign in without a key.

        Raises:
            CloudError: Azure or GitHub cannot be asked.
        """
        prefix, repository = self.ask_github()
        for who in jobs.signing_in:
            known, app = self.app(who), self.app_or_name(who)
            trusted = find(self.patience, apps.list_trusts(self.graph, known)) if known else None
            yield from apps.trusts(self.graph, prefix, repository, jobs, who, app, trusted or [])

    def forbids_keys(self) -> bool:
        """Whether the organisation does; a tenant that does not tell is found out by the first key."""
        try:
            return apps.forbids_keys(self.patience.effects.read(apps.show_policy(self.graph)))
        except UnreadError:
            return False

    def _unique(self, who: str) -> str:
        runtime = self.principal(RUNTIME) or "PRINCIPAL-OF-RUNTIME"
        return apps.unique_name(self.place, who, runtime)

    def _by_key(self, who: str) -> Mapping[str, Any] | None:
        if not self.principal(RUNTIME):
            return None
        told: Mapping[str, Any] | None = find(self.patience, apps.show_app(self.graph, self._unique(who)))
        return told

    def _wait_for_app(self, who: str) -> None:
        """Wait until Graph knows what was made, or what was there and is in no list yet."""
        try:
            told = find(self.patience, apps.show_app(self.graph, self._unique(who)), NEW_IN_GRAPH)
        except CloudError as failure:
            raise CloudError(
                f"identity {self.place.account_id(who)} cannot be read: {failure} (if its app registration was deleted "
                "by hand, restore that first, or delete it for good: Entra keeps it for 30 days)"
            ) from None
        self._apps[who] = apps.read_app(told)
