"""A CSV file is read as it is written: the contract decides the types, and what cannot be decided is rejected."""

import gzip
from collections.abc import Callable

import pandas as pd
import pytest
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table
from cd4ml.errors import DataError, UserError
from cd4ml.settings import paths
from cd4ml.source.draft_contract import main as draft
from house_project import Project

Ingest = Callable[..., pd.DataFrame]
GROESSE = "Groesse: {type: number}\n  Ort: {type: category}"


@pytest.fixture
def ingest(project: Project) -> Ingest:
    """`ingest(columns, **files)`: the raw table of files whose rows have a number `y`, validated."""

    def run(columns: str, files: dict[str, str | bytes], data: str = "", validate: bool = True) -> pd.DataFrame:
        write_source(project, files, data)
        project.write(paths.CONTRACT.name, f"name: x\ntarget: {{name: y, type: number}}\ncolumns:\n  {columns}\n")
        project.run("ingest", *(["validate"] if validate else []))
        return pd.read_parquet(project.folder / paths.RAW)

    return run


def write_source(project: Project, files: dict[str, str | bytes], data: str = "") -> None:
    for name, content in files.items():
        file = project.folder / "source" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    project.write("params.yaml", f"data:\n  source: source\n{data}split:\n  minimum_rows: 2\n")


def values(series: pd.Series) -> list[object]:
    return [None if pd.isna(value) else value for value in series]


def drafted(project: Project, files: dict[str, str | bytes]) -> str:
    """Return the contract that is drafted from files."""
    write_source(project, files)
    (project.folder / paths.CONTRACT).unlink()
    draft(["--target", "y"])
    return (project.folder / paths.CONTRACT).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "code", ["NA", "01234", "1.10", "1E5", "inf", "TRUE", "null", "None", "-", " a", "9007199254740993", "7,5"]
)
def test_a_code_keeps_its_text(ingest: Ingest, code: str) -> None:
    written = f'"{code}"' if "," in code else code
    table = ingest("code: {type: category, nullable: true}", {"a.csv": f"code,y\n{written},1\nB,2\n,3\n"})

    assert values(table["code"]) == [code, "B", None]


def test_only_an_empty_field_is_null_unless_params_name_more(ingest: Ingest) -> None:
    files: dict[str, str | bytes] = {"a.csv": 'code,x,y\nNA,NA,1\n?,?,2\n"",3,3\n'}
    columns = "code: {type: category, nullable: true}\n  x: {type: number, nullable: true}"
    with pytest.raises(DataError, match=r'x +a number +2 +"NA", "\?"'):
        ingest(columns, files)

    table = ingest(columns, files, '  null_values: [NA, "?"]\n')

    assert values(table["code"]) == [None, None, None]
    assert table["x"].dropna().tolist() == [3.0]


def test_one_code_has_one_text_in_all_files(ingest: Ingest, project: Project) -> None:
    first = "shop,account,y\n7,1234567890123456789,1\n,1234567890123456788,2\n8,,3\n"
    second = "shop,account,y\n7,1234567890123456789,4\nA7,1234567890123456787,5\n"
    columns = "shop: {type: category, nullable: true}\n  account: {type: category, nullable: true}"

    table = columns_of_table(
        ingest(columns, {"a.csv": first, "b.csv": second}), Contract.load(project.folder / paths.CONTRACT)
    )

    assert sorted(table["shop"]) == ["", "7", "7", "8", "A7"]
    assert sorted(set(table["account"])) == ["", "1234567890123456787", "1234567890123456788", "1234567890123456789"]


