"""report.html of `cd4ml monitor` in real Chromium, for everybody: screen readers, keyboard, phone, dark, paper."""

import re

import pytest
from house_project import Project
from watched_project import OUTPUTS, hostile_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Project:
    return hostile_project(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def look(visit, hostile):
    def make(**settings):
        return visit((hostile.folder / OUTPUTS / "report.html").as_uri(), **settings)

    return make


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_anybody_out(look, need, scheme):
    from browser import AXE

    need("axe", AXE.exists(), "axe-core is not installed: make axe")
    seen = look(color_scheme=scheme)
    assert seen.violations() == []
    for summary in seen.page.locator("summary").all():
        summary.click()
    assert seen.violations() == []


@pytest.mark.parametrize("width", [320, 360, 1200])
def test_nothing_is_wider_than_the_screen(look, width):
    seen = look(viewport={"width": width, "height": 700})
    for summary in seen.page.locator("summary").all():
        summary.click()

    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = """all => all.filter(each => each.getBoundingClientRect().right > innerWidth + 1
        && !each.closest(".scroll")).map(each => each.outerHTML)"""
    assert seen.page.locator("main *, header *").evaluate_all(too_wide) == []
    sizes = """all => all.filter(each => each.checkVisibility()).map(each => each.getBoundingClientRect().height)"""
    assert min(seen.page.locator("svg text").evaluate_all(sizes)) >= 9, "too small to read"


def test_with_the_keyboard_alone(look):
    seen = look(viewport={"width": 1000, "height": 700})
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.textContent") == "Skip to what was found"
    reached = []
    for _ in range(80):
        seen.page.keyboard.press("Tab")
        reached.append(seen.page.evaluate("document.activeElement.tagName"))
        assert seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if reached[-1] == "SUMMARY":
            break
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("details[open] table").first.is_visible()


def test_in_the_dark_the_page_and_its_pictures_are_dark(look):
    def colors(scheme):
        page = look(color_scheme=scheme).page
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        texts = page.locator("svg text").evaluate_all("all => all.map(each => getComputedStyle(each).fill)")
        return [int(value) for value in re.findall(r"\d+", back)], {*texts}

    (light, light_texts), (dark, dark_texts) = colors("light"), colors("dark")
    assert min(light) > 240 > 60 > max(dark)
    assert not light_texts & dark_texts


def test_it_prints_on_white_paper(look):
    seen = look(color_scheme="dark")
    seen.page.emulate_media(media="print", color_scheme="dark")
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not seen.page.get_by_role("navigation").is_visible()
    assert seen.page.pdf()[:5] == b"%PDF-"
