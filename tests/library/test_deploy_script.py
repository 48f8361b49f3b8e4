"""`cd4ml build-image` and others run the scripts in cd4ml/deploy (tests/template checks the scripts)."""

from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.deploy import script

SHOW = """\
echo "script $(basename "$0")"
echo "arguments $*"
echo "folder $PWD"
echo "settings $CD4ML_NAME $CD4ML_REPOSITORY"
"$CD4ML_PYTHON" -c 'import cd4ml; print("python imports", cd4ml.__name__)'
exit 3
"""


@pytest.fixture(params=["cloud-run", "fargate", "aci"])
def platform(request: pytest.FixtureRequest) -> str:
    """The platform of the project in the working directory."""
    section = f'package = "houses"\nplatform = "{request.param}"\ncredentials = "oidc"\nregistry = "cloud"\n'
    urls = 'urls = { Repository = "https://github.com/octo-org/houses" }\n'
    Path("pyproject.toml").write_text(f'[project]\nname = "houses"\n{urls}[tool.cd4ml]\n{section}', encoding="utf-8")
    return str(request.param)


@pytest.fixture
def shown(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The platform; the script for images is replaced by one that prints how it was called, and exits with 3."""
    folder = tmp_path / "deploy"
    folder.mkdir()
    (folder / "image.sh").write_text(SHOW, encoding="utf-8")
    monkeypatch.setattr(script, "FOLDER", folder)
    return platform


def test_a_script_runs_in_the_project_with_its_settings_and_exits_as_it_does(
    shown: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["publish-image", "ghcr.io/me/an image:1"])

    assert stopped.value.code == 3
    assert capfd.readouterr().out.splitlines() == [
        "script image.sh",
        "arguments publish ghcr.io/me/an image:1",
        f"folder {tmp_path}",
        "settings houses https://github.com/octo-org/houses",
        "python imports cd4ml",
    ]


def test_cloud_alone_lists_its_verbs(platform: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["cloud"]) == 0

    assert capfd.readouterr().out.startswith("uv run cd4ml cloud VERB [ARGUMENTS] [--dry-run]\n")


@pytest.mark.parametrize("verb", ["build-image", "smoke-image", "list-packages"])
@pytest.mark.usefixtures("platform")
def test_an_error_names_the_verb_and_what_to_do(verb: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb])

    assert stopped.value.code == 1
    assert capfd.readouterr().err == f"{verb}: no bundle in models/bundle; run make train\n"


@pytest.mark.usefixtures("platform")
def test_without_bash_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert main(["build-image"]) == 1
    assert capsys.readouterr().err.startswith("build-image: bash was not found")
