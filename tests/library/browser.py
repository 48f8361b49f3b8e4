"""Real Chromium, Debian's own, driven by Playwright: its contexts, and what their pages asked for and complained of."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

AXE = Path(__file__).parents[2] / "build/node/node_modules/axe-core/axe.min.js"
_STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def program() -> str | None:
    """Return the path of Chromium; None if it is not installed. Playwright's own browsers are not looked for."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, and stop it when the block ends."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # its sandbox refuses to run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page in a context of its own; every request to another host is stopped, and remembered."""

    def __init__(self, browser: Browser, url: str, **settings: Any) -> None:
        self.context: BrowserContext = browser.new_context(**{"locale": "en-GB", **settings})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._origin = "/".join(url.split("/")[:3])
        self.context.route("**/*", self._route)
        self.page.on("console", lambda message: self._complain(message.type, message.text))
        self.page.on("pageerror", lambda error: self._complain("error", str(error)))
        self.page.on("dialog", lambda dialog: (self._complain("error", dialog.message), dialog.dismiss()))
        self.page.goto(url)

    def _route(self, route: Any) -> None:
        self.requests.append(route.request.url)
        if route.request.url.startswith(f"{self._origin}/"):
            route.continue_()
        else:
            route.abort()

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "the server responded with a status of 4" not in text:
            self.complaints.append(text)

    @property
    def outside(self) -> list[str]:
        """The requests to other hosts."""
        return [url for url in self.requests if not url.startswith((f"{self._origin}/", "data:"))]

    def field(self, column: str) -> Any:
        """Return the control of a column."""
        return self.page.locator(f"[data-column={_css_string(column)}]")

    def error_of(self, column: str) -> str:
        """Return the text that a screen reader adds to a control, after its hint."""
        described = (self.field(column).get_attribute("aria-describedby") or "").split()
        return self.page.locator(f"#{described[1]}").inner_text()

    def predict(self) -> None:
        """Press Predict, and wait for the prediction."""
        self.page.get_by_role("button", name="Predict").click()
        self.page.locator("#status", has_text=": ").wait_for(state="attached")

    def violations(self) -> list[str]:
        """Return what axe-core finds wrong with the page as it is now."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        options = {"runOnly": {"type": "tag", "values": _STANDARDS}}
        found = self.page.evaluate("options => axe.run(options)", options)
        assert found["passes"], "axe-core checked nothing"
        return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


def _css_string(text: str) -> str:
    return '"' + "".join(character if character.isalnum() else f"\\{ord(character):x} " for character in text) + '"'
