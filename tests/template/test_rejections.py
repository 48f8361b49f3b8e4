"""An answer that would make a broken project is rejected in one line with one that works; nothing is left."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException

from tests.conftest import ROOT, Bake

SHAPE = "is not a-z, 0-9 and single hyphens"

REJECTED = [
    ("project_slug", "My Project", SHAPE),
    ("project_slug", "My-Project", SHAPE),
    ("project_slug", "2fast", SHAPE),
    ("project_slug", "-x", SHAPE),
    ("project_slug", "x-", SHAPE),
    ("project_slug", "a--b", SHAPE),
    ("project_slug", "a_b", SHAPE),
    ("project_slug", "a.b", SHAPE),
    ("project_slug", "x" * 41, SHAPE),
    ("project_slug", "x" * 80, SHAPE),
    ("project_slug", "flіght", SHAPE),  # the Cyrillic letter і
    ("project_slug", "ﬂight", SHAPE),
    ("project_slug", "model１", SHAPE),
    ("project_slug", "a;b", SHAPE),
    ("project_slug", 'a"b', SHAPE),
    ("project_slug", "class", "a word of the Python language"),
    ("project_slug", "match", "a word of the Python language"),
    ("project_slug", "json", "a name of Python's standard library"),
    ("project_slug", "print", "a name of Python's standard library"),
    ("project_slug", "numpy", "a package that the project uses"),
    ("project_slug", "sklearn", "a package that the project uses"),
    ("project_slug", "scikit-learn", "a package that the project uses"),
    ("project_slug", "mlflow", "a package that the project uses"),
    ("project_slug", "yaml", "a package that the project uses"),
    ("project_slug", "pil", "a package that the project uses"),
    ("project_slug", "cd4ml", "a package that the project uses"),
    ("project_slug", "tests", "one of the project's own folders"),
    ("project_slug", "build", "one of the project's own folders"),
    ("github_owner", "", "is not a GitHub name"),
    ("github_owner", "two words", "is not a GitHub name"),
    ("github_owner", "-lead", "is not a GitHub name"),
    ("github_owner", "trail-", "is not a GitHub name"),
    ("github_owner", "double--hyphen", "is not a GitHub name"),
    ("github_owner", "under_score", "is not a GitHub name"),
    ("github_owner", "x" * 40, "is not a GitHub name"),
    ("github_owner", "ünicode", "is not a GitHub name"),
    ("project_name", "", "it is empty"),
    ("project_name", "   ", "it is empty"),
    ("project_name", "two\nlines", "U+000A"),
    ("description", "tab\there", "U+0009"),
    ("description", "escape \x1b[31m", "U+001B"),
    ("description", "line\u2028separator", "U+2028"),
    ("description", "turned \u202e around", "U+202E"),
    ("description", "half \ud83d an emoji", "U+D83D"),
    ("author", "", "it is empty"),
    ("author", "Ada\nLovelace", "U+000A"),
]


@pytest.fixture(scope="module")
def ask(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`bake` with the template's own questions, filters and hooks, but two small files: much faster."""
    template = tmp_path_factory.mktemp("questions")
    (template / "hooks").mkdir()
    for name in (
        "cookiecutter.json",
        "local_extensions.py",
        *(f"hooks/{each}_project.py" for each in ("pre_gen", "post_gen")),
    ):
        (template / name).symlink_to(ROOT / name)
    folder = template / "<<cookiecutter.project_slug>>"
    folder.mkdir()
    (folder / "README.md").write_text("# << cookiecutter.project_name | markdown >>\n", encoding="utf-8")
    (folder / "uv.lock").write_text('name = "<< cookiecutter.project_slug >>"\n', encoding="utf-8")
    return functools.partial(bake, template=template)


@pytest.fixture(scope="module")
def works(ask: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bool]:
    """`works(**answers)`: whether a project is made; the same few answers are suggested again and again."""

    @functools.cache
    def made(**answers: str) -> bool:
        return ask(tmp_path_factory.mktemp("works"), **answers).is_dir()

    return made


@pytest.mark.parametrize(
    ("question", "answer", "reason"), REJECTED, ids=[ascii(f"{q}={a}"[:60]) for q, a, _ in REJECTED]
)
def test_rejects_in_one_line_that_shows_an_answer_that_works(
    ask: Callable[..., Path],
    works: Callable[..., bool],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    question: str,
    answer: str,
    reason: str,
) -> None:
    others = {"project_slug": "my-model"} if question == "project_name" else {}

    with pytest.raises(FailedHookException):
        ask(tmp_path, **others, **{question: answer})

    errors = capfd.readouterr().err.splitlines()
    assert len(errors) == 1, errors
    assert errors[0].startswith(f"{question}: ")
    assert reason in errors[0]
    assert list(tmp_path.iterdir()) == []
    suggested = re.search("an answer that works: (.+)$", errors[0])
    assert suggested
    assert works(**others, **{question: suggested[1]})


