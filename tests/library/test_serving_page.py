"""GET /: the page says what the model is, and has a field for each column, whatever the texts of the contract are."""

import base64
import hashlib
import json
from html.parser import HTMLParser

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract
from cd4ml.serving.app import create_app
from cd4ml.serving.page.form import form_fields
from cd4ml.serving.page.html_text import escape, inline_markdown
from cd4ml.serving.page.page import make_page
from cd4ml.serving.service_settings import ServiceSettings
from starlette.testclient import TestClient

HOSTILE = [
    "</script><script>alert(1)</script>",
    'it\'s "quoted"',
    "<!-- ",
    "&amp; & &#13;",
    "\U0001f3e0 \u202e ñ",
    "a\r\nb",
]


class Elements(HTMLParser):
    """The elements of a document, with their attributes, and the text of each."""

    def __init__(self, text):
        super().__init__()
        self.all, self._open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.all.append((tag, dict(attrs), []))
        self._open.append(self.all[-1])

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for _, _, texts in self._open:
            texts.append(data)

    def of(self, tag, **attributes):
        """Return the attributes and the text of each element with a tag, and with these attributes."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}.items()
        return [(found, "".join(texts)) for name, found, texts in self.all if name == tag and wanted <= found.items()]


def page_of(bundle, **settings):
    return TestClient(create_app(bundle, ServiceSettings(**settings))).get("/")


def contract_of(**columns):
    return Contract.model_validate({"name": "x", "target": {"name": "target", "type": "boolean"}, "columns": columns})


def facts(page):
    elements = Elements(page.text)
    return dict(zip(*([text for _, text in elements.of(tag)] for tag in ("dt", "dd")), strict=True))


def test_it_says_what_the_model_is_and_how_good_it_was(projects_with_reports):
    project = projects_with_reports["binary"]
    metrics = project.read_json("reports/metrics.json")

    page = page_of(project.bundle)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    found = facts(page)
    assert list(found) == ["Version", "Trained on", "ROC AUC", "Verdict", "Tested on"]
    assert found["Version"] == Bundle.load(project.bundle).version
    assert found["Trained on"].startswith("280 rows, 2024-01-01 to 2024-0")
    low, high = metrics["intervals"]["roc_auc"].values()
    interval = f"95 % interval {low:.3f} to {high:.3f}; baseline 0.500"
    assert found["ROC AUC"] == f"{metrics['roc_auc']:.3f} ({interval})"
    assert found["Tested on"] == f"{metrics['rows']} rows that it was not trained on"
    limits = [text for _, text in Elements(page.text).of("li")]
    assert any(text.startswith("Causes: the model uses correlations") for text in limits)
    assert "Unknown values are accepted without a warning: street." in limits


@pytest.mark.parametrize(
    ("task", "label"), [("multiclass", "Accuracy"), ("regression", "Mean absolute error (thousand)")]
)
def test_of_each_task_the_main_metric_is_shown(projects_with_reports, task, label):
    assert "95 % interval" in facts(page_of(projects_with_reports[task].bundle))[label]


def test_without_reports_or_with_those_of_another_bundle_it_says_what_the_bundle_knows(tiny_projects, tmp_path):
    project = tiny_projects["binary"].copy_to(tmp_path / "copy")
    assert list(facts(page_of(project.bundle))) == ["Version", "Trained on"]

    project.write("reports/model-card.md", "# houses\n\n## Limits\n\n- Of another model\n")
    project.write("reports/metrics.json", '{"rows": 7}')
    assert list(facts(page_of(project.bundle))) == ["Version", "Trained on"]
    assert "another model" not in page_of(project.bundle).text


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"rows": "many"}', "\udcff"])
def test_reports_that_cannot_be_read_do_not_stop_the_service(projects_with_reports, tmp_path, damage):
    project = projects_with_reports["binary"].copy_to(tmp_path / "copy")
    (project.folder / "reports/metrics.json").write_bytes(damage.encode("utf-8", "surrogateescape"))

    assert "Tested on" not in facts(page_of(project.bundle))
    assert "ROC AUC" in facts(page_of(project.bundle))


def test_a_card_of_the_teams_own_may_lack_every_section(projects_with_reports, tmp_path):
    project = projects_with_reports["binary"].copy_to(tmp_path / "copy")
    project.write("reports/model-card.md", f"# Ours\n\n{Bundle.load(project.bundle).manifest.digest}\n\n## Limits\n")

    page = page_of(project.bundle)

    assert list(facts(page)) == ["Version", "Trained on", "Tested on"]
    assert not Elements(page.text).of("details")


def test_every_column_is_a_field_with_its_type_limits_unit_and_example(tiny_bundle):
    elements = Elements(page_of(tiny_bundle).text)

    ((size, _),) = elements.of("input", data_column="size")
    assert {"type": "number", "min": "0", "max": "500", "step": "any", "value": "120.5"}.items() <= size.items()
    ((rooms, _),) = elements.of("input", data_column="rooms")
    assert {"type": "number", "step": "1", "min": "1", "aria-required": "true"}.items() <= rooms.items()
    ((built, _),) = elements.of("input", data_column="built")
    assert (built["type"], built["value"]) == ("datetime-local", "2024-01-31T12:00:00")
    assert "aria-required" not in built
    ((_, heated),) = elements.of("select", data_column="heated")
    assert heated == "no valuetruefalse"
    ((_, district),) = elements.of("select", data_column="district")
    assert district == "northsoutheast"
    assert not elements.of("input", data_column="house_id")
    labels = {found["for"]: text for found, text in elements.of("label")}
    assert labels[size["id"]] == "size (m²)"
    hints = {found["id"]: text for found, text in elements.of("p", **{"class": "hint"}) if "id" in found}
    for field in (size, rooms, built):
        hint, error = field["aria-describedby"].split()
        assert hint in hints
        assert elements.of("p", id=error)
    assert hints[size["aria-describedby"].split()[0]] == "0 to 500"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_the_contract_becomes_part_of_the_page(text):
    values = {"type": "category", "values": [text, "b"], "unit": text, "description": text, "example": text}
    columns = {text: values, "open": {"type": "category", "example": text, "description": text, "unit": text}}

    elements = Elements(form_fields(contract_of(**columns)))

    plain = Elements(form_fields(contract_of(x={"type": "category", "values": ["a", "b"]}, y={"type": "category"})))
    assert [tag for tag, _, _ in elements.all if tag != "span"] == [tag for tag, _, _ in plain.all]
    assert elements.of("select")[0][0]["data-column"] == text
    assert elements.of("option")[0][0]["value"] == text
    assert elements.of("input")[0][0]["value"] == text
    assert elements.of("label")[0][1].startswith(text)


def test_names_and_descriptions_in_the_head_of_the_page_are_escaped_too(tiny_bundle):
    bundle = Bundle.load(tiny_bundle)
    target = bundle.contract.target.model_copy(update={"description": HOSTILE[0], "unit": HOSTILE[1]})
    changes = {"name": HOSTILE[0], "description": HOSTILE[0], "target": target}
    bundle.contract = bundle.contract.model_copy(update=changes)

    elements = Elements(make_page(bundle, "", needs_key=False).content.decode())

    assert len(elements.of("script")) == 1
    assert elements.of("title")[0][1] == HOSTILE[0]
    assert elements.of("form")[0][0]["data-unit"] == HOSTILE[1]


def test_two_hundred_columns_are_two_hundred_fields(tiny_bundle):
    columns = {f"c{number}": Column(type="number", example=number) for number in range(200)}

    elements = Elements(form_fields(contract_of(**{name: each.model_dump() for name, each in columns.items()})))

    fields = elements.of("input")
    assert [found["data-column"] for found, _ in fields] == list(columns)
    assert len({found["id"] for _, found, _ in elements.all if "id" in found}) == 600


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"type": "number", "example": 1e-9}, "1e-09"),
        ({"type": "number", "example": 92.0}, "92"),
        ({"type": "integer", "min": 3}, "3"),
        ({"type": "timestamp", "timezone": "UTC", "example": "2024-01-31T12:00:00+02:00"}, "2024-01-31T10:00:00"),
        ({"type": "timestamp", "example": "2024-01-31T12:00:00.25"}, "2024-01-31T12:00:00.250"),
        ({"type": "category", "values": ["a"], "unknown": "allow", "example": "other"}, "other"),
    ],
)
def test_the_example_is_filled_in_as_a_browser_writes_it(rule, value):
    assert Elements(form_fields(contract_of(x=rule))).of("input")[0][0]["value"] == value


def test_values_of_which_others_are_accepted_too_are_suggestions():
    elements = Elements(form_fields(contract_of(x={"type": "category", "values": ["a", "b"], "unknown": "allow"})))

    ((field, _),) = elements.of("input")
    assert elements.of("datalist", id=field["list"])
    assert [found["value"] for found, _ in elements.of("option")] == ["a", "b"]


def test_only_a_service_with_keys_has_a_field_for_one_and_the_page_itself_needs_none(tiny_bundle):
    key = "first-key-of-the-service"

    page = page_of(tiny_bundle, api_keys=(key,))

    assert page.status_code == 200
    assert key not in page.text
    assert Elements(page.text).of("input", id="key")[0][0]["type"] == "password"
    assert not Elements(page_of(tiny_bundle).text).of("input", id="key")


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(tiny_bundle):
    page = page_of(tiny_bundle)
    elements = Elements(page.text)

    rules = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        ((_, text),) = elements.of(tag)
        assert rules[rule] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert (rules["default-src"], rules["connect-src"]) == ("'none'", "'self'")
    assert "unsafe" not in str(rules)
    attributes = {name for _, found, _ in elements.all for name in found}
    assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset", "action")]
    assert {found["href"] for tag, found, _ in elements.all if "href" in found} == {"data:,", "docs", "version"}


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("`a` and **b**", "<code>a</code> and <strong>b</strong>"),
        (r"\<script\> & \`x\`", "&lt;script&gt; &amp; `x`"),
        ("`` a`b `` <b>", "<code>a`b</code> &lt;b&gt;"),
        ("[slices.json](slices.json) and [", "slices.json and ["),
        (r"**a\** b", "**a** b"),
        (r"**a \_b\_** c", "<strong>a _b_</strong> c"),
    ],
)
def test_the_cards_markdown_becomes_html_without_any_of_its_own(markdown, html):
    assert inline_markdown(markdown) == html


def test_a_carriage_return_stays_one():
    assert escape('a\rb"') == "a&#13;b&quot;"


def test_head_and_cache(tiny_bundle):
    client = TestClient(create_app(tiny_bundle, ServiceSettings()))

    assert client.head("/").status_code == 200
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert json.loads(client.get("/version").text)["version"] in client.get("/").text
