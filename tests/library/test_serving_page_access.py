"""The page in real Chromium, for everybody: keyboard, phone, dark, screen readers; and for every contract."""

import json

import numpy as np
import pytest
from house_project import Project
from running_service import serving

pytestmark = pytest.mark.slow

MARKUP = '</script><script>alert(1)</script> "it\'s" \U0001f3e0'
LONG = "a_name_of_a_column_that_is_far_longer_than_any_telephone_is_wide_" * 2
QUOTED = json.dumps(MARKUP, ensure_ascii=False)
HOSTILE_COLUMNS = f"""\
  {QUOTED}: {{type: category, values: [{QUOTED}, b], description: {QUOTED}, unit: {QUOTED}}}
  {LONG}: {{type: number, nullable: true, description: {LONG}}}
  __proto__: {{type: category, values: [x, y], unknown: allow}}
  listed: {{type: timestamp, timezone: UTC}}
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The bundle of a contract with markup, very long names, and a name that objects of JavaScript have."""
    project = Project(tmp_path_factory.mktemp("hostile"), "multiclass")
    project.write("contract.yaml", (project.folder / "contract.yaml").read_text(encoding="utf-8") + HOSTILE_COLUMNS)
    project.replace("src/houses/features.py", "    return features", "    del features['listed']\n    return features")
    table, rng = project.table, np.random.default_rng(0)
    project.table = table.assign(
        **{
            MARKUP: rng.choice([MARKUP, "b"], len(table)),
            LONG: rng.normal(size=len(table)),
            "__proto__": np.where(table["kind"] == "villa", "x", "y"),
            "listed": "2024-01-31T12:00:00Z",
        }
    )
    project.run("ingest", "validate", "split", "train", "package")
    return project.bundle


def test_with_the_keyboard_alone(visit, services):
    seen = visit(services["binary"])
    keyboard, focused = seen.page.keyboard, []
    while "BUTTON" not in focused and len(focused) < 30:
        keyboard.press("Tab")
        focused.append(seen.page.evaluate("document.activeElement.dataset.column || document.activeElement.tagName"))
        outline = seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", focused[-1]
        if focused[-1] == "size":
            keyboard.press("Control+a")
            keyboard.type("222")
    in_order = list(dict.fromkeys(focused))
    assert in_order == ["SUMMARY", "A", "size", "rooms", "heated", "district", "street", "built", "BUTTON"]

    keyboard.press("Enter")
    seen.page.wait_for_selector("#explanation:not([hidden])")

    assert seen.field("size").input_value() == "222"
    assert "222 instead of" in seen.page.locator("#contributions").inner_text()
    assert seen.page.get_by_role("status").inner_text().startswith("sold_fast: ")
    seen.field("size").press("1")
    assert "press Predict again" in seen.page.get_by_role("status").inner_text()


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_nothing_is_wider_than_the_screen(visit, hostile, width):
    with serving(hostile) as (_, url):
        seen = visit(url, viewport={"width": width, "height": 700}, has_touch=True, is_mobile=True)
        seen.predict()

        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        too_wide = """all => all.filter(each => each.getBoundingClientRect().right > innerWidth)
            .map(each => each.outerHTML)"""
        assert seen.page.locator("body *:not(.spoken, option, datalist)").evaluate_all(too_wide) == []
        inside = """all => all.filter(each => each.getBoundingClientRect().right >
            each.closest("form").getBoundingClientRect().right).map(each => each.id)"""
        assert seen.page.locator("form input, form select, form button").evaluate_all(inside) == []
        lowest = "all => Math.min(...all.map(each => each.offsetHeight))"
        assert seen.page.locator("input, select, button").evaluate_all(lowest) >= 38, "too low for a finger"
        assert seen.page.locator(".value").is_visible()


def test_in_the_dark_the_page_is_dark(visit, services):
    colors = """["backgroundColor", "color"].map(name => getComputedStyle(document.body)[name])
        .map(text => text.match(/[0-9]+/g).slice(0, 3).map(Number))"""

    light, dark = (visit(services["binary"], color_scheme=scheme).page.evaluate(colors) for scheme in ("light", "dark"))

    assert min(light[0]) > 240 > 60 > max(light[1])
    assert min(dark[1]) > 200 > 60 > max(dark[0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_anybody_out(visit, services, need, scheme):
    from browser import AXE

    need("axe", AXE.exists(), "axe-core is not installed: make axe")
    seen = visit(services["multiclass"], color_scheme=scheme)

    seen.page.locator("summary").click()
    assert seen.violations() == []
    seen.predict()
    assert seen.violations() == []
    seen.field("size").fill("-3")
    seen.page.get_by_role("button", name="Predict").click()
    seen.page.wait_for_selector("[aria-invalid]")
    assert seen.violations() == []


def test_texts_that_look_like_markup_stay_texts(visit, hostile):
    with serving(hostile) as (_, url):
        seen = visit(url)
        assert seen.page.locator("script").count() == 1
        seen.field(MARKUP).select_option(MARKUP)
        seen.field("__proto__").fill("x")
        seen.field("listed").fill("2024-02-29T23:59")
        seen.predict()

        assert seen.page.locator("script").count() == 1
        assert "x instead of y" in seen.page.locator("#contributions").inner_text()
        assert seen.page.locator("label").nth(6).inner_text() == f"{MARKUP} ({MARKUP})"
        seen.field(LONG).fill("1e39")
        seen.page.get_by_role("button", name="Predict").click()
        seen.page.wait_for_selector("[aria-invalid]")
        assert seen.error_of(LONG).startswith("This has to be at most 3.4")
