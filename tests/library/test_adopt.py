"""`make adopt` turns a table into a project that trains, and says what it decided and why."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cd4ml.adoption.adopt import main
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import read_table
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
    project.write("docs/canvas.md", "This canvas is the example's.\n\n- **Purpose**: late flights\n")
    return project


@pytest.fixture
def adopt(fresh: Project, capsys: pytest.CaptureFixture[str]) -> Adopt:
    """`adopt(table, target, ...)`: what `cd4ml adopt` prints for a table."""

    def run(table: pd.DataFrame, target: str = "y", *arguments: str) -> str:
        table.to_csv("rows.csv", index=False)
        main(["rows.csv", "--target", target, "--tune", "0", *arguments])
        return capsys.readouterr().out

    return run


def in_terminal(*arguments: str, answers: list[str]) -> str:
    """Return what `cd4ml` prints in a terminal, where a person types these answers, one for each question."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cd4ml", *arguments]
    running = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    printed, left, end = "", [*answers], time.monotonic() + 120
    while time.monotonic() < end and select.select([ours], [], [], end - time.monotonic())[0]:
        try:
            printed += os.read(ours, 4096).decode()
        except OSError:  # it has ended
            break
        if left and printed.count("Enter for 1") > len(answers) - len(left) and printed.endswith(": "):
            answer = left.pop(0)
            os.write(ours, (answer if answer == "\x04" else f"{answer}\n").encode())
    running.wait(30)
    os.close(ours)
    return printed.replace("\r\n", "\n")


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
    assert "next: read contract.yaml" in printed
    assert "in README.md and in `description` of pyproject.toml" in printed
    assert Bundle.load(paths.BUNDLE).contract.sample_row()["district"] in ("north", "south", "east")
    assert not list(Path("tests/model").iterdir())
    assert not list(Path("data/source").iterdir())
    assert "docs/canvas.md is an empty form now" in printed
    canvas = Path("docs/canvas.md").read_text(encoding="utf-8")
    assert canvas.startswith("# Canvas: an empty form\n")
    assert "late flights" not in canvas


@pytest.mark.parametrize("written", ["# Why we want to know prices\n", None])
def test_a_canvas_that_a_person_wrote_or_removed_stays_so(fresh: Project, adopt: Adopt, written: str | None) -> None:
    canvas = Path("docs/canvas.md")
    canvas.unlink() if written is None else canvas.write_text(written, encoding="utf-8")

    printed = adopt(houses().drop(columns=["sold_fast", "kind"]), "price")

    assert "canvas" not in printed
    assert (canvas.read_text(encoding="utf-8") if canvas.exists() else None) == written


def test_the_rows_that_a_split_of_the_teams_own_holds_back_are_not_used(fresh: Project, adopt: Adopt) -> None:
    fresh.write(
        "src/houses/split.py", "def in_test_set(table):\n    'The large ones.'\n    return table['size'] > 19\n"
    )
    table = rows_with()

    with fresh.inside():
        printed = adopt(table)

    held = int((table["size"] > 19).sum())
    assert f"test set: by in_test_set in src/houses/split.py: {held} rows; training set: {ROWS - held} rows" in printed


