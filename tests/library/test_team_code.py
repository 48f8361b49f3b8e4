"""An error in the team's own files is reported with file and line of their code, without the library's stack."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.cli import main
from house_project import MODEL, Project

Fail = Callable[..., str]

SCALER = '''\
"""A step of the team's own."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Scaler(TransformerMixin, BaseEstimator):
    """Divide by the largest value."""

    def fit(self, X, y=None):
        self.largest_ = largest(X)
        return self

    def transform(self, X):
        return np.asarray(X) / self.largest_


def largest(table):
    return np.nanmax(np.asarray(table), axis=0)
'''

MODEL_WITH_SCALER = MODEL.replace(
    "from sklearn.pipeline import Pipeline",
    "from sklearn.pipeline import Pipeline\n\nfrom houses.steps.scaler import Scaler",
).replace('"passthrough", [*numbers]', "Scaler(), [*numbers]")


@pytest.fixture
def trained(tiny_projects: dict[str, Project], tmp_path: Path) -> Project:
    """A copy of a project whose stages have run up to the bundle; its model has a step of the team's own."""
    project = Project(tmp_path / "houses")
    shutil.copytree(tiny_projects["binary"].folder, project.folder, dirs_exist_ok=True)
    project.write("src/houses/steps/scaler.py", SCALER)
    project.write("src/houses/model.py", MODEL_WITH_SCALER)
    return project


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Run a stage as DVC does; return what it printed as an error."""
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)  # the parent of these tests lives

    def run(project: Project, stage: str = "train") -> str:
        with project.inside():
            assert main(["stage", stage]) == 1
        return capsys.readouterr().err

    return run


def line_of(project: Project, name: str, text: str) -> str:
    """Return `file:line` of the only line of a file that holds a text."""
    lines = (project.folder / name).read_text(encoding="utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if text in line)
    return f"{name}:{number}"


IN_FEATURES = [
    ("def derive(columns):", "def derive(columns:", "'(' was never closed"),
    ("import numpy as np", "import numpy as np; YEAR = 1 / 0", "ZeroDivisionError: division by zero"),
    ('features.pop("built")', 'columns["age"]', "there is no column 'age'; the contract names the columns"),
    ('features.pop("built")', 'columns.pop("age")', "there is no column 'age'; the contract names the columns"),
    ('features.pop("built")', 'features.pop("age")', "KeyError: 'age'\n"),
    ('features.pop("built")', '{"LGA": 1}["JFK"]', "KeyError: 'JFK'\n"),
    ('features.pop("built")', 'features.pop("built")[:, 1]', "IndexError: too many indices"),
]
IN_MODEL = [
    ("def build_model(", "def build_model((", "SyntaxError: "),
    ("from sklearn.pipeline import Pipeline", "from sklearn.pipeline import Pipe", "ImportError: cannot import"),
    ('"early_stopping": False,', '"early_stopping": numbers["all"],', "TypeError: list indices must be integers"),
]
IN_A_STEP = [
    ("import numpy as np", "import nothing", "ModuleNotFoundError: No module named 'nothing'"),
    ("return np.nanmax(", "return np.nanlargest(", "AttributeError: module 'numpy' has no attribute"),
    ("return np.nanmax(", 'raise ValueError("too\\nlarge") #', "the model cannot be fitted: too\n"),
    ("return np.asarray(X) / ", "return undefined / ", "NameError: name 'undefined' is not defined"),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        *(("src/houses/features.py", *error) for error in IN_FEATURES),
        *(("src/houses/model.py", *error) for error in IN_MODEL),
        *(("src/houses/steps/scaler.py", *error) for error in IN_A_STEP),
    ],
)
def test_an_error_names_file_and_line_of_the_teams_code(
    trained: Project, fail: Fail, name: str, old: str, new: str, message: str
) -> None:
    trained.replace(name, old, new)

    printed = fail(trained)

    assert printed.startswith(f"stage train: {line_of(trained, name, new)}: ")
    assert message in printed
    assert printed.count("\n") == 1


def test_an_error_that_only_shows_later_is_reported_in_the_same_way(trained: Project, fail: Fail) -> None:
    name = "src/houses/features.py"
    trained.replace(name, "features = dict(columns)", 'features = dict(columns if len(columns["size"]) > 200 else 0)')

    printed = fail(trained, "package")

    assert printed.startswith(f"stage package: {line_of(trained, name, '> 200')}: TypeError: 'int' object is not")


@pytest.mark.parametrize(("rows", "stage"), [([-1], "package"), ([3], "train")], ids=["test set", "a fold of it"])
def test_a_model_that_fails_on_rows_that_the_contract_allows_is_reported(
    project: Project, fail: Fail, rows: list[int], stage: str
) -> None:
    project.replace("src/houses/model.py", 'handle_unknown="ignore"', 'handle_unknown="error"')
    project.replace("contract.yaml", "east]", "east, west]")
    table = project.table.sort_values("sold_on", ignore_index=True)
    table.loc[table.index[rows], "district"] = "west"
    project.table = table
    project.run("ingest", "validate", "split", *(["train"] if stage == "package" else []))

    printed = fail(project, stage)

    assert printed.startswith(
        f"stage {stage}: src/houses/model.py: the model cannot score rows that the contract allows: "
    )
    assert printed.count("\n") == 1


def test_a_file_that_is_not_there_is_named(trained: Project, fail: Fail) -> None:
    for name in ("src/houses/features.py", "src/houses/model.py"):
        text = (trained.folder / name).read_text(encoding="utf-8")
        (trained.folder / name).unlink()

        assert fail(trained) == (
            f"stage train: {name} does not exist; pyproject.toml names the package under [tool.cd4ml]\n"
        )
        trained.write(name, text)


@pytest.mark.parametrize("name", ["features.py", "model.py"])
def test_the_whole_stack_is_shown_if_it_is_asked_for(
    trained: Project, fail: Fail, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (trained.folder / "src/houses" / name).read_text(encoding="utf-8")
    trained.write(f"src/houses/{name}", f"raise LookupError('mine')\n{text}")
    monkeypatch.setenv("CD4ML_TRACEBACK", "1")

    printed = fail(trained)

    assert "Traceback (most recent call last):" in printed
    assert "cd4ml/cli.py" in printed
    assert printed.splitlines()[-1] == f"stage train: src/houses/{name}:1: LookupError: mine"


def test_an_error_of_the_library_itself_keeps_its_stack(trained: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)
    monkeypatch.setattr("cd4ml.training.skops_file.save", lambda *_: 1 / 0)

    with trained.inside(), pytest.raises(ZeroDivisionError):
        main(["stage", "train"])
