"""`make adopt` turns a table into a project that trains, and says what it decided and why."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cd4ml.adoption.adopt import main
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from house_project import Project, houses

Adopt = Callable[..., str]
ROWS = 400
RNG = np.random.default_rng(0)
PARAMS = (Path(__file__).parents[2] / "<<cookiecutter.project_slug>>/params.yaml").read_text(encoding="utf-8")
EXAMPLE = """\
# These columns are the example's.
name: example
target: {name: late, type: boolean}
columns:
  x: {type: number}
"""


@pytest.fixture
def fresh(project: Project) -> Project:
    """A project as it is generated, with the example's files."""
    lines, kept = [], True
    for line in PARAMS.splitlines():
        if line.lstrip().startswith("#%"):
            kept = "else" not in line  # the example's classification
        elif kept:
            lines.append(line)
    project.write("params.yaml", "\n".join(lines) + "\n")
    project.write(paths.CONTRACT.name, EXAMPLE)
    project.write("tests/model/test_example_flights.py", "")
    project.write("data/source/2013-01.parquet", "")
    project.write("data/source/README.md", "# The example's rows\n")
    return project


@pytest.fixture
def adopt(fresh: Project, capsys: pytest.CaptureFixture[str]) -> Adopt:
    """`adopt(table, target, ...)`: what `cd4ml adopt` prints for a table."""

    def run(table: pd.DataFrame, target: str = "y", *arguments: str) -> str:
        table.to_csv("rows.csv", index=False)
        main(["rows.csv", "--target", target, "--tune", "0", *arguments])
        return capsys.readouterr().out

    return run


def rows_with(**columns: object) -> pd.DataFrame:
    """Return a table with a feature, a target that depends on it, and more columns."""
    size = RNG.uniform(10, 20, ROWS).round(2)
    return pd.DataFrame({"size": size, **columns, "y": (size * 3 + RNG.normal(0, 3, ROWS)).round(1)})


@pytest.mark.parametrize("target", ["sold_fast", "kind", "price"])
def test_a_table_is_adopted_and_trains_without_an_edit(fresh: Project, adopt: Adopt, target: str) -> None:
    table = houses().drop(columns=[name for name in ("sold_fast", "kind", "price") if name != target])

    printed = adopt(table, target)
    fresh.run("ingest", "validate", "split", "train", "package", "evaluate")

    contract = Contract.load(paths.CONTRACT)
    assert (contract.id, contract.time, contract.target.name) == ("house_id", "sold_on", target)
    assert contract.task == {"sold_fast": "binary", "kind": "multiclass", "price": "regression"}[target]
    assert "test set: the newest" in printed
    assert "next: read contract.yaml, then make train" in printed
    assert Bundle.load(paths.BUNDLE).contract.sample_row()["district"] in ("north", "south", "east")
    assert not list(Path("tests/model").iterdir())
    assert not list(Path("data/source").iterdir())


