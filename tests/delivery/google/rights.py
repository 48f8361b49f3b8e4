"""What each identity may do: the permission that a call needs, and the roles that give it, on what they are granted.

Roles are those that `bootstrap` grants, with those of their permissions that this stand-in is asked for, as
https://cloud.google.com/iam/docs/roles-permissions lists them. Whoever set the project up, its owner, may do
everything. A call that is not in the table is refused to anybody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .services import RefusedError
from .tokens import OWNER

Json = dict[str, Any]

_PROJECT = {"resourcemanager.projects.get", "resourcemanager.projects.list"}
ROLES: dict[str, set[str]] = {
    # all of run.admin but setIamPolicy, bindings of tags, and run.routes.invoke
    "roles/run.developer": {
        "run.services.create", "run.services.delete", "run.services.get", "run.services.getIamPolicy",
        "run.services.list", "run.services.update", "run.revisions.delete", "run.revisions.get", "run.revisions.list",
        "run.locations.list", "run.operations.get", *_PROJECT,
    },
    "roles/run.invoker": {"run.routes.invoke", "run.jobs.run"},
    "roles/monitoring.viewer": {"monitoring.timeSeries.list", *_PROJECT},
    "roles/artifactregistry.writer": {
        "artifactregistry.repositories.get", "artifactregistry.repositories.list",
        "artifactregistry.repositories.downloadArtifacts", "artifactregistry.repositories.uploadArtifacts",
    },
    "roles/iam.serviceAccountUser": {
        "iam.serviceAccounts.actAs", "iam.serviceAccounts.get", "iam.serviceAccounts.list", *_PROJECT,
    },
    "roles/iam.serviceAccountOpenIdTokenCreator": {"iam.serviceAccounts.getOpenIdToken"},
    "roles/iam.workloadIdentityUser": {
        "iam.serviceAccounts.get", "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken",
        "iam.serviceAccounts.list",
    },
    "roles/storage.objectViewer": {"storage.objects.get", "storage.objects.list", *_PROJECT},
    "roles/storage.objectUser": {
        "storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list",
        "storage.objects.update", *_PROJECT,
    },
    "roles/storage.objectCreator": {"storage.objects.create", "orgpolicy.policy.get", *_PROJECT},
    "roles/secretmanager.secretAccessor": {"secretmanager.versions.access", *_PROJECT},
}  # fmt: skip

_SERVICES = r"/apis/serving\.knative\.dev/v1/namespaces/[^/]+/services"
_REVISIONS = r"/apis/serving\.knative\.dev/v1/namespaces/[^/]+/revisions"
NEEDED = [
    (method, re.compile(pattern + "$"), permission)
    for method, pattern, permission in (
        ("GET", _SERVICES, "run.services.list"),
        ("GET", rf"{_SERVICES}/[^/]+", "run.services.get"),
        ("POST", _SERVICES, "run.services.create"),
        ("PUT", rf"{_SERVICES}/[^/]+", "run.services.update"),
        ("DELETE", rf"{_SERVICES}/[^/]+", "run.services.delete"),
        ("GET", _REVISIONS, "run.revisions.list"),
        ("GET", rf"{_REVISIONS}/[^/]+", "run.revisions.get"),
        ("GET", r".+/services/[^/]+:getIamPolicy", "run.services.getIamPolicy"),
        ("POST", r".+/services/[^/]+:setIamPolicy", "run.services.setIamPolicy"),
        ("POST", r".+/serviceAccounts/[^/]+:generateAccessToken", "iam.serviceAccounts.getAccessToken"),
        ("POST", r".+/serviceAccounts/[^/]+:generateIdToken", "iam.serviceAccounts.getOpenIdToken"),
        ("POST", r".+/serviceAccounts/[^/]+/keys", "iam.serviceAccountKeys.create"),
        ("POST", r"/v1/projects/[^/:]+:getIamPolicy", "resourcemanager.projects.getIamPolicy"),
        ("POST", r"/v1/projects/[^/:]+:setIamPolicy", "resourcemanager.projects.setIamPolicy"),
        ("GET", r"/v1/projects/[^/:]+", "resourcemanager.projects.get"),
        ("GET", r"/v1/projects/[^/]+/services/[^/:]+", "serviceusage.services.get"),
        ("GET", r"/v3/projects/[^/]+/timeSeries", "monitoring.timeSeries.list"),
        ("GET", r".+/repositories/[^/:]+", "artifactregistry.repositories.get"),
        ("GET", r".+/secrets/[^/]+/versions/[^/]+:access", "secretmanager.versions.access"),
        ("POST", r".+/secrets/[^/]+:addVersion", "secretmanager.versions.add"),
        ("GET", r"/b/[^/]+", "storage.buckets.get"),
        ("GET", r"/b/[^/]+/o", "storage.objects.list"),
    )
]


class Rights:
    """Who may do what, by the policies of the project and of what is in it."""

    def __init__(self, project: str, region: str, policies: Mapping[str, Json]) -> None:
        self.project, self.region, self._policies = project, region, policies
        self.refused: list[tuple[str, str, str]] = []  # who, permission, on what

    def check(self, who: str, method: str, path: str, body: Any) -> None:
        """Let a call pass that its identity may make.

        Raises:
            RefusedError: it may not.
        """
        if who == OWNER:
            return
        permission = next((named for verb, known, named in NEEDED if verb == method and known.match(path)), "")
        place = self._place(path)
        if not permission or not self.has(who, permission, place):
            raise self._refusal(who, permission or f"of {method} {path}, which only the owner has,", place)
        for further, where in self._further(method, path, body):
            if not self.has(who, further, where):
                raise self._refusal(who, further, where)

    def has(self, who: str, permission: str, place: str) -> bool:
        """Whether an identity has a permission on something, by a role on it or on what it is in."""
        member = who if who.startswith("principal") else f"serviceAccount:{who}"
        return who == OWNER or any(
            member in binding["members"]
            for address, policy in self._policies.items() if place == address or place.startswith(f"{address}/")
            for binding in policy.get("bindings", []) if permission in ROLES.get(binding["role"], set())
        )  # fmt: skip

    def _refusal(self, who: str, permission: str, place: str) -> RefusedError:
        self.refused.append((who, permission, place))
        named = place.removeprefix("/v1/")
        return RefusedError(403, f"Permission '{permission}' denied on resource '{named}' (or it may not exist).")

    def _place(self, path: str) -> str:
        """What a call is about, as its policy is kept."""
        here = f"/v1/projects/{self.project}"
        if found := re.match(rf"{_SERVICES}(/[^/]+)?", path):
            return f"{here}/locations/{self.region}/services{found[1] or ''}"
        if path.startswith(("/apis/", "/v3/")):
            return here
        if path.startswith("/b/"):
            return "/".join(path.split("/")[:3])
        return re.sub(r":\w+$", "", path)

    def _further(self, method: str, path: str, body: Any) -> Iterator[tuple[str, str]]:
        """What a deploy needs besides: to act as what the service runs as, and to read its image where it is here."""
        if method not in ("POST", "PUT") or not re.match(_SERVICES, path):
            return
        described = body["spec"]["template"]["spec"]
        if account := described.get("serviceAccountName"):
            yield "iam.serviceAccounts.actAs", f"/v1/projects/{self.project}/serviceAccounts/{account}"
        image = re.match(r"[^/]+/([^/]+)/([^/]+)/", str(described["containers"][0]["image"]))
        if image and image[1] == self.project:
            place = f"/v1/projects/{self.project}/locations/{self.region}/repositories/{image[2]}"
            yield "artifactregistry.repositories.downloadArtifacts", place


def granted(slug: str, project: str, number: str, region: str) -> Iterator[tuple[str, str, str]]:
    """What `bootstrap` grants: address, role and member; the tests of bootstrap hold both against each other."""
    here, domain = f"/v1/projects/{project}", f"{project}.iam.gserviceaccount.com"
    accounts = f"{here}/serviceAccounts/{slug}-{{}}@{domain}"
    data, predictions = (f"/b/{slug}-{kind}-{number}" for kind in ("dvc", "predictions"))
    for place, role, who in (
        (here, "run.developer", "deployer"),
        (here, "run.invoker", "deployer"),
        (here, "monitoring.viewer", "deployer"),
        (f"{here}/locations/{region}/repositories/{slug}", "artifactregistry.writer", "deployer"),
        (accounts.format("runtime"), "iam.serviceAccountUser", "deployer"),
        (accounts.format("deployer"), "iam.serviceAccountOpenIdTokenCreator", "deployer"),
        (data, "storage.objectViewer", "reader"),
        (data, "storage.objectUser", "trainer"),
        (predictions, "storage.objectCreator", "runtime"),
        (predictions, "storage.objectViewer", "trainer"),
        (f"{here}/secrets/{slug}-api-keys", "secretmanager.secretAccessor", "runtime"),
    ):
        yield place, f"roles/{role}", f"serviceAccount:{slug}-{who}@{domain}"
