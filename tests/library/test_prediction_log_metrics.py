"""GET /metrics tells what became of the prediction log's records: written, waiting, dropped, and failed attempts."""

import resource

import pytest
from cd4ml.serving.client import call
from logged_service import logged_service, wait_until
from prometheus_client.parser import text_string_to_metric_families


def log_counts(service):
    """Return the counts of the prediction log, by the end of their names."""
    reply = call(f"http://127.0.0.1:{service.port}", "/metrics")
    samples = [sample for family in text_string_to_metric_families(reply.body) for sample in family.samples]
    return {
        sample.name.removeprefix("prediction_log_"): sample.value
        for sample in samples
        if sample.name.startswith("prediction_log_")
    }


def full_disk():
    """Let no file become larger than 2 kB, so that a write fails; standard output still works."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))


def test_a_log_that_cannot_be_written_is_counted_until_it_can(tiny_bundle, tmp_path):
    settings = {
        "PREDICTION_LOG": tmp_path / "log", "PREDICTION_LOG_INTERVAL": 1, "PREDICTION_LOG_QUEUE": 10,
        "PYTHONDONTWRITEBYTECODE": 1,  # or the disk would be too full for what Python compiles
    }  # fmt: skip
    with logged_service(tiny_bundle, tmp_path, before=full_disk, **settings) as service:
        for _ in range(12):
            service.ask()
        wait_until(lambda: log_counts(service)["failures_total"])

        counts = log_counts(service)
        assert (counts["written_total"], counts["waiting"], counts["dropped_total"]) == (0, 10, 2)

        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: log_counts(service)["waiting"] == 0)
        failures = log_counts(service)["failures_total"]
        service.ask()
        wait_until(lambda: log_counts(service)["written_total"] == 11)
        assert log_counts(service) == {
            "written_total": 11, "failures_total": failures, "dropped_total": 2, "waiting": 0,
        }  # fmt: skip


@pytest.mark.parametrize(("place", "known"), [("", False), ("stdout", True)])
def test_there_are_counts_if_and_only_if_there_is_a_log(tiny_bundle, tmp_path, place, known):
    with logged_service(tiny_bundle, tmp_path, PREDICTION_LOG=place) as service:
        service.ask()

        assert bool(log_counts(service)) == known
