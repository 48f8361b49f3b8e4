"""Every file of a generated project, by name; a file that is added to the template is added here."""

from __future__ import annotations

PROJECT = """
    .dockerignore
    .dvcignore
    .gitignore
    Dockerfile
    LICENSE
    Makefile
    README.md
    contract.yaml
    dvc.yaml
    params.yaml
    pyproject.toml
    uv.lock
    .dvc/.gitignore
    .dvc/config
    .github/CODEOWNERS
    data/source/README.md
    docs/connect-your-data.md
""".split()

PACKAGE = """
    __init__.py
    __main__.py
    answer.py
    arguments.py
    atomic.py
    bundle.py
    column.py
    column_draft.py
    columns.py
    contract.py
    contract_draft.py
    errors.py
    estimator.py
    exactness.py
    export.py
    feature_code.py
    features.py
    fitting.py
    model.py
    params.py
    parent.py
    paths.py
    progress.py
    reference.py
    skops_file.py
    table.py
    undo.py
    yaml_file.py
    evaluation/__init__.py
    evaluation/baseline.py
    evaluation/calibration.py
    evaluation/card.py
    evaluation/card_contract.py
    evaluation/curves.py
    evaluation/intervals.py
    evaluation/judged.py
    evaluation/markdown.py
    evaluation/metrics.py
    evaluation/pictures.py
    evaluation/ranking.py
    evaluation/reading.py
    evaluation/results.py
    evaluation/slices.py
    evaluation/wording.py
    pipeline/__init__.py
    pipeline/evaluate.py
    pipeline/ingest.py
    pipeline/package.py
    pipeline/split.py
    pipeline/train.py
    pipeline/validate.py
    serving/__init__.py
    serving/app.py
    serving/ask.py
    serving/examples.py
    serving/payload.py
    serving/problem.py
    serving/request.py
    serving/run.py
    serving/sample.py
    serving/schema.py
    serving/settings.py
    serving/smoke.py
""".split()

TESTS = """
    tests/code/conftest.py
    tests/code/test_atomic.py
    tests/code/test_bundle.py
    tests/code/test_columns.py
    tests/code/test_contract_draft.py
    tests/code/test_dvc_yaml.py
    tests/code/test_evaluate.py
    tests/code/test_example.py
    tests/code/test_export.py
    tests/code/test_imports.py
    tests/code/test_metrics.py
    tests/code/test_parent.py
    tests/code/test_pipeline.py
    tests/code/test_serving_app.py
    tests/code/test_serving_examples.py
    tests/code/test_serving_payload.py
    tests/code/test_serving_process.py
    tests/code/test_settings.py
    tests/code/test_validate.py
    tests/data/conftest.py
    tests/data/test_tables.py
    tests/model/conftest.py
    tests/model/test_behaviour.py
""".split()

DATA = [f"data/source/2013-{month:02}.parquet" for month in range(1, 13)]


def expected_files(package: str) -> set[str]:
    """What a project whose package has this name holds, git's own folder left out."""
    return {*PROJECT, *TESTS, *DATA, *(f"src/{package}/{name}" for name in PACKAGE)}
