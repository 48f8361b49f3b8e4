"""`cd4ml check-bundle`: what does not go into an image, and the command that makes what does."""

import json
import shutil
from pathlib import Path

import pytest
from cd4ml.cli import main

TRAIN, GATE = "make train", "make gate"


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The manifest of a bundle in the working directory that the gate has accepted."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_bundle, "models/bundle")
    manifest = json.loads(Path("models/bundle/bundle.json").read_text(encoding="utf-8"))
    Path("reports").mkdir()
    write_verdict(digest=manifest["digest"], passed=True)
    return manifest


def write_verdict(**content: object) -> None:
    Path("reports/gate.json").write_text(json.dumps(content), encoding="utf-8")


def test_an_accepted_bundle_passes_here_and_in_another_folder(bundle, tmp_path, monkeypatch, capsys):
    assert main(["check-bundle"]) == 0
    assert "2024-06-30." in capsys.readouterr().out

    monkeypatch.chdir(tmp_path.parent)
    assert main(["check-bundle", tmp_path.name]) == 0
    assert Path.cwd() == tmp_path.parent


def rejection(capsys: pytest.CaptureFixture[str]) -> str:
    """What the verb prints; it has to reject the bundle, in one line."""
    assert main(["check-bundle"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_missing_or_altered_bundle_names_what_makes_one(bundle, capsys):
    Path("models/bundle/features.py").write_text("", encoding="utf-8")
    line = rejection(capsys)
    assert "features.py was altered" in line
    assert TRAIN in line

    shutil.rmtree("models")
    assert rejection(capsys) == "check-bundle: no bundle in models/bundle; run `make train`, which makes one"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digest": 1}', '"passed"'])
def test_what_is_no_verdict_is_no_acceptance(bundle, text, capsys):
    Path("reports/gate.json").write_text(text, encoding="utf-8")

    assert rejection(capsys).endswith("reports/gate.json holds no verdict: run make gate")


def test_an_ungated_bundle_names_the_gate(bundle, capsys):
    write_verdict(digest="0" * 64, passed=True)
    assert "is about another bundle than 2024-06-30." in rejection(capsys)

    for passed in (False, "yes", 1):
        write_verdict(digest=bundle["digest"], passed=passed)
        line = rejection(capsys)
        assert "the gate rejected 2024-06-30." in line
        assert line.endswith(GATE)

    Path("reports/gate.json").unlink()
    line = rejection(capsys)
    assert "has not judged 2024-06-30." in line
    assert line.endswith(GATE)
