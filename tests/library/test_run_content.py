"""What a run in MLflow contains: parameters, metrics, the software environment, the model card, its lineage."""

import subprocess
import sys

import mlflow
from cd4ml.tracking.lineage import Lineage
from cd4ml.tracking.run_content import flatten, flatten_metrics, software_environment
from cd4ml.tracking.run_files import card_for_mlflow


def test_nested_settings_become_parameters_named_by_their_path():
    settings = {"model": {"depth": 3, "rate": 0.1, "on": None, "of": ["a", "b"]}, "name": "x", "long": "y" * 2000}

    params = flatten(settings)

    assert params.pop("long") == "y" * 999 + "…"
    assert params.pop("model.of") == '["a", "b"]'
    assert params == {"model.depth": "3", "model.rate": "0.1", "model.on": "null", "name": "x"}


def test_metrics_are_flat_and_those_that_could_not_be_computed_are_left_out():
    metrics = {"rows": 9, "auc": 0.7, "gap": None, "intervals": {"auc": {"low": 0.6, "high": 0.8}, "gap": None},
               "baseline": {"auc": 0.5, "gap": None}}  # fmt: skip

    assert flatten_metrics(metrics) == {"rows": 9, "auc": 0.7, "auc_low": 0.6, "auc_high": 0.8, "baseline_auc": 0.5}


def test_the_software_environment_has_the_versions_of_python_and_every_library():
    environment = software_environment()

    assert environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert environment["libraries"]["mlflow"] == mlflow.__version__


def test_the_model_card_has_no_html_or_pictures_in_mlflow():
    card = "<details><summary>How to read</summary>\n\n- ROC\n\n</details>\n\n![ROC curve](pictures/roc.svg)\n"

    assert card_for_mlflow(card) == "**How to read**\n\n- ROC\n\n\nROC curve: `reports/pictures/roc.svg`\n\n"


def test_a_run_of_a_workflow_has_its_address_and_user():
    github = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "org/houses", "GITHUB_RUN_ID": "7", "GITHUB_ACTOR": "ada"}

    tags = Lineage.read(github).tags()

    assert tags["workflow"] == "https://github.com/org/houses/actions/runs/7"
    assert (tags["mlflow.user"], tags["mlflow.source.type"]) == ("ada", "JOB")


def test_the_repository_is_recorded_without_its_credentials(tmp_path):
    for arguments in (["init", "--quiet"], ["remote", "add", "origin", "https://ada:s3cret@github.com/org/houses.git"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)

    assert Lineage.read({}).tags()["mlflow.source.git.repoURL"] == "https://github.com/org/houses.git"
