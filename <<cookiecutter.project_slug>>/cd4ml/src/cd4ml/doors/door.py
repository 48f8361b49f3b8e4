"""The verb `door`: list the files through which the library calls the team's code, or write one to start from."""

from dataclasses import dataclass
from pathlib import Path

from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import Project, read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align, report

_STARTERS = Path(__file__).parent / "starters"
_PAGE = "cd4ml/docs/doors.md"


@dataclass(frozen=True)
class Door:
    """A file of the team's package that the library looks for, by its name."""

    file: str
    signature: str
    test: str = ""
    """Where its test goes; empty if the project has the file and its test from the beginning."""
    advice: str = ""
    """What to do with the new file, besides `make test` and `make train`."""


DOORS = {
    "features": Door("features.py", "derive(columns) -> features by name"),
    "model": Door("model.py", "build_model(task, numbers, categories, *, ...) -> a pipeline"),
    "metrics": Door(
        "metrics.py",
        "each public function (y, p, weights) -> float",
        "tests/test_metrics.py",
        "to compare models by it, set metrics.main in params.yaml",
    ),
    "split": Door(
        "split.py",
        "in_test_set(table) -> one boolean for each row",
        "tests/test_split.py",
        "it holds back the same rows as before until you change it",
    ),
    "card": Door(
        "model_card.md.jinja",
        "a Jinja2 template",
        "tests/model/test_model_card.py",
        "write down what your model is for",
    ),
    "service": Door(
        "service.py",
        "add_routes(app, model), which adds routes beside POST /predict",
        "tests/model/test_service.py",
        "`make serve` lists the route at /docs; the model stays as it is",
    ),
    "notify": Door(
        "notify.py",
        "on_rejected(event), on_released(event), on_alert(event), to tell people",
        "tests/test_notify.py",
        "`uv run cd4ml notify` sends a test message",
    ),
}
OPTIONAL = [name for name, door in DOORS.items() if door.test]


def main(argv: list[str]) -> None:
    """List the doors, or write the file of one, and its test.

    Raises:
        UserError: one of both files exists, or contract.yaml, params.yaml or pyproject.toml is not valid.
    """
    arguments = Arguments("door")
    arguments.add_argument("name", nargs="?", choices=OPTIONAL, help="which file to write; the list of all by default")
    name, project = arguments.parse_args(argv).name, read_project()
    if name is None:
        print(_listed(project))
        return
    files = starter(name, project.package, Contract.load(paths.CONTRACT), Params.load())
    for path in files:
        if path.exists():
            raise UserError(f"{path} exists, so nothing was written; edit it, or move it away first ({_PAGE})")
    for path, text in files.items():
        write_text(path, text)
    report(f"wrote {' and '.join(map(str, files))}: they work as they are; {DOORS[name].advice}")
    report(f"next: `make test`, `make train`; {_PAGE} explains the file")


def _listed(project: Project) -> str:
    package = project.model.parent
    rows = [("name", "file", "there", "what the library calls")]
    for name, door in DOORS.items():
        path = package / door.file
        rows.append((name, str(path), "yes" if path.exists() else "no", door.signature))
    return f"{align(rows)}\nnext: cd4ml door {' | '.join(OPTIONAL)} writes one to start from; {_PAGE} explains them"


def starter(name: str, package: str, contract: Contract, params: Params) -> dict[Path, str]:
    """Return the file of a door and its test, ready to use in this project, by path.

    Args:
        name: of a door that is optional.
        package: the team's.
        contract: decides between starters: by the kind of target, or by whether there is a time.
        params: the present size of the test set.
    """
    kind = {
        "metrics": contract.task,
        "split": "hash" if contract.time is None else "time",
        "card": "card",
        "service": "service",
        "notify": "notify",
    }[name]
    words = {
        "team_package": package,
        "time_column": repr(contract.time or "").replace("'", '"'),
        "newest_days": str(params.split.holdout_days),
        "test_share": f"{params.split.holdout_share:g}",
    }
    door = DOORS[name]
    paths_of_starters = {
        Path("src") / package / door.file: _STARTERS / f"{kind}.txt",
        Path(door.test): _STARTERS / f"test_{kind}.txt",
    }
    return {path: _filled_in(text.read_text(encoding="utf-8"), words) for path, text in paths_of_starters.items()}


def _filled_in(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"<{word}>", value)
    return text
