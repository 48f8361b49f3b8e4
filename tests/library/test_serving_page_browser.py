"""GET / in real Chromium: a person fills in the form, and sees prediction, errors, and what moves the answer."""

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.client import call
from running_service import serving

pytestmark = pytest.mark.slow

KEY = "first-key-of-the-service"
PREFIX = "/models/houses"


def sample(project):
    return Bundle.load(project.bundle).contract.sample_row()


def bars_of(page):
    """Return the columns under "What moves this answer", with the printed change and the bar's length and side."""
    script = """rows => rows.map(row => {
        const fill = row.querySelector(".fill"), middle = row.querySelector(".bar").getBoundingClientRect();
        const box = fill.getBoundingClientRect(), half = middle.width / 2;
        const side = box.left + box.width / 2 > middle.left + half ? 1 : -1;
        return [row.querySelector("th").firstChild.textContent, row.querySelector(".number").textContent,
                side * box.width / half];
    })"""
    return page.locator("#contributions tr").evaluate_all(script)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_form_is_filled_in_and_shows_what_the_api_answers(visit, services, projects_with_reports, task):
    row = sample(projects_with_reports[task]) | {"size": 210.5, "district": "east", "heated": None, "rooms": 3}
    seen = visit(services[task])

    seen.field("size").fill("210.5")
    seen.field("district").select_option("east")
    seen.field("heated").select_option("")
    seen.field("rooms").fill("3")
    seen.predict()

    answer = call(services[task], "/predict", {"rows": [row], "explain": True}).body
    (prediction,), page = answer["predictions"], seen.page
    value = page.locator(".value").inner_text()
    names, numbers = (page.locator(f"#prediction .classes {part}").all_inner_texts() for part in (".label", ".number"))
    shown = dict(zip(names, numbers, strict=True))
    if task == "regression":
        assert value == f"price {float(f'{prediction:.6g}'):,g} thousand"
        assert shown == {}
    elif task == "binary":
        assert value == f"sold_fast {'true' if prediction else 'false'}"
        assert shown == {"Probability of true": f"{100 * answer['probabilities'][0]:.1f} %"}
        wide = page.locator("#prediction .bar").evaluate("bar => bar.firstChild.offsetWidth / bar.offsetWidth")
        assert wide == pytest.approx(answer["probabilities"][0], abs=0.02)
    else:
        assert value == f"kind {prediction}"
        assert shown == {name: f"{100 * share:.1f} %" for name, share in answer["probabilities"][0].items()}
        assert next(iter(shown)) == prediction


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_bars_are_the_contributions_the_largest_first(visit, services, projects_with_reports, task):
    seen = visit(services[task])
    seen.predict()

    answer = call(services[task], "/predict", {"rows": [sample(projects_with_reports[task])], "explain": True}).body
    contributions, reference = answer["explanations"][0], answer["reference"]
    bars = bars_of(seen.page)
    assert bars
    most = max(map(abs, contributions.values()))
    for column, text, length in bars:
        assert length == pytest.approx(contributions[column] / most, abs=0.06)
        assert text[0] == ("+" if contributions[column] > 0 else "−")
        size = 100 * contributions[column] if task == "binary" else contributions[column]
        assert float(text[1:].replace(",", "")) == pytest.approx(abs(size), rel=0.01, abs=0.051)
    largest_first = sorted(contributions, key=lambda name: -abs(contributions[name]))
    assert [column for column, *_ in bars] == largest_first[: len(bars)]
    left_out = seen.page.locator("#unmoved").inner_text()
    assert all(name in left_out for name in contributions.keys() - {column for column, *_ in bars})
    assert f"120.5 instead of {float(reference['size']):g}" in seen.page.locator("#contributions").inner_text()
    method = seen.page.locator("#method").inner_text()
    assert "this one column at its training median" in method
    assert "do not add up" in method


def test_an_error_is_beside_its_field_which_has_the_focus(visit, services):
    seen = visit(services["binary"])

    seen.field("size").fill("-3")
    seen.field("rooms").fill("1.5")
    seen.page.get_by_role("button", name="Predict").click()
    seen.page.wait_for_selector("[aria-invalid]")

    assert seen.error_of("size") == "This has to be at least 0."
    assert seen.error_of("rooms") == "This has to be a whole number."
    assert seen.page.get_by_role("alert").inner_text() == "2 values are not accepted; see the form."
    assert seen.page.evaluate("document.activeElement.dataset.column") == "size"
    invalid = seen.page.locator("[aria-invalid=true]").evaluate_all("all => all.map(each => each.dataset.column)")
    assert invalid == ["size", "rooms"]
    field, error = (seen.page.locator(f"{each}-0").bounding_box() for each in ("#field", "#error"))
    assert 0 <= error["y"] - field["y"] - field["height"] < 10

    seen.field("size").fill("3")
    seen.field("rooms").fill("2")
    seen.predict()
    assert seen.error_of("size") == ""
    assert seen.page.locator("[aria-invalid]").count() == 0


