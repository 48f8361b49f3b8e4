"""The table of the command line's verbs: for each its group, its module, what it does, and an example."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """A verb. Its module is imported only when the verb is called."""

    module: str
    """The module within cd4ml, whose `main` takes the arguments."""
    purpose: str
    """What the verb does, for `cd4ml --help`."""
    example: str
    git: bool = False
    """Whether the verb works in a git repository only."""


GROUPS: dict[str, dict[str, Verb]] = {
    "data": {
        "adopt": Verb(
            "adoption.adopt",
            "replace the example by a table of your own: contract, parameters, features and model",
            "cd4ml adopt ~/houses.csv --target price",
        ),
        "contract": Verb(
            "source.draft_contract",
            "draft contract.yaml from the source, or show the columns that it leaves out",
            "cd4ml contract --target late",
        ),
        "refresh": Verb(
            "source.refresh",
            "read the source again, and use its new rows",
            "cd4ml refresh --until 2024-01-31",
            git=True,
        ),
    },
    "model": {
        "train": Verb("pipeline.reproduce", "run the stages of dvc.yaml that are out of date", "cd4ml train", git=True),
        "tune": Verb("tuning.tune", "search for better values of `model:` in params.yaml", "cd4ml tune", git=True),
        "gate": Verb(
            "gate.judge", "reject a bundle that is worse than the baseline or the champion", "cd4ml gate", git=True
        ),
        "door": Verb(
            "doors.door",
            "list the files in which your code is called, or write one to start from",
            "cd4ml door metrics",
        ),
        "track": Verb("tracking.track", "publish the trained model to MLflow", "cd4ml track --alias champion"),
        "mlflow": Verb("tracking.mlflow_page", "open the MLflow page with the runs", "cd4ml mlflow --port 5050"),
        "stage": Verb("pipeline.stage", "run one stage of dvc.yaml, as DVC does", "cd4ml stage validate"),
    },
    "service": {
        "serve": Verb("serving.server", "serve the model over HTTP", "cd4ml serve --port 8000"),
        "monitor": Verb(
            "monitoring.monitor",
            "judge what the live model was asked and answered, by the prediction log and the outcomes",
            "cd4ml monitor --log gs://bucket/production",
        ),
        "replay": Verb(
            "replay.replay",
            "operate the model month by month through the source's past, in a scratch copy",
            "cd4ml replay --train-months 3",
            git=True,
        ),
        "predict": Verb(
            "serving.predict", "send a sample row to a service", "cd4ml predict --url http://127.0.0.1:8000"
        ),
        "score": Verb(
            "batch.score",
            "score a table of any size: Parquet, CSV or a query, to Parquet or CSV",
            "cd4ml score rows.parquet answers.parquet --rejects rejected.csv",
        ),
        "smoke": Verb(
            "serving.smoke",
            "compare a service's predictions with those in the bundle",
            "cd4ml smoke --url http://127.0.0.1:8000",
        ),
        "make-key": Verb("serving.make_key", "print a new API key, and its hash for the service", "cd4ml make-key"),
        "forget-id": Verb(
            "prediction_log.forget",
            "remove the records of one id from the prediction log",
            "cd4ml forget-id 2013-07-04-UA-101 --log gs://bucket/production",
        ),
    },
    "state": {
        "status": Verb(
            "delivery.status", "show whether the model is up to date and may be released", "cd4ml status", git=True
        ),
        "push": Verb("storage.push", "copy data and models to the DVC remote", "cd4ml push", git=True),
        "pull": Verb("storage.pull", "fetch the data and models listed in dvc.lock", "cd4ml pull", git=True),
        "undo": Verb("storage.undo", "restore data, models and reports of the last commit", "cd4ml undo", git=True),
        "repair-cache": Verb(
            "storage.repair_cache", "remove damaged files from DVC's cache", "cd4ml repair-cache", git=True
        ),
    },
    "checks": {
        "doctor": Verb(
            "delivery.doctor", "list what delivery still needs, and the command that adds it", "cd4ml doctor"
        ),
        "move-workflows": Verb(
            "delivery.move_workflows",
            "move .github to the root of a larger repository, for a project in one of its folders",
            "cd4ml move-workflows",
            git=True,
        ),
        "check-lock": Verb(
            "delivery.check_lock",
            "reject a dvc.lock that is out of date, or lists files that the remote lacks",
            "cd4ml check-lock --only lock",
            git=True,
        ),
        "check-files": Verb(
            "delivery.check_files",
            "reject what must not be committed: conflict markers, keys, what notebooks printed, invalid settings",
            "cd4ml check-files params.yaml",
            git=True,
        ),
        "audit": Verb(
            "delivery.audit",
            "check the packages in uv.lock for known vulnerabilities",
            "cd4ml audit",
        ),
        "scan-secrets": Verb(
            "delivery.scan_secrets",
            "search git's history for secrets",
            "cd4ml scan-secrets",
            git=True,
        ),
        "lint-workflows": Verb(
            "delivery.lint_workflows",
            "check the files in .github/workflows",
            "cd4ml lint-workflows",
            git=True,
        ),
    },
    "template": {
        "update": Verb(
            "update.update",
            "take in what changed in the template that this project was generated from",
            "cd4ml update --to v1.2.0 --dry-run",
            git=True,
        ),
        "write-update": Verb(
            "update.write_update",
            "update, and write the commit to build/update.bundle, as the workflow update does",
            "cd4ml write-update",
            git=True,
        ),
        "propose-update": Verb(
            "update.propose_update",
            "push build/update.bundle and open its pull request, or an issue with the command",
            "cd4ml propose-update",
            git=True,
        ),
    },
    "image": {
        "check-bundle": Verb(
            "bundle.check",
            "reject a bundle that is missing, altered, or not accepted by the gate",
            "cd4ml check-bundle",
        ),
        "pin-image": Verb(
            "delivery.pin_image", "write the digests of the base images into the Dockerfile", "cd4ml pin-image"
        ),
        "build-image": Verb(
            "image.build",
            "build the image that serves models/bundle",
            "cd4ml build-image",
        ),
        "smoke-image": Verb(
            "image.smoke",
            "run the image, and compare its predictions with those in the bundle",
            "cd4ml smoke-image",
        ),
        "stack": Verb(
            "deploy.stack",
            "start the service, MLflow, Prometheus, Alertmanager and Grafana on this machine, or stop them",
            "cd4ml stack up",
        ),
        "archive-image": Verb(
            "image.archive",
            "build the image into build/image.tar, for scan-image and publish-image",
            "cd4ml archive-image",
        ),
        "list-packages": Verb(
            "image.packages",
            "write the image's Python packages to build/sbom.json",
            "cd4ml list-packages",
        ),
        "scan-image": Verb(
            "image.scan",
            "reject build/image.tar if it has a critical vulnerability that can be fixed",
            "cd4ml scan-image",
        ),
        "publish-image": Verb(
            "image.publish",
            "copy build/image.tar to registries",
            "cd4ml publish-image ghcr.io/me/model:1",
        ),
    },
    "continuous training": {
        "commit-model": Verb(
            "delivery.commit_model",
            "commit the trained model, and write the commit to build/change.bundle",
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
            "delivery.report_rejection", "report a rejected retraining in an issue", "cd4ml report-rejection"
        ),
        "report-monitoring": Verb(
            "delivery.report_monitoring",
            "report in an issue what somebody must act on, and start ct where a new model may help",
            "cd4ml report-monitoring",
            git=True,
        ),
        "check-schedules": Verb(
            "delivery.check_schedules",
            "tell when workflows last ran that have a schedule, and warn of what is overdue",
            'SCHEDULES="monitor=day ct=week" cd4ml check-schedules',
            git=True,
        ),
        "notify": Verb(
            "delivery.notify", "send a test message by notify.py or the webhooks of Slack and Teams", "cd4ml notify"
        ),
        "start-ct": Verb("delivery.start_ct", "start the workflow ct", "REASON=drift cd4ml start-ct"),
        "remove-label": Verb(
            "delivery.remove_label",
            "take the label `train` off a pull request, so that it can be put on again",
            "PULL_REQUEST=7 cd4ml remove-label",
        ),
        "comment": Verb(
            "delivery.comment",
            "comment on a pull request how it changes the model",
            "PULL_REQUEST=7 cd4ml comment",
            git=True,
        ),
    },
    "release": {
        "check-releasable": Verb(
            "delivery.check_releasable",
            "check whether this commit's model may be released",
            "cd4ml check-releasable",
            git=True,
        ),
        "write-release-metadata": Verb(
            "delivery.write_release_metadata",
            "write models/release.json, which becomes part of the image",
            "cd4ml write-release-metadata",
            git=True,
        ),
        "check-preempted": Verb(
            "delivery.check_preempted",
            "tell whether a rollback is under way, so that a release that ends touches nothing",
            "cd4ml check-preempted",
        ),
        "stop-releases": Verb(
            "delivery.stop_releases",
            "cancel the releases that are on their way to production, before a rollback",
            "cd4ml stop-releases",
        ),
        "check-superseded": Verb(
            "delivery.check_superseded",
            "check whether a newer release replaces this commit",
            "cd4ml check-superseded",
            git=True,
        ),
        "record-release": Verb(
            "delivery.record_release",
            "record the release that was promoted to production",
            "IMAGE=REGISTRY/NAME@sha256:... cd4ml record-release",
            git=True,
        ),
        "resolve-release": Verb(
            "delivery.resolve_release",
            "print the image of an earlier release",
            "RELEASE=model-2024-01-31.1d40b8a cd4ml resolve-release",
        ),
        "record-rollback": Verb(
            "delivery.record_rollback",
            "record that an earlier release serves again",
            "RELEASE=model-2024-01-31.1d40b8a REASON=late cd4ml record-rollback",
            git=True,
        ),
        "score-live": Verb(
            "delivery.score_live",
            "score rows with the model that is live, as the workflow score does",
            "SCORE_IN=rows.parquet SCORE_OUT=answers.parquet cd4ml score-live",
            git=True,
        ),
        "monitor-live": Verb(
            "delivery.monitor_live",
            "judge the model that is live by its prediction log, as the workflow monitor does",
            "PREDICTION_LOG=gs://bucket/production cd4ml monitor-live",
            git=True,
        ),
        "cloud": Verb(
            "deploy.clouds",
            "set up, deploy, promote, roll back on the cloud platform in pyproject.toml",
            "cd4ml cloud deploy REGISTRY/NAME@sha256:... staging",
        ),
    },
}
"""By group, in the order in which `cd4ml --help` lists them."""

VERBS: dict[str, Verb] = {name: verb for group in GROUPS.values() for name, verb in group.items()}
