"""What the gate says of a test set that proves little: too few rows, or too few rows of one outcome."""

import json
import re

import pytest
from candidate_models import CandidateModels, rejections
from cd4ml.bundle.bundle import Bundle
from cd4ml.gate import power
from cd4ml.gate.verdict import Verdict, as_json, as_markdown, as_text


def results(verdict: Verdict) -> dict[str, str]:
    """Return each rule's result."""
    return {finding.rule: finding.result for finding in verdict.findings}


def keep_rows(candidates: CandidateModels, monkeypatch: pytest.MonkeyPatch, rows: int, positives: int) -> None:
    """Leave `rows` rows in the test set, of which `positives` are sold fast."""
    true = candidates.table["sold_fast"].astype(bool)
    kept = [*candidates.table.index[true][:positives], *candidates.table.index[~true][: rows - positives]]
    monkeypatch.setattr(candidates, "table", candidates.table.loc[sorted(kept)].reset_index(drop=True))


def test_the_verdict_begins_with_the_loss_that_would_have_been_seen(
    candidates: CandidateModels, champion: Bundle
) -> None:
    verdict = candidates.judge(candidates.bundle(candidates.model_of_few_rows()), champion)

    third_line = as_text(verdict).splitlines()[2]
    assert re.fullmatch(r"the test set detects a loss of 0\.0\d\d in four cases out of five", third_line)
    assert third_line.removeprefix("the test set ") in as_markdown(verdict).split("|")[0]
    detectable = as_json(verdict)["detectable_loss"]
    assert 0.005 <= detectable < 0.1
    assert f"{detectable:.3f}" in third_line


def test_a_test_set_that_shows_only_large_losses_is_rejected(candidates: CandidateModels, champion: Bundle) -> None:
    bundle = candidates.bundle(candidates.model_of_few_rows())

    blind = candidates.judge(bundle, champion, smallest_loss=0.005, max_regression=0.5)
    enough = candidates.judge(bundle, champion, smallest_loss=0.6, max_regression=0.5)

    assert rejections(blind)["power"].startswith("the test set shows only losses of roc_auc above 0.5")
    assert "gate.smallest_loss is 0.005; make the test set larger" in rejections(blind)["power"]
    assert results(enough)["power"] == "passed"


def test_fewer_rows_show_only_larger_losses(
    candidates: CandidateModels, champion: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = candidates.bundle(candidates.model_of_few_rows())
    all_rows = as_json(candidates.judge(bundle, champion))["detectable_loss"]

    keep_rows(candidates, monkeypatch, 100, 50)

    assert as_json(candidates.judge(bundle, champion))["detectable_loss"] > 1.5 * all_rows


def test_a_verdict_without_a_champion_names_no_loss(candidates: CandidateModels) -> None:
    verdict = candidates.judge(candidates.bundle(candidates.good_model()), smallest_loss=0.0001)

    assert results(verdict)["power"] == "not judged"
    assert "detects" not in as_text(verdict)
    assert as_json(verdict)["detectable_loss"] is None


@pytest.mark.parametrize("positives", [1, 4])
def test_with_too_few_positives_nothing_can_be_decided_and_that_is_a_rejection(
    candidates: CandidateModels, champion: Bundle, monkeypatch: pytest.MonkeyPatch, positives: int
) -> None:
    bundle = candidates.bundle(candidates.good_model())
    keep_rows(candidates, monkeypatch, 250, positives)

    first, other = candidates.judge(bundle), candidates.judge(bundle, champion)

    why = f"roc_auc cannot be compared: rows in the test set without the most frequent class: {positives}, at least 5"
    assert rejections(first)["baseline"].startswith(why)
    assert "collect more rows" in rejections(first)["baseline"]
    assert rejections(other)["comparison"].startswith(why)
    assert results(other)["slices"] == results(other)["power"] == "not judged"


def test_slices_with_too_few_of_an_outcome_are_left_out_and_counted(
    candidates: CandidateModels, champion: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = candidates.table.copy()
    monkeypatch.setattr(candidates, "table", table)
    bundle = candidates.bundle(candidates.good_model())
    north = table.index[table["district"] == "north"]
    table.loc[north, "sold_fast"] = False
    table.loc[north[:3], "sold_fast"] = True

    (slices,) = (one for one in candidates.judge(bundle, champion).findings if one.rule == "slices")

    assert "; 1 left out, with fewer than 5 rows of an outcome" in slices.measured
    assert "district=north" not in slices.numbers


def test_a_test_set_with_less_than_half_the_champions_rows_is_rejected(
    candidates: CandidateModels, champion: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, rows = candidates.bundle(candidates.good_model()), len(candidates.table)

    def judged_with(champions_rows: int, digest: str) -> Verdict:
        report = json.dumps({"digest": digest, "rows": champions_rows})
        monkeypatch.setattr(power, "file_at", lambda *_: report)
        return candidates.judge(bundle, champion)

    digest = champion.manifest.digest
    small = judged_with(2 * rows + 2, digest)
    assert rejections(small)["rows"].startswith(f"{rows:,} rows, the champion's test set had {2 * rows + 2:,}")
    assert results(judged_with(2 * rows, digest))["rows"] == "passed"
    assert results(judged_with(9 * rows, "of another bundle"))["rows"] == "not judged"
