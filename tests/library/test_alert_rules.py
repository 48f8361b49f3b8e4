"""Each alert fires for what it is for, says so in a sentence, and is silent otherwise: promtool runs the rules."""

import re
import shutil
import subprocess
from pathlib import Path

import alert_cases
import pytest
import yaml
from alert_table import CASES

LIBRARY = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>/cd4ml"
RULES = LIBRARY / "ops/prometheus/rules"
NAMES = re.compile(r"\b(?:http|model|monitor|prediction_log|process)_[a-z_]+[a-z]\b")
SUFFIX = re.compile(r"_(?:bucket|count|sum)$")


def rules():
    """Return the rules of all files, by the alert's name."""
    groups = [group for path in sorted(RULES.iterdir()) for group in yaml.safe_load(path.read_text())["groups"]]
    found = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in found}) == len(found)
    return {rule["alert"]: rule for rule in found}


@pytest.fixture(scope="module")
def promtool(need):
    need("prometheus", shutil.which("promtool"), "promtool is not installed: apt-get install prometheus")

    def run(*arguments):
        return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=120)

    return run


def outcome(promtool, folder, case, series, expected):
    """Return what promtool reports about one alert at one time; empty if it is as expected."""
    test = {
        "interval": f"{case.step}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": f"{case.at}m", "alertname": case.alert, "exp_alerts": expected}],
    }
    content = {
        "rule_files": [str(path) for path in RULES.iterdir() if f"alert: {case.alert}" in path.read_text()],
        "evaluation_interval": f"{case.step}m",
        "tests": [test],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(content))
    done = promtool("test", "rules", folder / "test.yml")
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_fires_and_says_what_is_wrong(promtool, tmp_path, case):
    runbook = rules()[case.alert]["annotations"]["runbook"]
    alerts = [(case.labels, case.summary), *([case.twin] if case.twin else [])]

    expected = [
        {
            "exp_labels": {"severity": case.severity, **labels},
            "exp_annotations": {"summary": summary, "runbook": runbook},
        }
        for labels, summary in alerts
    ]
    problem = outcome(promtool, tmp_path, case, case.fires, expected)
    assert not problem, problem


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_does_not_fire_for_what_is_usual(promtool, tmp_path, case):
    for series in (case.silent, *case.also):
        problem = outcome(promtool, tmp_path, case, series, [])
        assert not problem, problem


def test_promtool_finds_no_fault_in_the_files(promtool):
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES.iterdir())

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_a_severity_a_sentence_and_a_line_in_its_page():
    assert {case.alert for case in CASES} == rules().keys()
    page = (LIBRARY / "docs/alerts.md").read_text()
    assert re.findall(r"^\| `([A-Z]\w+)` \| (\w+) ", page, re.MULTILINE) == [
        (name, rule["labels"]["severity"]) for name, rule in rules().items()
    ]
    for rule in rules().values():
        assert rule["labels"]["severity"] in ("page", "warn", "info")
        assert rule["annotations"]["summary"].endswith(".")


def test_the_step_that_an_alert_names_is_one_of_the_runbook():
    page = LIBRARY / "docs/runbook.md"
    if not page.exists():
        pytest.skip("the runbook is not here yet")

    steps = set(re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE))
    assert {rule["annotations"]["runbook"] for rule in rules().values()} - steps == set()


def test_rules_use_the_names_of_the_metrics_page():
    """Of the gauges of monitoring, `monitor_*`, the page of those who write them speaks."""
    used = {SUFFIX.sub("", name) for rule in rules().values() for name in NAMES.findall(rule["expr"])}
    documented = set(NAMES.findall((LIBRARY / "docs/metrics.md").read_text())) | {alert_cases.INFO}

    of_the_service = {name for name in used if not name.startswith(("monitor_", "process_"))}
    assert len(of_the_service) > 8
    assert of_the_service - documented == set()
