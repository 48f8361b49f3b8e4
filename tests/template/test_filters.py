"""Text that a user typed reads the same from every format that it is written into."""

from __future__ import annotations

import ast
import json
import tomllib

import jinja2
import pytest
import yaml
from markdown_it import MarkdownIt

import local_extensions

TEXTS = [
    "plain",
    'both "kinds" of \'quotes\'',
    r"C:\new\table \u0041 \x41",
    "<b>&amp; {{ x }} ${{ y }} $HOME $$ %s {0}",
    "🚀 👩‍🔬 \U0010fffd",
    "מודל نموذج \u200f",
    "tab\tnewline\nreturn\rnull\0bell\aescape\x1b",
    "delete\x7f next-line\x85 c1\x9b",
    "separators\u2028\u2029 mark\ufeff non-characters\ufffe\uffff",
    " leading, trailing ",
    "# not: a comment - no *markup* _here_ `or` [there](x) | ~~1~~ #",
    "1. no list", "- no list", "+ no list", "===", "> no quote", "",
    "a" * 300,
]  # fmt: skip


def rendered(name: str, text: str) -> str:
    extension = getattr(local_extensions, name)
    environment = jinja2.Environment(extensions=[extension], autoescape=False)
    return environment.from_string(f"{{{{ text | {name} }}}}").render(text=text)


@pytest.mark.parametrize("text", TEXTS)
def test_quoted_text_reads_the_same_in_toml_yaml_json_and_python(text: str) -> None:
    written = rendered("quoted", text)

    assert "\n" not in written
    assert json.loads(written) == text
    assert yaml.safe_load(f"key: {written}") == {"key": text}
    assert tomllib.loads(f"key = {written}") == {"key": text}
    assert ast.literal_eval(written) == text


@pytest.mark.parametrize("text", [text for text in TEXTS if text.isprintable() or "\u200d" in text])
@pytest.mark.parametrize("before", ["# ", ""], ids=["heading", "paragraph"])
def test_markdown_shows_text_as_it_was_typed(text: str, before: str) -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = reader.parse(before + rendered("markdown", text))

    inline = next((token for token in tokens if token.type == "inline"), None)
    children = inline.children or [] if inline else []
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == text.strip()
    assert [token.type for token in tokens if token.type.endswith("_open")] == [
        *(["heading_open" if before else "paragraph_open"] if text.strip() or before else [])
    ]


@pytest.mark.parametrize("slug", ["../x", "a/b", "/tmp/x", "..", ".", "", "x" * 101])
def test_a_slug_that_is_not_one_folder_stops_before_any_folder_is_made(slug: str) -> None:
    with pytest.raises(SystemExit, match="an answer that works: flight-delays"):
        rendered("package", slug)
