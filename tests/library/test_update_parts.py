"""The parts of an update that decide by text and paths alone: answers, plans, params.yaml, retraining, the summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from cd4ml.update.answers import migrated, with_settings
from cd4ml.update.layout import Layout
from cd4ml.update.lost_imports import imported, module_of
from cd4ml.update.new_params import Proposal, propose
from cd4ml.update.plan import Entry, Situation, edited_library, make_plan, reason_to_leave
from cd4ml.update.record import UpdateError, parse_record
from cd4ml.update.retraining import Rerun, reruns, sentence
from cd4ml.update.summary import Change, Summary, as_markdown, as_table, changelog_between, remarks
from cd4ml.update.template import address_of, numbers

ANSWERS = {"project_slug": "houses", "problem": "regression", "author": "Ada", "description": "", "platform": "aci"}
RENAMED = [
    {"version": "1.0.0", "question": "platform", "to": "target", "answers": {"aci": "azure"}},
    {"version": "2.0.0", "question": "target", "answers": {"azure": "azure-containers"}},
    {"version": "2.0.0", "question": "colour", "to": "color"},
]


# answers


@pytest.mark.parametrize(
    ("since", "to", "expected"),
    [
        ("0.3.0", "0.9.0", {"platform": "aci"}),
        ("0.3.0", "1.0.0", {"target": "azure"}),
        ("0.3.0", "2.1.0", {"target": "azure-containers"}),
        ("1.0.0", "1.5.0", {"platform": "aci"}),  # that version asks no platform, so nothing is renamed in it
        ("1.0.0rc1", "1.0.0", {"target": "azure"}),
        ("", "1.0.0", {"target": "azure"}),
    ],
)
def test_an_answer_follows_its_question(since: str, to: str, expected: dict[str, str]) -> None:
    assert migrated({"platform": "aci", "author": "Ada"}, RENAMED, since, to) == {"author": "Ada"} | expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], {}),
        (["platform=fargate"], {"platform": "fargate"}),
        (["platform=fargate author=Grace Hopper"], {"platform": "fargate", "author": "Grace Hopper"}),
        (["author=Grace  Hopper", "platform=fargate"], {"author": "Grace  Hopper", "platform": "fargate"}),
        (["description=What a=b means"], None),
        (["description=Löhne & Preise = alles"], {"description": "Löhne & Preise = alles"}),
        (["author="], {"author": ""}),
        (["platform=fargate\nauthor=Grace"], {"platform": "fargate", "author": "Grace"}),
        (["platform"], None),
        (["=fargate"], None),
        ([""], None),
        (["project_slug=other"], None),
        (["problem=classification"], None),
        (["problem=regression"], {}),
    ],
)
def test_answers_that_the_user_sets(settings: list[str], expected: dict[str, str] | None) -> None:
    if expected is None:
        with pytest.raises(UpdateError):
            with_settings(ANSWERS, settings, ANSWERS)
    else:
        assert with_settings(ANSWERS, settings, ANSWERS) == ANSWERS | expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[broken",
        "<<<<<<< HEAD\n",
        '[template]\nsource = "x"\nversion = "1"\n[answers]\n',
        'template = 1\nanswers = "x"',
        '[template]\nsource = "x"\nversion = "1"\ncommit = ""\n',
        'answers = []\n[template]\nsource = "x"\nversion = "1"\ncommit = ""\n',
    ],
)
def test_a_record_that_is_damaged_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(UpdateError, match=r"^\.cd4ml\.toml is not as `make update` wrote it") as refused:
        parse_record(text)
    assert "\n" not in str(refused.value)


def test_versions_are_ordered() -> None:
    ordered = [
        "",
        "0.9.9",
        "1.0.0.dev1",
        "1.0.0a1",
        "1.0.0-beta.2",
        "1.0.0rc1",
        "1.0.0rc2",
        "v1.0.0",
        "1.0.1",
        "1.10.0",
    ]

    assert sorted(set(ordered), key=numbers) == ordered
    assert numbers("1.0") == numbers("v1.0.0")
    assert numbers("nonsense") < numbers("0.0.1")


def test_addresses_are_those_of_cookiecutter() -> None:
    assert address_of("gh:OWNER/cookiecutter-cd4ml") == "https://github.com/OWNER/cookiecutter-cd4ml.git"
    assert address_of("../a b/template") == "../a b/template"


# what is merged and what is left alone

A, B, C = (Entry("100644", blob) for blob in "abc")


@pytest.mark.parametrize(
    ("path", "old", "new", "ours", "reason"),
    [
        ("params.yaml", A, B, A, "yours"),
        ("data/source/2013 01.parquet", A, None, A, "yours"),
        ("src/x/model.py", None, A, None, "yours"),
        ("cd4ml/src/cd4ml/cli.py", A, B, A, ""),
        ("cd4ml/src/cd4ml/cli.py", A, B, C, ""),
        ("cd4ml/src/cd4ml/cli.py", A, B, None, ""),
        ("cd4ml/src/cd4ml/cli.py", A, None, A, ""),
        ("cd4ml/src/cd4ml/cli.py", A, None, C, "edited here, and the template has dropped it"),
        ("docs/gate.md", A, B, None, "deleted here"),
        ("Makefile", A, B, None, "deleted here"),
        ("docs/gate.md", A, B, A, ""),
        ("docs/gate.md", A, B, C, "edited here"),
        ("docs/gate.md", A, B, B, ""),  # the team made the same change
        ("docs/gate.md", A, None, A, ""),
        ("docs/gate.md", A, None, C, "edited here, and the template has dropped it"),
        ("docs/gate.md", None, B, None, ""),
        ("docs/gate.md", None, B, C, "edited here"),  # the team's own page of that name
        ("Makefile", A, B, C, ""),
        ("Makefile", A, None, A, ""),
        ("Makefile", A, None, C, "edited here, and the template has dropped it"),
        ("Dockerfile", A, Entry("100755", "a"), A, ""),
        (".github/workflows/new.yml", None, B, C, ""),
    ],
)
def test_why_a_file_is_left_alone(
    path: str, old: Entry | None, new: Entry | None, ours: Entry | None, reason: str
) -> None:
    trees = ({path: entry} if entry else {} for entry in (old, new, ours))

    assert reason_to_leave(path, Situation(*trees)) == reason


def test_a_library_of_an_index_is_not_brought_back() -> None:
    path = "cd4ml/src/cd4ml/cli.py"
    now = Situation({path: A}, {path: B}, {}, has_library=False)

    assert make_plan(now).left == {path: "the library comes from a package index"}
    plan = make_plan(Situation({path: A}, {path: B}, {}))
    assert (plan.base, plan.theirs) == ({}, {path: B}), "one that is in the folder is, as it is broken otherwise"


@pytest.mark.parametrize("path", ["notebooks/explore.ipynb", "tests/test_features.py", "tests/model/test_example_x.py"])
def test_what_is_about_the_newer_example_is_for_those_who_have_it(path: str) -> None:
    example = {"contract.yaml": A, "src/x/features.py": A, "src/x/model.py": A}
    newer = example | {"src/x/features.py": B}

    now = Situation(example | {path: A}, newer | {path: B}, example | {path: A})
    assert reason_to_leave(path, now) == "of the newer example, which is not yours"
    now = Situation(example | {path: A}, example | {path: B}, example | {path: A})
    assert reason_to_leave(path, now) == ""
    assert reason_to_leave(path, Situation(example | {path: A}, newer, example | {path: A})) == "", "it is dropped"


def test_a_file_that_the_team_moved_is_judged_where_it_is() -> None:
    old, new = {"docs/gate.md": A}, {"docs/gate.md": B}
    moved = {"docs/gate.md": "handbook/the gate.md"}

    assert reason_to_leave("docs/gate.md", Situation(old, new, {"handbook/the gate.md": A}, moved)) == ""
    assert reason_to_leave("docs/gate.md", Situation(old, new, {"handbook/the gate.md": C}, moved)) == "edited here"


def test_an_edit_of_the_library_counts_if_the_template_changed_it_too() -> None:
    one, two = "cd4ml/src/cd4ml/one.py", "cd4ml/src/cd4ml/two.py"
    old, ours = {one: A, two: A}, {one: C, two: A}

    assert edited_library(Situation(old, {one: A, two: B}, ours)) == [one]
    assert edited_library(Situation(old, old, ours)) == []


# where a project is in its repository


def test_folders_whose_names_begin_alike_are_different_projects() -> None:
    layout = Layout("models/a/", workflows_at_root=True)

    assert layout.in_project("models/a/x y.md") == "x y.md"
    assert layout.in_project("models/ab/x y.md") is None
    assert layout.in_project(".github/workflows/cd.yml") == ".github/workflows/cd.yml"
    assert layout.in_repository(".github/workflows/cd.yml") == ".github/workflows/cd.yml"
    assert layout.in_repository("docs/gate.md") == "models/a/docs/gate.md"
    assert Layout("models/a/", workflows_at_root=False).in_project(".github/workflows/cd.yml") is None


# params.yaml

OLD = "seed: 1\n\nmodel:\n  depth: 3 # how deep\n  rate: 0.1\n\ngate:\n  floor: {roc_auc: 0.6}\n  rounds: 100\n"


@pytest.mark.parametrize(
    ("new", "ours", "lines", "unknown"),
    [
        (OLD, OLD, "", ()),
        (OLD.replace("depth: 3", "depth: 4"), OLD, "", ()),
        (OLD.replace("  rate", "  # of each tree\n  leaf: 5\n  rate"), OLD, "model:\n  # of each tree\n  leaf: 5", ()),
        (OLD + "  last: 2 # at the end\n", OLD, "gate:\n  last: 2 # at the end", ()),
        (OLD + "  last:\n    inner: [1,\n      2]\n", OLD, "gate:\n  last:\n    inner: [1,\n      2]", ()),
        (OLD + "\n# What is watched.\nwatch: # often\n  a: 1\n\n  b: 2\n\n", OLD, None, ()),
        (OLD.replace("{roc_auc: 0.6}", "{roc_auc: 0.6, f1: 0.5}"), OLD, "", ()),
        (OLD.replace("  rounds: 100\n", ""), OLD, "", ("gate.rounds",)),
        (OLD.replace("  rounds: 100\n", ""), OLD.replace("  rounds: 100\n", ""), "", ()),
        (OLD.replace("seed: 1\n", ""), OLD, "", ("seed",)),
        (OLD + "  last: 2\n", OLD + "  last: 9\n", "", ()),
        (OLD + "  last: 2\n", OLD.replace("\n", "\r\n"), "gate:\n  last: 2", ()),
        (OLD + "two: {a: 1} # both\n", OLD, "two: {a: 1} # both", ()),
        (OLD.replace("\nmodel", "log: 2 # why\n# of the model\nmodel"), OLD, "log: 2 # why", ()),
        (OLD + "  last: 2\n", "# all of it is gone\n", "gate:\n  last: 2", ()),
        (OLD + "  last: 2\n", "model: {depth: 3, rate: 0.1}\ngate: {floor: 1, last: 1}\n", "", ()),
        ("", OLD, "", ("seed", "model", "gate")),
    ],
)
def test_new_keys_are_proposed_with_their_comments(
    new: str, ours: str, lines: str | None, unknown: tuple[str, ...]
) -> None:
    proposal = propose(OLD, new, ours)

    if lines is None:
        lines = "# What is watched.\nwatch: # often\n  a: 1\n\n  b: 2"
    assert proposal == Proposal(lines, unknown)
    yaml.safe_load(proposal.lines)


@pytest.mark.parametrize(
    ("ours", "told"),
    [
        ("seed: 1\ngate: [1\nmodel: 2\n", "params.yaml:3: not valid YAML: "),
        ("a: \0\n", "params.yaml: not valid YAML: a "),
    ],
)
def test_parameters_that_are_not_yaml_are_named_in_a_line(ours: str, told: str) -> None:
    with pytest.raises(UpdateError) as refused:
        propose(OLD, OLD, ours)
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)


def test_a_new_key_of_a_section_in_braces_is_proposed_with_the_section() -> None:
    assert propose("csv: {a: 1}\n", "csv: {a: 1, b: 2} # both\n", "csv: {a: 3}\n").lines == "csv: {a: 1, b: 2} # both"


# retraining

STAGES: dict[str, Any] = {
    "ingest": {"cmd": "cd4ml ingest", "deps": ["cd4ml/src/cd4ml/source"], "outs": [{"data/raw.parquet": {"a": 1}}]},
    "train": {"cmd": "cd4ml train", "deps": ["data/raw.parquet", "src/x/model.py"], "params": ["model"],
              "outs": ["models/pipeline"]},
    "package": {"cmd": "cd4ml package", "deps": ["models/pipeline", "uv.lock"], "outs": ["models/bundle"]},
    "evaluate": {"cmd": "cd4ml evaluate", "deps": ["models/bundle"], "metrics": [{"reports/m.json": {"cache": False}}]},
    "card": {"cmd": "cd4ml card", "deps": ["reports/m.json"], "outs": ["reports/card.md"]},
}  # fmt: skip


def changed(stage: str, **settings: Any) -> Mapping[str, Any]:
    return STAGES | {stage: STAGES[stage] | settings}


@pytest.mark.parametrize(
    ("after", "files", "expected", "told"),
    [
        (STAGES, [], "", "no"),
        (STAGES, ["README.md", "cd4ml/src/cd4ml/source_of_it.py"], "", "no"),
        (STAGES, ["cd4ml/src/cd4ml/source/web.py"], "ingest train package evaluate card", "yes: train runs again"),
        (STAGES, ["uv.lock"], "package evaluate card", "yes: package runs again (uv.lock)"),
        (STAGES, ["src/x/model.py", "uv.lock"], "train package evaluate card", "yes: train runs again (src/x/"),
        (changed("evaluate", cmd="cd4ml evaluate -v"), [], "evaluate card", "no; of the pipeline, only evaluate, card"),
        (changed("train", params=["model", "seed"]), [], "train package evaluate card", "yes: train runs again (its"),
        (changed("card", deps=["reports/m.json", "contract.yaml"]), [], "card", "no; of the pipeline, only card"),
        (changed("evaluate", desc="in words"), [], "", "no"),
        (STAGES | {"check": {"cmd": "true", "deps": ["models/bundle"]}}, [], "check", "no; of the pipeline, only"),
        ({name: stage for name, stage in STAGES.items() if name != "card"}, [], "", "no"),
    ],
)  # fmt: skip
def test_what_runs_again(after: Mapping[str, Any], files: list[str], expected: str, told: str) -> None:
    stages = reruns(STAGES, after, files)

    assert [rerun.stage for rerun in stages] == expected.split()
    assert sentence(stages, has_model=True).startswith(told)
    assert sentence(stages, has_model=False) == "no model yet"


def test_a_stage_after_one_that_is_written_below_it_runs_again() -> None:
    """DVC orders stages by what they read, not by where they stand."""
    upside_down = dict(reversed(STAGES.items()))

    assert {rerun.stage for rerun in reruns(upside_down, upside_down, ["src/x/model.py"])} == {
        "train", "package", "evaluate", "card"
    }  # fmt: skip


def test_a_stage_that_reads_a_folder_or_a_file_of_what_another_writes_runs_again() -> None:
    stages = {
        "one": {"cmd": "a", "deps": ["a"], "outs": ["models/bundle"]},
        "two": {"cmd": "b", "deps": ["models/bundle/model.onnx"], "outs": ["out/b.txt"]},
        "three": {"cmd": "c", "deps": ["out"]},
    }

    assert reruns(stages, stages, ["a"]) == [Rerun("one", "a"), Rerun("two", "after one"), Rerun("three", "after two")]


# imports


def test_imports_by_their_whole_names() -> None:
    text = (
        "import x.old as o, os\nfrom x import helpers, y\nfrom . import near\nfrom .far import z\nfrom .. import up\n"
    )

    found = imported(text, "x.inner.module")

    assert {"x.old", "os", "x", "x.helpers", "x.y", "x.inner", "x.inner.near", "x.inner.far", "x.inner.far.z"} <= found
    assert "x.up" in found
    assert imported("<<<<<<< HEAD\nimport x.old\n", "x.module") == set()
    assert imported("import \0x", "x.module") == set()


def test_an_import_with_a_dot_in_a_package_itself() -> None:
    assert "x.inner.near" in imported("from . import near\n", module_of("src/x/inner/__init__.py") + ".__init__")


@pytest.mark.parametrize(
    ("path", "module"),
    [("src/x/a.py", "x.a"), ("src/x/__init__.py", "x"), ("src/x/a.txt", ""), ("tests/test_a.py", "")],
)
def test_the_name_of_a_module(path: str, module: str) -> None:
    assert module_of(path) == module


# the summary


def summary(*changes: Change, **settings: Any) -> Summary:
    about = {"before": "1.0.0 (aaaaaaa)", "after": "1.1.0 (bbbbbbb)", "version": "1.1.0", "commit": "b" * 40}
    rest = {"retrains": "no", "lock": "the template's", "proposal": Proposal("", ()), "library": (), "changelog": ""}
    return Summary(changes=changes, **(about | rest | settings))


def test_the_table_names_files_and_counts_those_of_the_library() -> None:
    library = [Change(f"cd4ml/src/cd4ml/m{number}.py", "updated") for number in range(7)]
    docs = [Change(f"docs/{number}.md", "left alone", "edited here") for number in range(8)]

    table = as_table(summary(Change("Makefile", "conflict"), Change("cd4ml/x.py", "conflict"), *library, *docs))

    lines = [line.split(maxsplit=1) for line in table.splitlines()[1:]]
    assert lines[0] == ["conflict", "2  Makefile, cd4ml/x.py"]
    assert "updated, library  7  cd4ml/" in table
    assert table.endswith("docs/6.md (edited here), docs/7.md (edited here)"), "all that is left alone"
    assert as_table(summary()) == "no file changes"


def test_the_pull_request_has_conflicts_the_changelog_and_what_to_know() -> None:
    told = summary(
        Change("Makefile", "conflict"),
        retrains="yes: train runs again (uv.lock)",
        proposal=Proposal("new: # why\n  a: 1", ("gate.old",)),
        library=("cd4ml/x.py",),
        changelog="## 1.1.0\n\nWhat is new.",
        notes=("src/x/a.py imports x.b",),
    )

    text = as_markdown(told)

    assert text.startswith("The template from 1.0.0 (aaaaaaa) to 1.1.0 (bbbbbbb).\n\n**retrains:** yes: train")
    assert "\n\n**Conflicts** to resolve:\n\n- `Makefile`\n" in text
    for line in (
        "    new: # why\n      a: 1\n",
        "params.yaml: the template has dropped gate.old; remove what you can",
        "the library is edited here, so it was merged: cd4ml/x.py",
        "src/x/a.py imports x.b",
    ):
        assert line in text
    assert text.endswith("\n\n## 1.1.0\n\nWhat is new.\n")
    assert text.count("```") == 4
    assert text.count("retrains") == 1
    assert "Conflicts" not in as_markdown(summary(Change("a", "updated")))
    assert "retrains: yes: train runs again (uv.lock)" in remarks(told)


@pytest.mark.parametrize("lines", ["", "new: 1"])
def test_what_training_needs_is_named_though_no_key_is_new(lines: str) -> None:
    """As after an update whose proposal nobody copied: the template has had the key since then."""
    told = remarks(summary(proposal=Proposal(lines, (), ("gate.accept", "seed"))))

    assert "params.yaml lacks gate.accept, seed: make train needs them, as dvc.yaml names them" in told
    assert ("    new: 1" in told) is bool(lines)
    assert not [line for line in remarks(summary()) if "params.yaml" in line]


CHANGELOG = """\
# Changelog