@pytest.mark.parametrize(
    ("values", "decision"),
    [
        ([1] * ROWS, "left out +sure +the same in every row"),
        ([None] * ROWS, "left out +sure +empty"),
        ([f"{n:05}-x" for n in range(ROWS)], "left out +sure +different in every row"),
        (["a long text about this row, of no use as a category"] * 399 + ["x"], "left out +sure +free text"),
        ([f"shop {n // 2}" for n in range(ROWS)], "left out +likely +200 different values in 400 rows"),
        ([*range(ROWS)], "left out +likely +numbers the rows"),
        ([10_000_000_000 + n // 100 for n in range(ROWS)], "column, category +sure"),
        ([10**n for n in range(5, 10)] * 80, "column, number +sure"),
        (["yes", "no"] * 200, "column, boolean +sure"),
        (["31.12.2023", "01.02.2024"] * 200, "column, timestamp +sure"),
        (["01.12.2023", "01.02.2024"] * 200, "column, timestamp +sure"),
        (["01/12/2023", "01/02/2024"] * 200, "column, timestamp +check +or %d/%m/%Y"),
        ([*RNG.uniform(1, 5, 398).round(2), -999, -999], "column, number +check +is -999 a null"),
        (["a", "unknown"] * 200, 'column, category +check +is "unknown" a null'),
    ],
)
def test_a_column_is_used_or_left_out_with_a_reason(adopt: Adopt, values: list[object], decision: str) -> None:
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
        ([1, 2] * 200, ("--id", "x"), "x has only 2 different values; an id names a row, or one of at least 20 things"),
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


def test_a_column_that_numbers_sorted_rows_is_no_feature(adopt: Adopt) -> None:
    table = rows_with().sort_values("y")
    table.insert(0, "rownames", range(1, ROWS + 1))

    adopt(table.sample(300, random_state=0).sort_index().drop_duplicates("rownames").sort_values("rownames"))

    assert list(Contract.load(paths.CONTRACT).columns) == ["size"]


@pytest.mark.parametrize("arguments", [(), ("--id", "patient_id")])
def test_rows_of_one_group_stay_together(fresh: Project, adopt: Adopt, arguments: tuple[str, ...]) -> None:
    table = rows_with(patient_id=RNG.integers(0, 90, ROWS))

    printed = adopt(table, "y", *arguments)
    fresh.run("ingest", "validate", "split", "train")

    assert re.search(r"patient_id +group +(check|sure) +several rows belong to each", printed)
    assert Contract.load(paths.CONTRACT).group == "patient_id"
    train, test = ({*read_table(path)["patient_id"]} for path in (paths.TRAIN, paths.HOLDOUT))
    assert train.isdisjoint(test)
    assert len(train) > len(test) > 5


def test_a_number_whose_name_ends_in_id_is_no_group(adopt: Adopt) -> None:
    adopt(rows_with(malic_acid=RNG.integers(100, 200, ROWS) / 100))
    assert "malic_acid" in Contract.load(paths.CONTRACT).columns


def test_a_few_integers_are_numbers_or_classes_by_their_shape(adopt: Adopt) -> None:
    rating = np.clip(np.round(RNG.normal(5, 1.2, ROWS)), 1, 9).astype(int)
    assert re.search(r"y +target, number +check +a number", adopt(rows_with().assign(y=rating)))


def test_integers_that_are_all_as_frequent_are_classes(adopt: Adopt) -> None:
    table = rows_with()
    digit = pd.qcut(table["size"], 8, labels=[3, 0, 7, 5, 1, 4, 2, 6]).astype(int)
    digit[:8] = [0, 0, 2, 2, 4, 4, 6, 6]
    assert re.search(r"y +target, category +check +one of 8 classes", adopt(table.assign(y=digit)))


def test_in_a_terminal_it_asks_about_what_is_unclear_and_nothing_else(fresh: Project) -> None:
    table = rows_with(opened=[f"2024-01-{n % 28 + 1:02}" for n in range(ROWS)], zip_code=RNG.integers(100, 130, ROWS))
    table["closed"] = table["opened"]
    table["closed"] = pd.to_datetime(table["opened"]) + pd.to_timedelta(RNG.integers(0, 9, ROWS), "D")
    table["y"] = np.where(table["y"] > table["y"].median(), "stayed", "churned")
    table["left_on"] = np.where(table["y"] == "churned", 1.5, 0.5)
    table.to_csv("rows.csv", index=False)

    printed = in_terminal("adopt", "rows.csv", "--target", "y", "--tune", "0", answers=["2", "", "2", "x", "", ""])

    contract = Contract.load(paths.CONTRACT)
    questions = [line for line in printed.splitlines() if line.endswith(("?", "them"))]
    assert "what does a model of y predict?" in printed
    assert "which time orders the rows" in printed
    assert printed.count("Enter for 1") == 5, questions
    assert contract.time is None
    assert contract.columns["zip_code"].type == "category"
    assert "left_on" not in contract.columns


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_value_that_means_null_is_asked_about_and_becomes_one(fresh: Project, name: str) -> None:
    table = rows_with(weight=[*RNG.uniform(1, 5, 395).round(2), *[-999.0] * 5], plan=["a", "unknown"] * 200)
    table.to_csv(name, index=False) if name.endswith("csv") else table.to_parquet(name)

    printed = in_terminal("adopt", name, "--target", "y", "--tune", "0", answers=["2", "1"])
    fresh.run("ingest", "validate")

    text = "-999.0" if name.endswith("csv") else "-999"  # as a category of the source would have it
    assert f"does {text} mean null in weight?" in printed
    assert "does unknown mean null in plan?" in printed
    assert Params.load().data.null_values == [text]
    contract = Contract.load(paths.CONTRACT)
    assert contract.columns["weight"].nullable
    assert contract.columns["weight"].min == 0
    assert contract.columns["plan"].values == ["a", "unknown"]
    assert read_table(paths.RAW)["weight"].isna().sum() == 5


def test_a_value_that_the_target_has_too_is_not_taken_for_a_null(fresh: Project) -> None:
    table = rows_with(history=["none", "some", "long", "short"] * 100).assign(
        y=["none", "late", "lost"] * 133 + ["none"]
    )
    table.to_csv("rows.csv", index=False)

    printed = in_terminal("adopt", "rows.csv", "--target", "y", "--tune", "0", answers=["2", "", ""])

    assert "mean null" not in printed
    assert Params.load().data.null_values == []
    assert re.search(r"y +target, category +sure +one of 3 classes", printed)


def test_an_infinite_number_is_an_error_with_its_column_and_rows(adopt: Adopt) -> None:
    message = (
        r"(?s)^the source: 1 rule violated in 400 rows; nothing was changed.*x +at most 3.4e\+38 +2 +inf.*next: fix"
    )
    with pytest.raises(UserError, match=message):
        adopt(rows_with(x=[*RNG.uniform(1, 5, 398).round(2), "1e400", "1e400"]))
    assert Path(paths.CONTRACT).read_text(encoding="utf-8") == EXAMPLE


def test_a_time_whose_oldest_day_has_most_rows_does_not_choose_the_test_set(adopt: Adopt) -> None:
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(np.maximum(np.arange(ROWS) - 349, 0), "D")

    with pytest.raises(UserError, match=r"^x puts 400 of 400 rows into the test set; leave TIME out, or name another"):
        adopt(rows_with(x=days), "y", "--time", "x")
    printed = adopt(rows_with(x=days))

    assert "test set: a fifth of the rows, by a hash" in printed
    assert re.search("(?m)^x +column, timestamp", printed)


def test_counts_that_were_zero_for_long_are_adopted(adopt: Adopt) -> None:
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(ROWS) // 10, "D")

    printed = adopt(rows_with(x=days).assign(y=np.where(np.arange(ROWS) < 100, 0, RNG.poisson(20, ROWS))))

    assert "loss squared_error" in printed


def test_two_numbers_with_decimal_commas_are_a_target(fresh: Project) -> None:
    table = rows_with()
    table["y"] = (table["y"] > table["y"].median()).astype(float)
    table.to_csv("rows.csv", index=False, sep=";", decimal=",")

    main(["rows.csv", "--target", "y", "--tune", "0"])
    fresh.run("ingest", "validate")

    assert read_table(paths.RAW)["y"].sum() == table["y"].sum()


def test_where_half_of_the_values_are_zero_the_squared_error_is_the_main_metric(fresh: Project, adopt: Adopt) -> None:
    table = rows_with()
    adopt(table.assign(y=np.where(RNG.random(ROWS) < 0.6, 0.0, table["y"])))
    fresh.run("ingest", "validate", "split", "train", "package", "evaluate")

    assert Params.load().metrics.main == "rmse"
    assert re.search(r"main: rmse # 6\d% of the values are 0, which", paths.PARAMS.read_text(encoding="utf-8"))


def test_with_yes_it_asks_nothing_in_a_terminal(fresh: Project) -> None:
    rows_with(code=RNG.integers(0, 9, ROWS)).to_csv("rows.csv", index=False)

    printed = in_terminal("adopt", "rows.csv", "--target", "y", "--tune", "0", "--yes", answers=[])

    assert "Enter for 1" not in printed
    assert re.search(r"code +column, integer +check +is called a code", printed)


def test_an_end_of_the_input_leaves_everything_as_it_was(fresh: Project) -> None:
    rows_with(code=RNG.integers(0, 9, ROWS)).to_csv("rows.csv", index=False)
    before = {path: path.read_bytes() for path in (paths.CONTRACT, paths.PARAMS)}

    printed = in_terminal("adopt", "rows.csv", "--target", "y", answers=["\x04"])

    assert "nothing was written" in printed
    assert {path: path.read_bytes() for path in before} == before


def test_a_second_run_keeps_what_people_wrote(fresh: Project, adopt: Adopt) -> None:
    table = rows_with(colour=["red", "blue"] * 200)
    adopt(table)
    fresh.replace("contract.yaml", "columns:", "columns:\n  # ours")
    fresh.replace("params.yaml", "max_slice_regression: 0.1", "max_slice_regression: 0.3")
    kept = [Path(name) for name in ("contract.yaml", "src/houses/features.py", "src/houses/model.py")]
    before = [path.read_bytes() for path in kept]

    table["colour"] = table["colour"].where(table.index > 9)
    table.assign(weight=1.5).to_csv("more.csv", index=False)
    main(["more.csv", "--target", "y"])

    assert [path.read_bytes() for path in kept] == before
    params = Params.load()
    assert (params.data.source, params.gate.max_slice_regression) == ("more.csv", 0.3)


def test_a_second_run_shows_what_its_rows_suggest(adopt: Adopt, capsys: pytest.CaptureFixture[str]) -> None:
    table = rows_with(colour=["red", "blue"] * 200, empty=None)
    adopt(table)
    capsys.readouterr()

    printed = adopt(table.assign(colour=table["colour"].where(table.index > 9), weight=table["size"] * 2))

    assert re.search(r"colour +{type: category, values: \[blue, red\]} +{type: category, nullable: true", printed)
    assert "  weight: {type: number, min: 0}" in printed
    assert "empty" not in printed


def test_another_target_is_a_new_start(adopt: Adopt) -> None:
    adopt(rows_with())
    with pytest.raises(UserError, match=r"contract\.yaml has the target y, not size\. To start again"):
        adopt(rows_with(), "size")


def test_comments_and_other_settings_in_params_are_kept(fresh: Project, adopt: Adopt) -> None:
    fresh.replace("params.yaml", "bootstrap_rounds: 1000 #", "bootstrap_rounds: 200 # quick,")

    adopt(rows_with())

    text = paths.PARAMS.read_text(encoding="utf-8")
    assert "bootstrap_rounds: 200 # quick," in text
    assert 'source: "rows.csv" # Parquet or CSV' in text
    assert Params.load().evaluate.bootstrap_rounds == 200
