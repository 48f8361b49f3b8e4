"""Take pictures of pages in Debian's Chromium, as small as they get without looking different."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from PIL import Image
from playwright.sync_api import Page, sync_playwright

SCALE, COLOURS = 1.5, 256
# As GitHub shows Markdown, in few rules.
STYLE = """
body { font: 15px/1.5 'DejaVu Sans', sans-serif; color: #1f2328; margin: 24px; max-width: 960px; }
h1, h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: 6px; font-size: 1.5em; } h2, h3 { font-size: 1.25em; }
table { border-collapse: collapse; margin: 0 0 16px; } td, th { border: 1px solid #d1d9e0; padding: 4px 10px; }
tr:nth-child(even) td { background: #f6f8fa; } code { background: #eff1f3; border-radius: 5px; padding: 2px 5px; }
img { width: 32.5%; } a { color: #0969da; } .comment { border: 1px solid #d1d9e0; border-radius: 8px; }
.comment > .by { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 8px 8px 0 0; padding: 8px 16px;
  font-size: 13px; color: #59636e; } .comment > .text { padding: 4px 16px 12px; }
.yes { color: #1a7f37; } .no { color: #d1242f; }
"""
SIGNS = {"✅": '<span class="yes">✔</span>', "❌": '<span class="no">✘</span>'}
"""What is drawn for an emoji: Debian's Chromium has no font of them."""
Action = Callable[[Page], object]


class Camera:
    """Takes pictures of pages."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser, self.folder = browser, folder

    def take(self, name: str, url: str, width: int, height: int, before: Action | None = None) -> None:
        """Write the picture of a page's upper part, `width` by at most `height`, after `before` has acted on it."""
        context = self.browser.new_context(
            locale="en-GB", viewport={"width": width, "height": 900}, device_scale_factor=SCALE
        )
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.route("**/*", _local_only)
        page.goto(url)
        if before:
            before(page)
        whole = page.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)")
        box = {"x": 0, "y": 0, "width": width, "height": min(height, whole)}
        content = page.screenshot(full_page=True, clip=box, animations="disabled")
        context.close()
        with Image.open(BytesIO(content)) as image:
            image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(self.folder / name, optimize=True)


def _local_only(route: Any) -> None:
    local = route.request.url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))
    route.continue_() if local else route.abort()


@contextmanager
def camera(folder: Path) -> Iterator[Camera]:
    """A camera that puts its pictures into a folder."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # its sandbox refuses to run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield Camera(browser, folder)
        finally:
            browser.close()


def page_of(markdown: str, comment_by: str = "") -> str:
    """Return Markdown as an HTML page; as a comment on GitHub, if somebody wrote it."""
    text = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    for emoji, sign in SIGNS.items():
        text = text.replace(emoji, sign)
    if comment_by:
        text = f'<div class="comment"><div class="by">{comment_by}</div><div class="text">{text}</div></div>'
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><style>{STYLE}</style><body>{text}</body></html>'
