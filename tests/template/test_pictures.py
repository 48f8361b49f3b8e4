"""How the pictures in docs/ are made of what a command prints, and that those that are there are sound."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from scripts.pictures.terminal import HARD_SPACE, draw, shortened
from tests.conftest import ROOT
from tests.template.test_template_sources import OF_A_MACHINE

SVG = "{http://www.w3.org/2000/svg}"
PRINTED = """
[2/5    2 s] install it from its lock file (make setup)
Resolved 271 packages in 8ms
 + numpy==2.4.6


[3/5    4 s] run the pipeline on real flights (make train)
Running stage 'validate':
> cd4ml stage validate
  20,568 rows match the contract's 16 columns
Updating lock file 'dvc.lock'
  brier              0.183  0.176 to 0.190  0.221
  roc_auc            0.741  0.722 to 0.760  0.500

"""


def test_what_tells_nothing_is_left_out_and_what_is_left_is_as_it_was_printed() -> None:
    assert shortened(PRINTED) == [
        "[2/5    2 s] install it from its lock file (make setup)",
        "",
        "[3/5    4 s] run the pipeline on real flights (make train)",
        "  20,568 rows match the contract's 16 columns",
        "  roc_auc            0.741  0.722 to 0.760  0.500",
    ]


def test_a_terminal_is_drawn_with_its_text_and_nothing_from_elsewhere() -> None:
    svg = draw("make <x>", ["  a & b", "", '"c"'], "what it shows")
    root = ElementTree.fromstring(svg)

    texts = [(each.text or "").replace(HARD_SPACE, " ") for each in root.iter(f"{SVG}text")]
    assert texts == ["$ make <x>", "  a & b", '"c"']
    assert root.get("aria-label") == "what it shows"
    heights = [float(each.get("y", "")) for each in root.iter(f"{SVG}text")]
    assert heights == sorted(heights)
    assert heights[-1] < float(root.get("height", ""))
    assert "href" not in svg
    assert "url(" not in svg


def test_the_picture_of_the_demo_is_whole_and_shows_nobodys_machine() -> None:
    text = (ROOT / "docs/pictures/demo.svg").read_text(encoding="utf-8")
    lines = [each.text or "" for each in ElementTree.fromstring(text).iter(f"{SVG}text")]

    assert [line[1] for line in lines if line.startswith("[")] == ["1", "2", "3", "4", "5"]
    assert not OF_A_MACHINE.search(text)
    assert "file://" not in text
    assert len(lines) < 45


def test_pictures_are_small_enough_for_a_page() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs/pictures").iterdir()}

    assert {name: size for name, size in sizes.items() if size > 200_000} == {}