def test_a_code_that_is_written_in_two_ways_is_rejected(ingest: Ingest) -> None:
    with pytest.raises(DataError, match=r'writes one code of shop as "7" and as "7.0"'):
        ingest("shop: {type: category}", {"a.csv": "shop,y\n7,1\n", "b.csv": "shop,y\n7.0,1\n"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("width,size,y\n1,2,3,\n4,5,6,\n", "source/a.csv:2: 4 values in a row, but the header names 3 columns"),
        ("size,y\n1,2\n3\n", "source/a.csv:3: 1 value in a row, but the header names 2 columns"),
        ('size,y\n"1\n",2\n\n3,4,5\n', "source/a.csv:5: 3 values in a row, but the header names 2 columns"),
        ("size,size,y\n1,9,2\n", 'source/a.csv: two columns are named "size"'),
        ("", "source/a.csv is empty"),
        ("sise,y\n1,2\n", "size +required"),
        ("size,y\n1,2\n3,inf\n5,1e400\n", r'y +at most 3.4e\+38 +2 +"inf", "1e400"'),
    ],
)
def test_a_file_that_is_not_right_is_rejected_with_its_place(ingest: Ingest, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ingest("size: {type: number}", {"a.csv": content})


@pytest.mark.parametrize(
    ("name", "content", "printed"),
    [
        ("a.csv", "Groesse,Ort,y\n147.5,Zürich,1000\n", "UTF-8, columns separated by commas"),
        ("A.CSV", "\ufeffGroesse;Ort;y\n147,5;Zürich;1.000\n", "UTF-8, columns separated by semicolons"),
        ("a.csv", 'Groesse,Ort,y\n"147,5",Zürich,"1.000,0"\n', "columns separated by commas"),
        ("a.csv", 'Groesse,Ort,y\n$147.5,Zürich,"1,000.00"\n', "columns separated by commas"),
        ("a.tsv", "Groesse\tOrt\ty\n147.5\tZürich\t1000\n", "columns separated by tabs"),
        ("a.txt", "Groesse|Ort|y\n147.5|Zürich|1000\n", "columns separated by bars"),
        ("a.csv", "Groesse, Ort, y\n147.5,Zürich, 1000\n", "columns separated by commas"),
        ("a.csv", "sep=;\nGroesse;Ort;y\n147,5;Zürich;1000\n", "columns separated by semicolons"),
        ("a.csv", "Groesse,Ort,y\n147.5,Zürich,1000\n".encode("latin-1"), "Latin-1"),
        ("a.csv", "Groesse,Ort,y\n147.5,Zürich,1000\n".encode("utf-16"), "UTF-16"),
        ("a.csv.gz", gzip.compress("Groesse,Ort,y\n147.5,Zürich,1000\n".encode(), mtime=0), "UTF-8"),
        ("a.csv", ",Groesse,Ort,y\n0,147.5,Zürich,1000\n", "UTF-8"),
    ],
)
def test_separator_decimal_mark_and_encoding_are_detected_and_reported(
    ingest: Ingest, capsys: pytest.CaptureFixture[str], name: str, content: str | bytes, printed: str
) -> None:
    table = ingest(GROESSE, {name: content, "README.md": "These rows are ours."})

    assert table[["Groesse", "Ort", "y"]].to_dict("records") == [{"Groesse": 147.5, "Ort": "Zürich", "y": 1000}]
    output = capsys.readouterr().out
    assert printed in output
    assert ("decimal commas" in output) == ("147,5" in str(content))


def test_a_decimal_mark_that_cannot_be_decided_is_set_in_params(ingest: Ingest) -> None:
    files: dict[str, str | bytes] = {"a.csv": "Groesse;Ort;y\n1,234;a;1\n"}
    with pytest.raises(DataError, match=r'"1,234" may have a decimal comma or separate thousands; set data.csv'):
        ingest(GROESSE, files)

    assert ingest(GROESSE, files, '  csv: {decimal: ","}\n')["Groesse"].tolist() == [1.234]
    assert ingest(GROESSE, files, '  csv: {decimal: "."}\n')["Groesse"].tolist() == [1234]


def test_numbers_in_two_ways_are_rejected(ingest: Ingest) -> None:
    with pytest.raises(DataError, match=r'"1.5" has a decimal point and "2,5" a decimal comma'):
        ingest(GROESSE, {"a.csv": "Groesse;Ort;y\n1.5;a;1\n2,5;a;1\n"})


def test_a_header_may_be_longer_than_a_field_of_csv(ingest: Ingest) -> None:
    others = [f"a measurement with a long name {number:04}" for number in range(5000)]  # more than csv's 131,072
    header, row = ";".join(["size", *others, "y"]), ";".join(["1"] * 5002)

    assert ingest("size: {type: number}", {"a.csv": f"{header}\n{row}\n"})["size"].tolist() == [1]


@pytest.mark.parametrize("before", ["", "sep=;\n"])
def test_a_name_in_the_header_may_have_a_line_break(ingest: Ingest, before: str) -> None:
    content = f'{before}"size\nin m²";y\n1;2\n3;4\n'

    assert ingest('"size\\nin m²": {type: number}', {"a.csv": content})["size\nin m²"].tolist() == [1, 3]


def test_what_params_say_of_a_file_is_used(ingest: Ingest) -> None:
    table = ingest(
        GROESSE,
        {"a.csv": "Groesse~Ort~y\n1~Łódź~2\n".encode("cp1250")},
        "  csv: {encoding: cp1250, separator: '~'}\n",
    )

    assert table["Ort"].tolist() == ["Łódź"]


def test_a_draft_takes_types_from_all_values(project: Project) -> None:
    rows = "zip,whole,float,code,amount,part,y\n" + "".join(
        f'{zip_code},{n},{n}.0,{code},"${n},000.5",{n}.5%,{n}\n'
        for n, (zip_code, code) in enumerate([("01234", "1E5"), ("22222", "B"), ("33333", "C")], 1)
    )

    contract = drafted(project, {"a.csv": rows})

    for line in (
        "zip: {type: category}",
        "whole: {type: integer, min: 0}",
        "float: {type: number, min: 0}",
        "code: {type: category}",
        "amount: {type: number, min: 0}",
        "part: {type: number, min: 0}",
        "target: {name: y, type: number}",
    ):
        assert line in contract


def test_a_target_of_too_many_texts_is_rejected_with_an_example(project: Project) -> None:
    rows = "".join(f"{number},{number} EUR\n" for number in range(120))

    with pytest.raises(DataError, match='y has 120 different texts, such as "0 EUR", too many for classes; if'):
        drafted(project, {"a.csv": f"x,y\n{rows}"})


def test_accents_may_be_written_in_another_form_of_unicode(ingest: Ingest) -> None:
    table = ingest('"gro\u0308ße": {type: number}', {"stra\u00dfe.csv": "größe,y\n1,2\n"})

    assert table["größe"].tolist() == [1]


@pytest.mark.parametrize(
    ("rule", "texts", "expected"),
    [
        ("type: boolean", ["Yes", "no", "T", "0", "off"], [True, False, True, False, False]),
        ("type: boolean, positive: churned, negative: stayed", ["churned", "stayed"], [True, False]),
        ('type: boolean, positive: "2", negative: "1"', ["1", "2"], [False, True]),
        ('type: timestamp, format: "%d.%m.%Y"', ["31.01.2024", "01.02.2024"], ["2024-01-31", "2024-02-01"]),
        ("type: timestamp, format: epoch_s", ["1704067200"], ["2024-01-01"]),
        ("type: timestamp, format: epoch_ms, timezone: UTC", ["1704067200000"], ["2024-01-01"]),
        ('type: timestamp, format: "%Y%m%d"', ["20240131"], ["2024-01-31"]),
    ],
)
def test_the_contract_says_how_the_source_writes_a_value(
    ingest: Ingest, rule: str, texts: list[str], expected: list[object]
) -> None:
    rows = "".join(f"{text},1\n" for text in texts)

    table = ingest(f"x: {{{rule}}}", {"a.csv": f"x,y\n{rows}"})

    assert [value.date().isoformat() if hasattr(value, "date") else value for value in table["x"]] == expected


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("type: boolean, positive: churned, negative: stayed", r'x +churned or stayed +1 +"left"'),
        ('type: timestamp, format: "%d.%m.%Y"', r'x +a time written as %d.%m.%Y +1 +"left"'),
        ("type: boolean, positive: churned", "positive and negative are the two texts of the source; write both"),
        ("type: number, format: epoch_s", "format is for a timestamp, this is a number; remove it"),
    ],
)
def test_a_value_that_is_written_otherwise_is_rejected(ingest: Ingest, rule: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        ingest(f"x: {{{rule}}}", {"a.csv": "x,y\nleft,1\n"})


def test_rows_without_a_target_are_left_out_and_counted(ingest: Ingest, capsys: pytest.CaptureFixture[str]) -> None:
    table = ingest("x: {type: number}", {"a.csv": "x,y\n1,10\n2,\n3,30\n"})

    assert table["x"].tolist() == [1, 3]
    assert "2 rows; left out: 1 without a target" in capsys.readouterr().out


def test_a_source_without_any_target_is_an_error(ingest: Ingest) -> None:
    with pytest.raises(DataError, match="no row of the source has a value of y, the target"):
        ingest("x: {type: number}", {"a.csv": "x,y\n1,\n2,\n"})


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ("stayed stayed churned", "{name: y, type: boolean, positive: churned, negative: stayed} # true is churned;"),
        ("1 1 2", '{name: y, type: boolean, positive: "2", negative: "1"} # true is 2;'),
        ("0 1 0", "{name: y, type: boolean}\n"),
        ("yes no no", "{name: y, type: boolean}\n"),
        ("a b c", "{name: y, type: category}\n"),
        ("3 4 5", "{name: y, type: number} # or category, for classes\n"),
    ],
)
def test_the_drafted_target_is_what_its_values_are(project: Project, values: str, line: str) -> None:
    rows = "".join(f"{number},{value}\n" for number, value in enumerate(values.split()))

    assert f"target: {line}" in drafted(project, {"a.csv": f"x,y\n{rows}"})
