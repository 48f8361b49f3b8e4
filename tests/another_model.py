"""The edits that cd4ml/docs/another-model.md asks for, read from the page."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "<<cookiecutter.project_slug>>/cd4ml/docs/another-model.md"


def blocks(library: str, language: str) -> list[str]:
    """Return the blocks in a language, in the section about a library."""
    section = next(part for part in PAGE.read_text(encoding="utf-8").split("\n## ") if part.startswith(library))
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def edited_model(text: str, library: str) -> str:
    """Return the text of model.py after the page's edits."""
    imports, end = blocks(library, "python")
    before, _, after = text.partition("from sklearn.ensemble import")
    text = before + imports + after.partition("\n")[2]
    return text[: text.index("    settings = {")] + end


def edited_params(text: str, library: str) -> str:
    """Return the text of params.yaml after the page's edit; it may lack the section."""
    (line,) = blocks(library, "yaml")
    text = re.sub(r"^  trusted_types: .*\n", "", text, flags=re.MULTILINE)
    return text.replace("package:\n", f"package:\n{line}") if "package:\n" in text else f"{text}package:\n{line}"