## Unreleased

Not yet.

## 1.0.0 - 2026-11-30

Stable.

### What you must do

Nothing.

## v1.0.0rc1

A try.

## [0.10.0]

Ten.

## 0.3

Third.

## 0.2.0

Second.
"""


@pytest.mark.parametrize(
    ("before", "after", "headings"),
    [
        ("0.2.0", "0.3.0", ["0.3"]),
        ("0.3.0", "1.0.0", ["1.0.0 - 2026-11-30", "v1.0.0rc1", "[0.10.0]"]),
        ("0.3.0", "0.10.0", ["[0.10.0]"]),
        ("0.10.0", "1.0.0rc1", ["v1.0.0rc1"]),
        ("1.0.0rc1", "1.0.0", ["1.0.0 - 2026-11-30"]),
        ("1.0.0", "1.0.0", []),
    ],
)
def test_the_changelog_between_two_versions(before: str, after: str, headings: list[str]) -> None:
    text = changelog_between(CHANGELOG, before, after)

    assert [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")] == headings
    assert ("What you must do" in text) == ("1.0.0 - 2026-11-30" in headings)
    assert "Not yet." not in text


def test_a_changelog_without_versions() -> None:
    assert changelog_between("", "1.0.0", "2.0.0") == ""
    assert changelog_between("# Changelog\n\nNone.\n", "1.0.0", "2.0.0") == ""
