"""A team's own metrics: functions in metrics.py, in every report, and the one by which models are compared."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.evaluation.metric_table import Metric
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.team_metrics import team_values
from cd4ml.gate.champion import Champion
from cd4ml.gate.judge import judge
from cd4ml.gate.verdict import Verdict, as_markdown, as_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from house_project import Project
from own_metrics import CLASSES, NUMBERS, PROFIT


def verdict_on(project: Project, champion: Bundle | None = None) -> Verdict:
    """Return the gate's verdict on the project's bundle."""
    with project.inside():
        known = Champion("production", "3f2a1b0" + "0" * 33, champion) if champion else None
        return judge(Bundle.load(paths.BUNDLE), known, pd.read_parquet(paths.HOLDOUT), None, Params.load())


def finding(verdict: Verdict, rule: str) -> tuple[str, str]:
    (found,) = (finding for finding in verdict.findings if finding.rule == rule)
    return found.result, found.measured


def test_own_metrics_are_in_every_report(
    with_metrics: Callable[..., Project], capsys: pytest.CaptureFixture[str]
) -> None:
    project = with_metrics(PROFIT, "profit")

    project.run("evaluate")

    results, slices = project.read_json("reports/metrics.json"), project.read_json("reports/slices.json")
    assert list(results)[:4] == ["rows", "profit", "cost", "roc_auc"]
    low, high = (results["intervals"]["profit"][end] for end in ("low", "high"))
    assert low < results["profit"] < high
    assert results["baseline"]["profit"] < results["profit"]
    assert slices["metric"] == "profit"
    assert slices["overall"] == results["profit"]
    assert {"profit", "interval"} < set(slices["slices"][0])
    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    assert "- **Profit**: Mean profit of a house that we buy, in thousand.\n" in card
    assert "- **Cost**: Mean cost of a wrong probability.\n" in card
    assert "Profit on the whole test set is" in card
    assert "the baseline. Profit is" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("task", "text", "name"), [("regression", NUMBERS, "within_ten"), ("multiclass", CLASSES, "among_two")]
)
def test_numbers_and_classes_have_own_metrics_too(
    with_metrics: Callable[..., Project], task: str, text: str, name: str
) -> None:
    project = with_metrics(text, name, task)

    project.run("evaluate")

    results = project.read_json("reports/metrics.json")
    bundle, table = Bundle.load(project.bundle), pd.read_parquet(project.folder / "data/holdout.parquet")
    with project.inside():
        challenger = verdict_on(project).metrics[0]
    assert challenger.metric.name == name
    assert results[name] == pytest.approx(challenger.challenger, abs=1e-5)
    assert results[name] > results["baseline"][name]
    if task == "multiclass":
        assert bundle.decision.classes == sorted(table["kind"].unique())


def test_the_gate_compares_by_the_main_metric_in_its_own_unit(with_metrics: Callable[..., Project]) -> None:
    project = with_metrics(PROFIT, "profit")
    champion = Bundle.load(project.bundle)
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "gate: {max_regression: 2.5}\n")

    verdict = verdict_on(project, champion)

    assert verdict.metrics[0].metric.name == "profit"
    result, measured = finding(verdict, "comparison")
    assert (result, measured.split(" ")[0]) == ("passed", "profit")
    assert "profit" in as_text(verdict).splitlines()[0]
    assert "| Profit |" in as_markdown(verdict)
    assert finding(verdict, "baseline")[1].startswith("profit +")


def test_where_lower_is_better_the_gate_and_the_summary_know_it(with_metrics: Callable[..., Project]) -> None:
    project = with_metrics(PROFIT, "cost")

    project.run("evaluate")

    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    assert "**Significantly better than the baseline.** Cost is 0." in card
    verdict = verdict_on(project)
    assert finding(verdict, "baseline")[0] == "passed"
    assert verdict.metrics[0].challenger < verdict.metrics[0].other
    assert verdict.metrics[0].low < verdict.metrics[0].gain < verdict.metrics[0].high
    project.write("src/houses/metrics.py", PROFIT.replace("LOWER_IS_BETTER", "OTHER"))
    project.run("evaluate")
    assert "**Not better than the baseline.**" in (project.folder / "reports/model-card.md").read_text()
    assert finding(verdict_on(project), "baseline")[0] == "rejected"


def test_a_metric_that_ignores_its_weights_has_the_same_interval(with_metrics: Callable[..., Project]) -> None:
    project = with_metrics(PROFIT, "profit")
    project.run("evaluate")
    with_weights = project.read_json("reports/metrics.json")["intervals"]["profit"]

    project.replace("src/houses/metrics.py", "np.average(values, weights=weights)", "values.mean()")
    project.run("evaluate")

    assert project.read_json("reports/metrics.json")["intervals"]["profit"] == pytest.approx(with_weights)


def test_a_metric_that_changes_its_arguments_changes_no_other(with_metrics: Callable[..., Project]) -> None:
    project = with_metrics(PROFIT)
    project.run("evaluate")
    before = project.read_json("reports/metrics.json")

    project.replace(
        "src/houses/metrics.py", "    return _mean(np.abs", "    y[:] = 0\n    p[:] = 1\n    return _mean(np.abs"
    )
    project.run("evaluate")

    after = project.read_json("reports/metrics.json")
    assert after.pop("cost") == 1.0
    assert {name: after[name] for name in ("roc_auc", "brier", "profit")} == {
        name: before[name] for name in ("roc_auc", "brier", "profit")
    }


@pytest.mark.parametrize("name", ["average_precision", "log_loss", "recall"])
def test_a_metric_of_the_library_may_be_the_main_one(with_metrics: Callable[..., Project], name: str) -> None:
    project = with_metrics(PROFIT, name)

    project.run("evaluate")

    assert project.read_json("reports/slices.json")["metric"] == name
    assert list(project.read_json("reports/metrics.json"))[1] == name
    assert verdict_on(project).metrics[0].metric.name == name


def test_root_mean_squared_error_as_the_main_metric_is_compared_with_the_mean(
    with_metrics: Callable[..., Project],
) -> None:
    project = with_metrics(NUMBERS, "rmse", "regression")
    project.run("evaluate")

    verdict = verdict_on(project)

    (baseline,) = (finding.numbers for finding in verdict.findings if finding.rule == "baseline")
    expected = project.read_json("reports/metrics.json")["baseline"]["rmse"]
    assert baseline["other"] == pytest.approx(expected, rel=1e-5)


def test_the_floor_of_the_gate_may_name_an_own_metric(with_metrics: Callable[..., Project]) -> None:
    project = with_metrics(PROFIT)
    project.write(
        "params.yaml", (project.folder / "params.yaml").read_text() + "gate: {floor: {profit: 19, cost: 1}}\n"
    )

    (floor,) = (finding for finding in verdict_on(project).findings if finding.rule == "floor")

    assert floor.result == "rejected"
    assert floor.why.startswith("profit is ")
    assert floor.why.endswith("at least 19 is required")


def test_a_metric_may_be_undefined_in_slices(with_metrics: Callable[..., Project]) -> None:
    """As those of the library are: the report has a dash there, and the gate leaves the slice out."""
    project = with_metrics(
        PROFIT.replace(
            "return _mean(np.where", "if len(set(y)) < 2:\n        return np.nan\n    return _mean(np.where"
        ),
        "profit",
    )
    test_set = pd.read_parquet(project.folder / "data/holdout.parquet")
    test_set.loc[test_set["district"] == "south", "sold_fast"] = False
    test_set.to_parquet(project.folder / "data/holdout.parquet")
    project.write(
        "params.yaml",
        (project.folder / "params.yaml")
        .read_text()
        .replace("{bootstrap_rounds: 100}", "{bootstrap_rounds: 100, slice_minimum_rows: 5}"),
    )

    project.run("evaluate")

    (south,) = (part for part in project.read_json("reports/slices.json")["slices"] if part["value"] == "south")
    assert (south["profit"], south["interval"]) == (None, None)


def test_classes_are_in_alphabetical_order_whatever_the_models_order_is() -> None:
    given = {}

    def remember(y: np.ndarray, p: np.ndarray, weights: np.ndarray) -> float:
        given.update(y=y.tolist(), p=p.tolist(), weights=weights.tolist())
        return 0.0

    predictions = Predictions(
        "multiclass", ["b", "c", "a"], np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0, 0, 1.0]]), None
    )
    team_values(Metric("m", "M", "higher", "", function=remember), predictions, np.array([[2.0, 1.0]]))

    assert given == {"y": [1, 1, 0], "p": [[0.1, 0.7, 0.2], [0.1, 0.7, 0.2], [1.0, 0, 0]], "weights": [1, 1, 1]}


def test_the_baseline_of_numbers_is_the_better_constant_for_an_own_metric(with_metrics: Callable[..., Project]) -> None:
    squares = "def squares(y, p, weights):\n    'Squares.'\n    return ((y - p) ** 2).mean()\n"
    project = with_metrics(f"LOWER_IS_BETTER = ['squares']\n{squares}", task="regression")

    project.run("evaluate")

    baseline = project.read_json("reports/metrics.json")["baseline"]
    of_the_mean = baseline["rmse"] ** 2
    assert baseline["squares"] < 0.999 * of_the_mean  # the median is better on these few rows
    project.write("src/houses/metrics.py", squares)  # as if higher were better
    project.run("evaluate")
    assert project.read_json("reports/metrics.json")["baseline"]["squares"] == pytest.approx(of_the_mean, rel=1e-4)
