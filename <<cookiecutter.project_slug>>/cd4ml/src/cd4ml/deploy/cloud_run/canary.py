"""How many requests a candidate on Cloud Run answered, as Cloud Monitoring counted them."""

from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.requests_counted import requests_counted
from cd4ml.deploy.cloud_run.service import Service
from cd4ml.deploy.commands import Effects, UnreadError
from cd4ml.http.client import HttpError


def counted(effects: Effects, project: str, service: Service, seconds: int) -> tuple[int, int]:
    """Return the candidate's requests of the last seconds, and those answered with 5xx; 0, 0 when unknown."""
    try:
        token = effects.read_text(steps.token(kind="access"))
        return requests_counted(project, service.name, service.candidate, seconds, token)
    except (UnreadError, HttpError) as failure:
        effects.say(f"Monitoring does not tell how many requests were answered: {failure}")
        return 0, 0
