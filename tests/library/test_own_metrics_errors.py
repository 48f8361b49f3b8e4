"""What is wrong in a team's metrics.py, or in the name of the main metric, is said in one line."""

from collections.abc import Callable

import pytest
from cd4ml.cli import main
from house_project import Project
from own_metrics import PROFIT

BAD_FILES = [
    ("def profit(y, p, weights):", "def profit(y, p):", ":10: profit does not take (y, p, weights); let it, or begin"),
    ("def profit(", "def accuracy(", ":10: accuracy has the name of a metric of the library; give it another name"),
    ("def profit(", "def interval(", ":10: interval has a name that the reports use for something else"),
    ("def profit(", "def cost_low(", ":10: cost_low has a name that the reports use for something else"),
    (
        '    """Mean cost of a wrong probability."""\n',
        "",
        ":18: cost has no docstring; its first line is the description",
    ),
    ('["cost"]', '["costs"]', ":6: LOWER_IS_BETTER names 'costs', which is no function here; write cost"),
    ('["cost"]', '"cost"', ":6: LOWER_IS_BETTER is not a list of names; write ['profit'], for example"),
    ("AT_LEAST = 0.3", "AT_LEAST = 1 / 0", ":7: ZeroDivisionError: division by zero"),
    ("import numpy as np", "import numpi as np", ":3: ModuleNotFoundError: No module named 'numpi'"),
    ("def profit(", "def profit((", ":10: SyntaxError: "),
    ("np.average(values, weights=weights)", "values[0] / {}[1]", ":24: KeyError: 1 (on "),
    ("np.average(values, weights=weights)", "np.nan", ":10: profit is NaN or infinite on the test set of "),
    ("np.average(values, weights=weights)", "values / 2", ":10: profit returned ndarray of shape ("),
    ("np.average(values, weights=weights)", '"0.5"', ":10: profit returned str; return one number"),
    ("np.average(values, weights=weights)", "None", ":10: profit returned NoneType; return one number"),
    ("np.average(values, weights=weights)", "1j", ":10: profit returned complex; return one number"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD_FILES)
def test_what_is_wrong_in_metrics_py_is_said_in_one_line(
    with_metrics: Callable[..., Project],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    message: str,
) -> None:
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)  # the parent of these tests lives
    project = with_metrics(PROFIT.replace(old, new))

    with project.inside():
        assert main(["stage", "evaluate"]) == 1

    printed = capsys.readouterr().err
    assert printed.startswith(f"stage evaluate: src/houses/metrics.py{message}"), printed
    assert printed.count("\n") == 1


def test_a_file_without_a_public_function_is_an_error(
    with_metrics: Callable[..., Project], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)
    with with_metrics("from sklearn.metrics import log_loss\n").inside():
        assert main(["stage", "evaluate"]) == 1

    assert capsys.readouterr().err == (
        "stage evaluate: src/houses/metrics.py has no public function; write one that takes (y, p, weights), or "
        "remove the file\n"
    )


@pytest.mark.parametrize(
    ("task", "name", "near"),
    [("binary", "profitt", "profit or auto"), ("binary", "ROC_AUC", "roc_auc"), ("regression", "bias", "mae")],
)
def test_an_unknown_main_metric_is_an_error_that_names_the_nearest(
    with_metrics: Callable[..., Project],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    name: str,
    near: str,
) -> None:
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)
    with with_metrics(PROFIT, name, task).inside():
        assert main(["stage", "evaluate"]) == 1

    printed = capsys.readouterr().err
    assert printed.startswith(
        f'stage evaluate: params.yaml: metrics.main is "{name}", by which {task} models cannot be compared; write '
    )
    assert near in printed
    assert printed.endswith(" or auto\n")


def test_a_loss_of_one_or_more_is_allowed_for_an_own_metric_only(
    with_metrics: Callable[..., Project], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)
    project = with_metrics(PROFIT)
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "gate: {max_regression: 5}\n")

    with project.inside():
        assert main(["stage", "evaluate"]) == 1

    expected = "params.yaml: gate.max_regression is 5; expected a number between 0 and 1 for roc_auc"
    assert expected in capsys.readouterr().err
