"""Every link of a page leads somewhere: a file that is there, a heading that is in it, an address that is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import ROOT
from tests.template.conftest import PLAINEST, PLATFORMS

FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
INLINE = re.compile(r"\]\(([^()\s]+)\)")
DEFINED = re.compile(r"^\[([^\]]+)\]: (\S+)$", re.MULTILINE)
USED = re.compile(r"\[([^\]\[]+)\](?:\[([^\]]*)\])?(?![\[(:])")
HEADING = re.compile(r"^#{1,6} (.+?)#*$", re.MULTILINE)
MADE_LATER = ("reports/",)  # by the first `make train`


def pages_of(folder: Path, *patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def template_pages() -> list[Path]:
    return pages_of(ROOT, "*.md", "docs/**/*.md", "example_data/*.md", "benchmarks/*.md")


def project_pages(project: Path) -> list[Path]:
    return pages_of(project, "*.md", "docs/*.md", "data/source/*.md", "cd4ml/*.md", "cd4ml/docs/*.md")


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    found: dict[str, int] = {}
    for heading in HEADING.findall(FENCED.sub("", text)):
        words = re.sub(r"\]\([^)]*\)", "", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
        if found[anchor]:
            found[f"{anchor}-{found[anchor]}"] = 0
    return set(found)


def sections(page: Path) -> set[str]:
    """The anchors of a page's sections: its headings of the second level."""
    text = page.read_text(encoding="utf-8")
    return anchors("\n".join(line for line in FENCED.sub("", text).splitlines() if line.startswith("## ")))


def links(text: str) -> Iterator[str]:
    """The targets of a page's links and pictures; a label that nothing defines is its own target."""
    text = FENCED.sub("", text)
    yield from INLINE.findall(text)
    defined = dict(DEFINED.findall(text))
    yield from defined.values()
    for words, label in USED.findall(CODE.sub("", DEFINED.sub("", text))):
        if label and label not in defined:
            yield f"undefined:{words}"


def dead(page: Path) -> Iterator[str]:
    """The links of a page that lead nowhere, each with the page's name."""
    text = page.read_text(encoding="utf-8")
    for link in links(text):
        parts = urlsplit(link)
        path = unquote(parts.path)
        if parts.scheme in ("http", "https"):
            alive = bool(re.fullmatch(r"[\w.-]+\.[a-z]+(:\d+)?", parts.netloc) or parts.hostname == "127.0.0.1")
        elif path.startswith(MADE_LATER):
            alive = True
        else:
            target = page if not path else page.parent / path
            alive = not parts.scheme and target.exists() and inside(target, page)
            if alive and parts.fragment and target.suffix == ".md":
                alive = parts.fragment in anchors(target.read_text(encoding="utf-8"))
        if not alive:
            yield f"{page.name}: {link}"


def inside(target: Path, page: Path) -> bool:
    """Whether a file is in the repository of the page: what lies beside a checkout is on nobody else's machine."""
    repository = ROOT if page.is_relative_to(ROOT) else next(up for up in page.parents if (up / "dvc.yaml").exists())
    return target.resolve().is_relative_to(repository)


def test_every_link_of_the_templates_pages_is_alive() -> None:
    pages = template_pages()

    assert {ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs/README.md"} <= set(pages)
    assert [link for page in pages for link in dead(page)] == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_link_of_a_projects_pages_is_alive(platform: str, combination: Callable[[str], Path]) -> None:
    pages = project_pages(combination(PLAINEST[platform]))

    assert len(pages) > 20
    assert [link for page in pages for link in dead(page)] == []


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "other.md").write_text("# One, `two` & 3\n\n## Same\n\n## Same\n\n```\n# no heading\n```\n", "utf-8")
    alive = "[a](other.md) [b](other.md#one-two--3) [c](other.md#same-1) [d](#here) [e](https://example.org/x) [f][g]"
    lost = "[a](none.md) [b](other.md#no-heading) [c](#gone) [d](http:/example.org) [e][none] [f](/etc) [g](no.md)"
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\n{alive}\n{lost}\n\n```\n[x](code.md)\n```\n\n[g]: other.md\n[h]: lost.md\n", "utf-8")

    found = ["none.md", "other.md#no-heading", "#gone", "http:/example.org", "/etc", "no.md", "lost.md", "undefined:e"]
    assert list(dead(page)) == [f"page.md: {link}" for link in found]


def test_every_page_of_docs_is_in_its_index_and_every_picture_is_shown() -> None:
    for index in (ROOT / "docs/README.md", ROOT / "docs/decisions/README.md"):
        listed = {unquote(link).partition("#")[0] for link in links(index.read_text(encoding="utf-8"))}
        assert {path.name for path in index.parent.glob("*.md")} - {"README.md"} <= listed
    decisions = ROOT / "docs/decisions"
    indexed = set(links((decisions / "README.md").read_text(encoding="utf-8")))
    for page in sorted(decisions.glob("[a-z]*.md")):
        lacking = {f"{page.name}#{anchor}" for anchor in sections(page)} - indexed
        assert lacking == set()
    shown = {Path(link).name for page in template_pages() for link in links(page.read_text(encoding="utf-8"))}
    assert {path.name for path in (ROOT / "docs/pictures").iterdir()} <= shown