@pytest.mark.parametrize("slug", ["../escape", "../deep/er", "in/side", "..", "", "x" * 300])
def test_a_slug_that_leads_elsewhere_writes_nothing_anywhere(tmp_path: Path, slug: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", str(ROOT)]

    result = subprocess.run([*command, f"project_slug={slug}"], cwd=inner, capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert re.fullmatch("project_slug: .* an answer that works: flight-delays\n", result.stderr)
    assert [path.name for path in tmp_path.rglob("*")] == ["inner"]


def test_rejecting_leaves_an_existing_folder_untouched(tmp_path: Path) -> None:
    kept = tmp_path / "flight-delays/README.md"
    kept.parent.mkdir()
    kept.write_text("mine\n", encoding="utf-8")
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "-f", str(ROOT)]

    result = subprocess.run(
        [*command, "github_owner=no one"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    assert kept.read_text(encoding="utf-8") == "mine\n"


def test_every_package_in_the_lock_file_is_rejected_as_a_name(
    ask: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lock = (ROOT / "<<cookiecutter.project_slug>>" / "uv.lock").read_text(encoding="utf-8")
    names = re.findall(r'^name = "([a-z][a-z0-9-]{0,39})"$', lock, re.MULTILINE)
    assert {"cd4ml", "numpy", "dvc", "fastapi", "onnxruntime"} <= set(names)

    for name in names[:: len(names) // 8]:
        with pytest.raises(FailedHookException):
            ask(tmp_path, project_slug=name)
        assert name in capfd.readouterr().err


def test_a_folder_of_the_library_is_a_name_like_any_other(ask: Callable[..., Path], tmp_path: Path) -> None:
    """The library's modules are imported by their whole names, so a package beside it cannot hide them."""
    for name in ("deploy", "serving", "training"):
        assert ask(tmp_path, project_slug=name).name == name


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Flight Delays", "flight-delays"),
        ("Größe & Höhe", "grosse-hohe"),
        ("2024 sales", "model-2024-sales"),
        ("🚀", "model"),
        ("x" * 300, "x" * 32),
        (("long words " * 30).strip(), "long-words-long-words-long-words"),
        ("../../etc", "etc"),
    ],
)
def test_the_slug_offered_for_any_name_is_one_that_works(
    ask: Callable[..., Path], tmp_path: Path, name: str, slug: str
) -> None:
    assert ask(tmp_path, project_name=name).name == slug


@pytest.mark.parametrize(
    ("slug", "answers", "reason"),
    [
        ("my-google-model", {"platform": "cloud-run"}, '"google" in its name'),
        ("goog-model", {"platform": "cloud-run"}, '"goog" first'),
        ("gcp-model", {"platform": "cloud-run", "credentials": "oidc"}, "identity pools"),
        ("windows-prices", {"platform": "aci"}, '"windows" or "microsoft"'),
        ("my-micro-soft", {"platform": "aci"}, '"windows" or "microsoft"'),
        ("log-in-rates", {"platform": "aci"}, '"login" first'),
    ],
)
def test_rejects_a_name_that_the_cloud_keeps_for_itself(
    ask: Callable[..., Path], works: Callable[..., bool], tmp_path: Path, capfd: pytest.CaptureFixture[str],
    slug: str, answers: dict[str, str], reason: str,
) -> None:  # fmt: skip
    with pytest.raises(FailedHookException):
        ask(tmp_path, project_slug=slug, **answers)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"project_slug: '{slug}' cannot be used on {answers['platform']}")
    assert reason in line
    assert list(tmp_path.iterdir()) == []
    assert works(**answers, project_slug=line.rpartition("an answer that works: ")[2])


@pytest.mark.parametrize(
    ("slug", "answers"),
    [
        ("my-google-model", {"platform": "aci"}),
        ("windows-prices", {"platform": "fargate"}),
        ("rates-of-login", {"platform": "aci"}),
        ("gcp-model", {"platform": "cloud-run", "credentials": "service-account"}),
    ],
)
def test_another_cloud_has_no_such_names(works: Callable[..., bool], slug: str, answers: dict[str, str]) -> None:
    assert works(project_slug=slug, **answers)


@pytest.mark.parametrize(
    ("question", "answers", "reason"),
    [
        ("credentials", {"credentials": "oidc", "registry": "ghcr"}, "no tokens of GitHub's"),
        ("registry", {}, "has no registry"),
    ],
)
def test_rejects_what_a_host_does_not_have(
    ask: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str],
    question: str, answers: dict[str, str], reason: str,
) -> None:  # fmt: skip
    with pytest.raises(FailedHookException):
        ask(tmp_path, platform="docker-host", **answers)
    said = capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
    (line,) = [line for line in said.splitlines() if line.startswith(f"{question}: ")]
    assert reason in line
    works = line.rpartition("an answer that works: ")[2]
    assert ask(tmp_path, platform="docker-host", **({"registry": "ghcr"} | answers | {question: works})).is_dir()