@pytest.mark.parametrize(
    ("values", "decision"),
    [
        ([1] * ROWS, "left out +the same in every row"),
        ([None] * ROWS, "left out +empty"),
        ([f"{n:05}-x" for n in range(ROWS)], "left out +different in every row"),
        (["a long text about this row, of no use as a category"] * 399 + ["x"], "left out +free text"),
        ([f"shop {n // 2}" for n in range(ROWS)], "left out +200 different values in 400 rows"),
        ([10_000_000_000 + n // 100 for n in range(ROWS)], "column, category"),
        (["yes", "no"] * 200, "column, boolean"),
        (["31.12.2023", "01.02.2024"] * 200, "column, timestamp"),
        ([*RNG.uniform(1, 5, 398).round(2), -999, -999], "column, number +is -999 a null"),
        (["a", "unknown"] * 200, 'column, category +is "unknown" a null'),
    ],
)
def test_a_column_is_used_or_left_out_with_a_reason(adopt: Adopt, values: list[object], decision: str) -> None:
    import re

    assert re.search(f"(?m)^x +{decision}", adopt(rows_with(x=values)))


def test_columns_that_give_the_target_away_are_left_out(adopt: Adopt) -> None:
    table = rows_with(casual=RNG.poisson(20, ROWS), registered=RNG.poisson(80, ROWS))
    table["y"] = table["casual"] + table["registered"]
    table["hours"] = table["y"] / 60
    table["copy"] = table["size"]

    printed = adopt(table)

    assert "the target is a sum of casual, registered" in printed
    assert "predicts the target alone (R²" in printed
    assert "equals size in every row" in printed
    assert list(Contract.load(paths.CONTRACT).columns) == ["size"]


def test_units_limits_and_an_example_come_from_the_table(adopt: Adopt) -> None:
    adopt(rows_with().rename(columns={"size": "size [m²]"}))

    column = Contract.load(paths.CONTRACT).columns["size [m²]"]
    assert column.unit == "m²"
    assert column.min == 0
    assert 60 < column.highest < 90
    assert 10 <= column.sample() <= 20


def test_rows_without_a_target_are_counted(adopt: Adopt) -> None:
    table = rows_with()
    table.loc[:99, "y"] = None

    assert "without a target, left out: 100 rows" in adopt(table)


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        ("Size ", (), "the source has no column Size ; TARGET may be size"),
        ("y", ("--id", "ident"), "the source has no column ident; ID may be"),
        ("y", ("--time", "size"), "size is no column of times; leave TIME out"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error_with_the_nearest(
    adopt: Adopt, target: str, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        adopt(rows_with(), target, *arguments)
    assert Path(paths.CONTRACT).read_text(encoding="utf-8") == EXAMPLE


@pytest.mark.parametrize(
    ("x", "arguments", "message"),
    [
        ([1, 2] * 200, ("--id", "x"), "x repeats an earlier value in 398 rows; an id names one row"),
        ([None, *range(399)], ("--id", "x"), "x is null in 1 rows; the id of a row is never null"),
        ([None, *["2024-01-01"] * 399], ("--time", "x"), "x is null in 1 rows; the time of a row is never null"),
    ],
)
def test_a_column_that_cannot_be_what_it_is_named_for_is_an_error(
    adopt: Adopt, x: list[object], arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        adopt(rows_with(x=x), "y", *arguments)


def test_a_table_with_nothing_to_predict_from_is_an_error(adopt: Adopt) -> None:
    with pytest.raises(UserError, match="no column is left to predict y from"):
        adopt(rows_with().assign(size=1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("http://example.org/rows.csv", "http:// is not encrypted"),
        ("postgresql://db.example.org/sales", "write the SELECT that returns its rows"),
        ("nowhere.csv", 'data.source "nowhere.csv" matches no file'),
    ],
)
@pytest.mark.usefixtures("fresh")
def test_a_source_that_cannot_be_read_is_an_error(data: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        main([data, "--target", "y"])


def test_a_file_from_elsewhere_is_copied_once_all_is_decided(
    fresh: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "houses.csv"
    rows_with().to_csv(elsewhere, index=False)
    with pytest.raises(UserError, match="the source has no column z"):
        main([str(elsewhere), "--target", "z", "--tune", "0"])
    assert not Path("data/source/houses.csv").exists()

    main([str(elsewhere), "--target", "y", "--tune", "0"])

    assert Params.load().data.source == "data/source/houses.csv"
    assert Path("data/source/houses.csv").read_bytes() == elsewhere.read_bytes()


def test_the_model_is_compared_on_the_training_set_alone(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from cd4ml.adoption import adopt as module

    table, seen = rows_with(), []
    table.to_csv("rows.csv", index=False, sep=";", decimal=",")
    choose = module.choose_model
    monkeypatch.setattr(
        module, "choose_model", lambda columns, *rest: seen.extend(columns["size"]) or choose(columns, *rest)
    )
    main(["rows.csv", "--target", "y", "--tune", "0"])
    fresh.run("ingest", "validate", "split")

    assert sorted(seen) == sorted(pd.read_parquet(paths.TRAIN)["size"].astype(np.float32))


def test_too_few_rows_are_an_error(adopt: Adopt) -> None:
    with pytest.raises(UserError, match="only 20 rows have a value of y; a model needs 50"):
        adopt(rows_with()[:20])


def test_a_contract_of_the_team_is_not_replaced(adopt: Adopt) -> None:
    adopt(rows_with())
    before = {path: path.read_bytes() for path in (paths.CONTRACT, paths.PARAMS)}

    with pytest.raises(UserError, match="is not the example's any more, and adopt would replace it"):
        adopt(rows_with())

    assert {path: path.read_bytes() for path in before} == before


def test_comments_and_other_settings_in_params_are_kept(fresh: Project, adopt: Adopt) -> None:
    fresh.replace("params.yaml", "bootstrap_rounds: 1000 #", "bootstrap_rounds: 200 # quick,")

    adopt(rows_with())

    text = paths.PARAMS.read_text(encoding="utf-8")
    assert "bootstrap_rounds: 200 # quick," in text
    assert 'source: "rows.csv" # Parquet or CSV' in text
    assert Params.load().evaluate.bootstrap_rounds == 200
