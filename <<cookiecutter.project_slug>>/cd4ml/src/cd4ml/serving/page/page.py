"""Make the page: one HTML document, and the headers that forbid it everything that it does not need."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from string import Template

from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.page.form import form_fields
from cd4ml.serving.page.html_text import escape
from cd4ml.serving.page.model_summary import model_summary

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """The response to GET /."""

    content: bytes
    headers: dict[str, str]


def make_page(bundle: Bundle, root_path: str, *, needs_key: bool) -> Page:
    """Return the page of a bundle.

    Args:
        bundle: the one that is served.
        root_path: the prefix under which a proxy publishes the service; without one, links are relative to the page.
        needs_key: whether POST /predict requires a key, for which the form then has a field.
    """
    parts = {suffix: (_FOLDER / f"page.{suffix}").read_text(encoding="utf-8") for suffix in ("html", "css", "js")}
    facts, limits = model_summary(bundle, bundle.training_profile())
    contract, decision = bundle.contract, bundle.decision
    text = Template(parts["html"]).substitute(
        style=parts["css"],
        script=parts["js"],
        base=f"{root_path}/" if root_path else "",
        name=escape(contract.name),
        description=_paragraph(contract.description),
        purpose=_purpose(bundle),
        facts="\n".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in facts),
        limits=_limits(limits),
        key=_KEY if needs_key else "",
        fields=form_fields(contract),
        task=decision.task,
        target=escape(contract.target.name),
        unit=escape(contract.target.unit or ""),
        threshold="" if decision.threshold is None else f"{decision.threshold:.17g}",
    )
    policy = (
        f"default-src 'none'; script-src {_hash(parts['js'])}; style-src {_hash(parts['css'])}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Page(text.encode("utf-8", "replace"), headers)


_KEY = (
    '<div class="field key"><label for="key">API key</label>\n'
    '<p class="hint" id="hint-key">This service requires one. The page sends it with each request, and forgets it when '
    "you leave.</p>\n"
    '<input id="key" type="password" autocomplete="off" spellcheck="false" aria-describedby="hint-key error-key">\n'
    '<p class="error" id="error-key"></p></div>'
)


def _hash(text: str) -> str:
    """Return what allows exactly this script or style, wherever it came from."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _paragraph(text: str | None) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _purpose(bundle: Bundle) -> str:
    target, decision = bundle.contract.target, bundle.decision
    description = f": {escape(target.description.strip().removesuffix('.'))}" if target.description else ""
    match decision.task:
        case "binary":
            how = f"a probability; true at {decision.threshold:.3g} or more"
        case "multiclass":
            how = f"the most probable of {len(decision.classes)} classes"
        case "regression":
            how = f"a number, in {escape(target.unit)}" if target.unit else "a number"
    return f"Predicts <strong>{escape(target.name)}</strong>{description} ({how})."


def _limits(limits: list[str]) -> str:
    if not limits:
        return ""
    items = "\n".join(f"<li>{limit}</li>" for limit in limits)
    return f"<details><summary>Limits of use</summary>\n<ul>\n{items}\n</ul></details>"
