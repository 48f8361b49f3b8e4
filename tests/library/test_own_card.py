"""A team's own model card: a template that replaces the library's, or single blocks of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.cli import main
from house_project import Project

TEMPLATE = "src/houses/model_card.md.jinja"
HOSTILE = "a | b\n# not a title <script>alert(1)</script> `code` *stars* [link](x) $x$ & {{ contract }} ☃"
EXTENDED = """\
{% extends "cd4ml/model_card.md.jinja" %}
{% macro row(name, text) %}
| {{ name }} | {{ text }} |
{% endmacro %}
{% block purpose %}
{{ super() }}
## Who uses it

The *sales* team. {{ contract.description }} {{ super() ~ contract.description }}

{{ [contract.description, "x"] | join(" ") }} {{ contract.description | upper }}
{{ "%s" | format(contract.description) }}

| | |
| --- | --- |
{{ row("description", contract.description) }}
{% endblock %}
"""


@pytest.fixture
def packaged(tiny_projects: dict[str, Project], tmp_path: Path) -> Project:
    """A copy of a project with a bundle, before its evaluation."""
    project = tiny_projects["binary"].copy_to(tmp_path / "copy")
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "evaluate: {bootstrap_rounds: 100}\n")
    return project


@pytest.fixture
def error_of(
    packaged: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Evaluate with a template that fails; return the message."""
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)  # the parent of these tests lives

    def run(template: str) -> str:
        packaged.write(TEMPLATE, template)
        with packaged.inside():
            assert main(["stage", "evaluate"]) == 1
        assert not (packaged.folder / "reports/model-card.md").exists()
        printed = capsys.readouterr().err
        assert printed.count("\n") == 1
        return printed

    return run


def card_of(project: Project) -> str:
    return (project.folder / "reports/model-card.md").read_text(encoding="utf-8")


def test_a_block_is_replaced_and_the_others_stay(packaged: Project) -> None:
    packaged.run("evaluate")
    before = card_of(packaged)
    packaged.write(TEMPLATE, EXTENDED)

    packaged.run("evaluate")

    after = card_of(packaged)
    assert "## Who uses it\n\nThe *sales* team. Houses that were sold " in after
    assert [line for line in after.splitlines() if line.startswith("## ")] == [
        "## What it predicts", "## Who uses it",
        *[line for line in before.splitlines() if line.startswith("## ")][1:],
    ]  # fmt: skip
    assert after.endswith(before[before.index("## Training set and test set") :])


def test_text_that_a_team_prints_is_escaped_however_it_prints_it(
    tiny_projects: dict[str, Project], tmp_path: Path
) -> None:
    project = tiny_projects["binary"].copy_to(tmp_path / "hostile")
    project.replace("contract.yaml", "description: Houses that were sold", f"description: {json.dumps(HOSTILE)}")
    project.write(TEMPLATE, EXTENDED)

    project.run("ingest", "validate", "split", "train", "package", "evaluate")

    card = card_of(project)
    shown = (
        r"a \| b \# not a title \<script\>alert(1)\</script\> \`code\` \*stars\* \[link\](x) \$x\$ \& {{ contract }} ☃"
    )
    assert card.count(shown) == 6
    assert f"| description | {shown} |" in card
    assert shown.upper().replace("{{ CONTRACT }}", "{{ CONTRACT }}") in card.upper()
    assert "<script>" not in card.lower()
    assert "\n# not" not in card


def test_a_card_may_be_the_teams_own_from_the_first_line(packaged: Project) -> None:
    packaged.write(
        TEMPLATE,
        "# {{ contract.name }} {{ manifest.digest }}\n{% for metric in metrics %}\n"
        "{{ metric.name | code }} {{ metric.value | number }} {{ metric.interval | interval }}\n{% endfor %}\n"
        "{{ sets[0].rows | count }} {{ contract.time }} {{ decision.threshold }} {{ target.unit }}|\n",
    )

    packaged.run("evaluate")

    lines = card_of(packaged).splitlines()
    assert lines[0].startswith("# houses ")
    assert lines[1].startswith("`roc_auc` 0.")
    assert lines[-1].startswith("280 sold\\_on 0.")


BAD_TEMPLATES = [
    ("\n{{ contrakt.name }}\n", ":2: UndefinedError: 'contrakt' is undefined"),
    ("{{ contract.nam }}\n", ":1: UndefinedError: 'dict object' has no attribute 'nam'"),
    ("a\n{% if x %}\n", ":2: Unexpected end of template."),
    ("{{ contract.name | shout }}\n", ":1: No filter named 'shout'."),
    ("{{ contract.name | number }}\n", ":1: TypeError: "),
    ('\n{% extends "cd4ml/card.md.jinja" %}\n', ":2: TemplateNotFound: "),
    (
        '{% extends "cd4ml/model_card.md.jinja" %}\n{% block limits %}\n{{ limit }}{% endblock %}',
        ":3: UndefinedError: ",
    ),
    ('{% include "../../pyproject.toml" %}\n', ":1: TemplateNotFound: "),
    ("{{ contract.__class__.__mro__ }}\n", ":1: SecurityError: access to attribute '__class__' of "),
    ("{{ ''.__class__.__base__.__subclasses__() }}\n", ":1: SecurityError: "),
    ("{% for i in range(10**9) %}{% endfor %}\n", ":1: OverflowError: "),
    ("{% set x = contract.update({}) %}\n", ":1: SecurityError: "),
    ("# Houses\n", " does not show {{ manifest.digest }}, which says what bundle the card is of; add it, or keep"),
]


@pytest.mark.parametrize(("template", "message"), BAD_TEMPLATES)
def test_what_is_wrong_in_a_template_is_said_in_one_line(
    error_of: Callable[[str], str], template: str, message: str
) -> None:
    assert error_of(template).startswith(f"stage evaluate: {TEMPLATE}{message}")


def test_a_template_that_is_not_utf_8_is_an_error_with_its_line(
    error_of: Callable[[str], str], packaged: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    error_of("# Houses\n")
    (packaged.folder / TEMPLATE).write_bytes(b"# caf\xe9 {{ manifest.digest }}\n")

    with packaged.inside():
        assert main(["stage", "evaluate"]) == 1
    message = f"stage evaluate: {TEMPLATE}:1: the byte 0xe9 is not UTF-8; save the file as UTF-8\n"
    assert capsys.readouterr().err == message


def test_other_files_of_the_package_can_be_included(packaged: Project) -> None:
    packaged.write("src/houses/contact.md.jinja", "Ask {{ name }}.\n")
    packaged.write(
        TEMPLATE,
        '{% extends "cd4ml/model_card.md.jinja" %}\n{% block limits %}\n{% set name = "Ada_L" %}\n'
        '{% include "contact.md.jinja" %}\n{{ super() }}{% endblock %}\n',
    )

    packaged.run("evaluate")

    assert "Ask Ada\\_L.\n## Limits" in card_of(packaged)
