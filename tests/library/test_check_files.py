"""`cd4ml check-files`: what must not be committed is found with its file and line, and all else passes."""

import json
import subprocess
from pathlib import Path

import pytest
from cd4ml.cli import main

PLANTED = "PRIVATE KEY"  # put together here, so that no scanner takes this file for a leak


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, which is the working directory."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def findings(capsys: pytest.CaptureFixture[str], *names: str) -> list[str]:
    """What the verb prints, without its own name; nothing if it passes."""
    code = main(["check-files", *names])
    printed = capsys.readouterr()
    assert (code, printed.out) == (1 if printed.err else 0, "")
    return printed.err.removeprefix("check-files: ").splitlines()


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> theirs\n", ":2: a conflict is not resolved"),
        (f'{{\n"private_key": "-----BEGIN {PLANTED}-----\\nMII"}}\n', ":2: a private key"),
        (f"-----BEGIN OPENSSH {PLANTED}-----\n", ":1: a private key"),
        ("key = 'AKIA" + "Q" * 16 + "'\n", ":1: an access key of AWS"),
        ("a\n\nAccountKey=" + "a" * 86 + "==;\n", ":3: a storage key of Azure"),
        ("ghp_" + "a1" * 18 + "\n", ":1: a token of GitHub"),
    ],
)
def test_conflicts_and_keys_are_found_in_any_text(text: str, finding: str, capsys) -> None:
    (found,) = findings(capsys, write("sub/any file.txt", text))

    assert found.startswith(f"sub/any file.txt{finding}")


def test_what_only_looks_like_it_passes(capsys) -> None:
    names = [
        write("underlined.md", "Title\n=======\n\n<<<<<<<HEAD\n  >>>>>>> indented\n"),
        write("short.py", "AKIA = 'AKIA123'  # ghp_short\n"),
        write("allowed.py", f"SAMPLE = '-----BEGIN {PLANTED}-----'  # gitleaks:allow\n"),
    ]
    Path("rows.parquet").write_bytes(b"PAR1\0<<<<<<< \n-----BEGIN " + PLANTED.encode() + b"-----")

    assert findings(capsys, *names, "rows.parquet", "deleted.py") == []


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "sub/rows.pickle"])
def test_a_pickle_is_rejected_by_its_name(name: str, capsys) -> None:
    (found,) = findings(capsys, write(name, "x"))

    assert found.startswith(f"{name}: a pickle runs code when it is loaded")


@pytest.mark.parametrize(
    ("cells", "finding"),
    [
        ([{"cell_type": "markdown"}, {"outputs": []}], None),
        ([{"outputs": [{"text": ["a row"]}]}], "holds what its cells printed"),
        ("none", "not a notebook"),
    ],
)
def test_a_notebook_is_committed_without_what_it_printed(cells: object, finding: str | None, capsys) -> None:
    found = findings(capsys, write("notebooks/explore.ipynb", json.dumps({"cells": cells})))

    assert [line.split(": ")[1].startswith(str(finding)) for line in found] == ([] if finding is None else [True])


def test_contract_and_parameters_have_to_be_valid(capsys) -> None:
    write("params.yaml", 'data: {source: rows.csv}\ngate: {max_regression: "5%"}\n')
    write("contract.yaml", "columns: [\n")

    found = findings(capsys, "params.yaml", "contract.yaml")

    assert [line.partition(":")[0] for line in found] == ["params.yaml", "contract.yaml"]
    assert "gate.max_regression" in found[0]


def test_without_names_all_is_checked_that_git_tracks_outside_the_library(capsys) -> None:
    for name in ("cd4ml/a.pkl", "mine.pkl", "untracked.pkl"):
        write(name, "x")
    subprocess.run(["git", "add", "cd4ml", "mine.pkl"], check=True)

    assert [line.partition(":")[0] for line in findings(capsys)] == ["mine.pkl"]
