"""report.html of `cd4ml monitor`: what it says and draws, and that a name of the data is never more than a text."""

import json
import re
from html.parser import HTMLParser

import pytest
from cd4ml.monitoring.page.report import report_page
from house_project import Project
from watched_project import LONG, MARKUP, NEWEST_WEEK, TURNED, hostile_project, let_it_answer, monitor, output


class Elements(HTMLParser):
    """The elements of a page, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.texts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(filter(None, self.texts))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Project:
    return hostile_project(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def documents(projects_with_reports, tmp_path_factory):
    """A calm document of each task, and the page made with it."""
    found = {}
    for task, project in projects_with_reports.items():
        copy = project.copy_to(tmp_path_factory.mktemp(f"page-{task}") / "project")
        let_it_answer(copy)
        found[task] = monitor(copy), output(copy, "report.html")
    return found


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_page_is_the_document_s_alone_and_whole(documents, task):
    document, page = documents[task]

    assert report_page(document) + "\n" == page
    seen = Elements(page)
    assert {"script", "img", "iframe", "object"} & set(seen.tags) == set()
    outside = [value for name, value in seen.attributes if name in ("src", "href") or name.endswith(":href")]
    assert all(value.startswith(("#", "data:,")) for value in outside)
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"|http-equiv', "", page)
    for finding in document["findings"]:
        assert " ".join(finding["sentence"].split()) in seen.text
    assert "Nothing has to be done: no check is past its limit." in seen.text
    assert "Nothing here alarms anybody" in seen.text
    value = document["periods"][-1]["performance"]["metrics"][document["metric"]["name"]]
    assert f"{document['metric']['label']} is {value:.3f}"[:20] in seen.text
    expects = "Expected if only the inputs changed: if the probabilities are right" in seen.text
    assert expects == (task != "regression")


def test_ids_are_unique_and_every_link_leads_somewhere(hostile):
    seen = Elements(output(hostile, "report.html"))

    ids = [value for name, value in seen.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {value[1:] for name, value in seen.attributes if name == "href" and value.startswith("#")}
    labels = {each for name, value in seen.attributes if name == "aria-labelledby" for each in value.split()}
    assert {"findings", "quality", "column-2"} <= links
    assert links | labels <= set(ids)


def test_names_that_look_like_markup_are_texts(hostile):
    page = output(hostile, "report.html")
    seen = Elements(page)

    assert {"script", "img", "b"} & set(seen.tags) - {"b"} == set()
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert MARKUP in seen.texts
    assert seen.tags.count("style") == 1
    assert "\u202e" not in page  # it would turn the text around it
    assert TURNED[1:] in seen.text
    shown = re.findall(r"<text[^>]*>([^<]*)</text>", page)
    assert "&lt;/style&gt;&lt;script…" in shown  # in a picture, shortened


def test_hostile_names_break_no_other_output(hostile, capsys):
    monitor(hostile)

    out = capsys.readouterr().out
    assert "\u202e" not in out
    assert f"{TURNED[1:]} has unknown categories" in out.replace("\n", " ")
    summary = output(hostile, "summary.md")
    assert (
        re.findall(r"(?<!\\)[<*|]", summary.replace("**Act", "").replace(".**", "").replace("| ", "").replace(" |", ""))
        == []
    )
    assert all(line.count("|") - line.count("\\|") == 5 for line in summary.splitlines() if line.startswith("| act"))
    assert f'column="{MARKUP}"'.replace('"1"', '\\"1\\"') in output(hostile, "monitoring.prom")


def test_a_column_that_moved_is_drawn_beside_training_the_period_before_and_a_year_ago(hostile):
    seen = Elements(output(hostile, "report.html"))

    for other in ("the training set", "the period before", "the same days a year ago"):
        assert f"beside {other} A large change. Stability index" in seen.text
    name = TURNED[1:]
    lost = [each for each in monitor(hostile)["slices"] if each["column"] == TURNED and each["value"] == LONG]
    assert f"Goes with the loss in {name} = {LONG} ({lost[0]['rows']} outcomes)." in seen.text


def periods(document, **changes):
    return {**document, "periods": [*document["periods"][:-1], {**document["periods"][-1], **changes}]}


def test_a_gap_to_what_was_expected_is_called_concept_drift(documents):
    document, _ = documents["binary"]
    found = document["periods"][-1]["performance"]
    low, high = found["interval"].values()

    def page(expected):
        return Elements(report_page(periods(document, performance=found | {"expected": {"roc_auc": expected}}))).text

    assert "inside the interval of what was realised, so that there is no sign of concept drift" in page(
        (low + high) / 2
    )
    assert "(95 % interval" in page(high)
    assert "is called concept drift: one of the assumptions below does not hold any more" in page(high + 0.02)


def test_releases_are_marked_and_named(documents):
    document, _ = documents["binary"]
    releases = [
        {"time": "2024-07-24T09:30:00+00:00", "version": "2024-07-20.abcdef1"},
        {"time": "2024-07-09T23:30:00-05:00", "version": "2024-07-01.abcdef0"},
        {"time": "2023-01-10T09:30:00Z", "version": "2023-01-01.abcdeff"},
    ]

    seen = Elements(report_page({**document, "model": {**document["model"], "releases": releases}}))

    assert "Releases: 1: 2024-07-01.abcdef0 on 2024-07-10; 2: 2024-07-20.abcdef1 on 2024-07-24." in seen.text
    assert "abcdeff" not in seen.text


def test_what_is_not_known_is_said(documents):
    document, _ = documents["binary"]
    bare = {
        **document,
        "periods": [{**period, "performance": None, "judged": False, "by_day": {}} for period in document["periods"]],
        "slices": [],
        "columns": [],
        "predictions": {**document["predictions"], "rows": 0, "counts": [0] * len(document["predictions"]["counts"])},
        "outcomes": {"by_day": [], "usual_share": 0.0, "delay_days": None},
        "findings": [{**each, "level": "not judged"} for each in document["findings"]],
        "level": "not judged",
    }

    text = Elements(report_page(bare)).text

    assert "Nothing has to be done as far as could be judged; how good the answers were is not known." in text
    for sentence in (
        "No outcome of these predictions is known",
        "No slice has enough outcomes",
        "There are no predictions of the live version",
        "No column moved by more than chance explains.",
        "No prediction has an id",
        "There was no prediction in any of these periods.",
    ):
        assert sentence in text


def test_an_interval_with_an_end_that_is_not_known_is_none(documents):
    document, _ = documents["binary"]
    unknown = {"low": None, "high": 0.9}
    found = document["periods"][-1]["performance"] | {"interval": unknown}
    slices = [each | {"interval": unknown} for each in document["slices"]]

    text = Elements(report_page(periods(document, performance=found) | {"slices": slices})).text

    assert "ROC AUC is 0." in text
    assert "(95 % interval" not in text
    assert "beyond chance" not in text


def test_the_same_document_gives_the_same_page(documents):
    document, page = documents["multiclass"]

    assert report_page(json.loads(json.dumps(document))) + "\n" == page


def test_a_wide_table_does_not_make_a_huge_page(documents):
    document, _ = documents["binary"]
    moved = max(document["columns"], key=lambda column: column["name"] == "size") | {"index_training": 3.0}
    wide = [{**moved, "name": f"column {number}"} for number in range(300)]

    page = report_page({**document, "columns": wide})

    assert len(page) < 400_000
    assert len(re.findall('class="column"', page)) == 8
    assert "column 299 (index 3.00)" in Elements(page).text


def test_a_loss_goes_with_the_column_that_moved_in_its_slice(projects_with_reports, tmp_path):
    project = projects_with_reports["binary"].copy_to(tmp_path / "project")

    def change(table):
        heated = (table["heated"] == "true") & (table["sold_on"] >= NEWEST_WEEK)
        return table.assign(size=table["size"].mask(heated, 290.0), sold_fast=table["sold_fast"] ^ heated)

    let_it_answer(project, change=change)
    document = monitor(project)

    worst = document["slices"][0]
    assert (worst["column"], worst["value"]) == ("heated", True)
    (moved,) = worst["columns"]
    assert moved["name"] == "size"
    assert moved["index"] > 1 > 0.1 > moved["elsewhere"]
    text = Elements(output(project, "report.html")).text
    assert "size moved there" in text
    assert f"Goes with the loss in heated = true ({worst['rows']} outcomes)." in text
