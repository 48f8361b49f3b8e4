"""Every verb of the command line: its group, its module, what it does, an example."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """A verb, whose module is imported only when it is asked for."""

    module: str
    """Within cd4ml; its `main` takes the arguments."""
    purpose: str
    example: str
    git: bool = False
    """Whether it needs the project to be a git repository."""
    before: tuple[str, ...] = ()
    """Arguments that come before those of the user."""


GROUPS: dict[str, dict[str, Verb]] = {
    "data": {
        "contract": Verb(
            "source.draft_contract",
            "draft contract.yaml from the source, or show what it leaves out",
            "cd4ml contract --target late",
        ),
        "refresh": Verb(
            "source.refresh",
            "look at the source, and take in what is new",
            "cd4ml refresh --until 2024-01-31",
            git=True,
        ),
    },
    "model": {
        "train": Verb("pipeline.reproduce", "run the stages of dvc.yaml that are out of date", "cd4ml train", git=True),
        "tune": Verb("tuning.tune", "search for better values of `model:` in params.yaml", "cd4ml tune", git=True),
        "gate": Verb("gate.judge", "judge the bundle against the baseline and the champion", "cd4ml gate", git=True),
        "track": Verb("tracking.track", "publish what was trained to MLflow", "cd4ml track --alias champion"),
        "mlflow": Verb("tracking.mlflow_page", "open MLflow's page", "cd4ml mlflow --port 5050"),
        "stage": Verb("pipeline.stage", "run one stage of dvc.yaml, as DVC does", "cd4ml stage validate"),
    },
    "service": {
        "serve": Verb("serving.server", "answer over HTTP", "cd4ml serve --port 8000"),
        "predict": Verb(
            "serving.predict", "send a sample row to a service", "cd4ml predict --url http://127.0.0.1:8000"
        ),
        "smoke": Verb(
            "serving.smoke",
            "compare a service's answers with the bundle's own",
            "cd4ml smoke --url http://127.0.0.1:8000",
        ),
    },
    "state": {
        "status": Verb(
            "delivery.status", "is there a model, is it current, may it be released", "cd4ml status", git=True
        ),
        "push": Verb("storage.push", "copy data and models to the DVC remote", "cd4ml push", git=True),
        "pull": Verb("storage.pull", "fetch the data and models that dvc.lock names", "cd4ml pull", git=True),
        "undo": Verb("storage.undo", "put data, models and reports back to the last commit", "cd4ml undo", git=True),
        "repair-cache": Verb(
            "storage.repair_cache", "remove damaged files from DVC's cache", "cd4ml repair-cache", git=True
        ),
    },
    "checks": {
        "doctor": Verb("delivery.doctor", "what is missing, and the command that adds it", "cd4ml doctor"),
        "check-lock": Verb(
            "delivery.check_lock",
            "reject a dvc.lock that is stale, or names what its remote lacks",
            "cd4ml check-lock --only lock",
            git=True,
        ),
        "audit": Verb(
            "deploy.script",
            "look up known vulnerabilities of what uv.lock names",
            "cd4ml audit",
            before=("check.sh", "audit"),
        ),
        "scan-secrets": Verb(
            "deploy.script",
            "look for secrets in git's history",
            "cd4ml scan-secrets",
            before=("check.sh", "secrets"),
            git=True,
        ),
        "lint-workflows": Verb(
            "deploy.script",
            "check the workflows of GitHub",
            "cd4ml lint-workflows",
            before=("check.sh", "workflows"),
            git=True,
        ),
    },
    "image": {
        "build-image": Verb(
            "deploy.script",
            "build the image that serves models/bundle",
            "cd4ml build-image",
            before=("image.sh", "build"),
        ),
        "smoke-image": Verb(
            "deploy.script",
            "run the image, and compare its answers with the bundle's own",
            "cd4ml smoke-image",
            before=("image.sh", "smoke"),
        ),
        "archive-image": Verb(
            "deploy.script",
            "build the image into build/image.tar: what is scanned and published",
            "cd4ml archive-image",
            before=("image.sh", "archive"),
        ),
        "list-packages": Verb(
            "deploy.script",
            "list the Python packages of the image in build/sbom.json",
            "cd4ml list-packages",
            before=("image.sh", "sbom"),
        ),
        "scan-image": Verb(
            "deploy.script",
            "reject build/image.tar for a critical vulnerability that can be fixed",
            "cd4ml scan-image",
            before=("image.sh", "scan"),
        ),
        "publish-image": Verb(
            "deploy.script",
            "copy build/image.tar to registries",
            "cd4ml publish-image ghcr.io/me/model:1",
            before=("image.sh", "publish"),
        ),
    },
    "continuous training": {
        "commit-model": Verb(
            "delivery.commit_model",
            "commit what was trained, and write build/change.bundle",
            "cd4ml commit-model",
            git=True,
        ),
        "propose-model": Verb(
            "delivery.propose_model",
            "push build/change.bundle, and open or update its pull request",
            "cd4ml propose-model",
            git=True,
        ),
        "report-rejection": Verb(
            "delivery.report_rejection", "report a rejected retraining in one issue", "cd4ml report-rejection"
        ),
        "start-ct": Verb("delivery.start_ct", "start the workflow ct", "REASON=drift cd4ml start-ct"),
        "comment": Verb(
            "delivery.comment",
            "comment on a pull request: what it does to the model",
            "PULL_REQUEST=7 cd4ml comment",
            git=True,
        ),
    },
    "release": {
        "check-releasable": Verb(
            "delivery.check_releasable", "may what this commit names be released", "cd4ml check-releasable", git=True
        ),
        "write-release-metadata": Verb(
            "delivery.write_release_metadata",
            "write models/release.json, which goes into the image",
            "cd4ml write-release-metadata",
            git=True,
        ),
        "check-superseded": Verb(
            "delivery.check_superseded",
            "is this commit still the newest approved release",
            "cd4ml check-superseded",
            git=True,
        ),
        "record-release": Verb(
            "delivery.record_release",
            "record what was promoted to production",
            "IMAGE=REGISTRY/NAME@sha256:... cd4ml record-release",
            git=True,
        ),
        "resolve-release": Verb(
            "delivery.resolve_release",
            "which image an earlier release has",
            "RELEASE=model-2024-01-31.1d40b8a cd4ml resolve-release",
        ),
        "record-rollback": Verb(
            "delivery.record_rollback",
            "record that an earlier release serves again",
            "RELEASE=model-2024-01-31.1d40b8a REASON=late cd4ml record-rollback",
            git=True,
        ),
        "cloud": Verb(
            "deploy.script",
            "set up, deploy, promote, roll back on the platform of pyproject.toml",
            "cd4ml cloud deploy REGISTRY/NAME@sha256:... staging",
            before=("cloud",),
        ),
    },
}
"""By group, in the order in which `cd4ml --help` lists them."""

VERBS: dict[str, Verb] = {name: verb for group in GROUPS.values() for name, verb in group.items()}