def test_no_earlier_answer_stands_beside_an_error(visit, services):
    seen = visit(services["binary"])

    for rejected in ("-3", "1e"):  # by the service, and before it is asked
        seen.field("size").fill("120.5")
        seen.predict()
        assert seen.page.locator("#contributions tr").count()

        seen.field("size").press("Control+a")
        seen.field("size").press_sequentially(rejected)
        seen.page.get_by_role("button", name="Predict").click()
        seen.page.wait_for_selector("[aria-invalid]")
        assert seen.page.locator("#prediction").inner_text() == ""
        assert seen.page.locator("#explanation").is_hidden()


def test_what_is_empty_or_half_written_is_said_too(visit, services):
    seen = visit(services["binary"])

    seen.field("rooms").fill("")
    seen.field("size").press("Control+a")
    seen.field("size").press_sequentially("1e")
    seen.field("built").press("Backspace")
    seen.page.get_by_role("button", name="Predict").click()
    seen.page.wait_for_selector("[aria-invalid]")
    assert seen.error_of("size") == "This has to be a number."
    assert seen.error_of("built") == "This has to be a complete date and time."

    seen.page.get_by_role("button", name="Back to the example").click()
    assert seen.page.locator("[aria-invalid]").count() == 0
    assert seen.field("size").input_value() == "120.5"
    seen.field("rooms").fill("")
    seen.page.get_by_role("button", name="Predict").click()
    seen.page.wait_for_selector("[aria-invalid]")
    assert seen.error_of("rooms") == "Fill this in."


@pytest.mark.parametrize("path", ["", "/"], ids=["as the proxy publishes it", "with / at its end"])
def test_behind_a_proxy_with_a_prefix(visit, tiny_bundle, path):
    with serving(tiny_bundle, ROOT_PATH=PREFIX) as (_, url):
        seen = visit(f"{url}{PREFIX}{path}")
        seen.predict()
        assert seen.requests[-1] == f"{url}{PREFIX}/predict"

        seen.page.get_by_role("link", name="API documentation").click()
        seen.page.wait_for_selector(".opblock")
        assert seen.page.url == f"{url}{PREFIX}/docs"


def test_a_key_is_asked_for_and_kept_nowhere(visit, tiny_bundle):
    with serving(tiny_bundle, SERVICE_API_KEYS=KEY) as (_, url):
        seen = visit(url)
        button, key = seen.page.get_by_role("button", name="Predict"), seen.page.get_by_label("API key")

        button.click()
        seen.page.wait_for_selector("#key[aria-invalid]")
        assert seen.page.locator("#error-key").inner_text() == "Enter a key of this service."
        key.fill("another-key-altogether")
        button.click()
        seen.page.get_by_text("This is not one of the service's keys.").wait_for()
        assert seen.page.evaluate("document.activeElement.id") == "key"
        key.fill(KEY)
        seen.predict()
        assert seen.page.locator("#key[aria-invalid]").count() == 0

        stored = "JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])"
        assert KEY not in seen.page.evaluate(stored)
        seen.page.reload()
        assert key.input_value() == ""


def test_a_service_that_does_not_answer_is_said(visit, tiny_bundle):
    with serving(tiny_bundle) as (_, url):
        seen = visit(url)
    seen.page.get_by_role("button", name="Predict").click()
    seen.page.get_by_text("No answer from the service").wait_for()
    assert seen.page.locator("#explanation").is_hidden()
    seen.complaints.clear()  # the browser's own, that the connection was refused


def test_the_documentation_works_without_other_hosts(visit, services):
    seen = visit(services["binary"] + "/docs")

    seen.page.get_by_text("Predict sold_fast").click()
    seen.page.get_by_role("button", name="Try it out").click()
    seen.page.get_by_role("button", name="Execute").click()
    seen.page.wait_for_selector(".live-responses-table")

    assert seen.page.locator(".live-responses-table .response-col_status").last.inner_text().startswith("200")
