"""One issue about one subject: opened, updated while it lasts, closed when it is over.

Where issues are disabled in the repository none of that is an error: the caller has the text in the run's summary.
"""

from dataclasses import dataclass
from typing import Any

from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.pull_request import truncated

_DISABLED = 410  # GitHub's status
_STRANGERS = {"NONE", "CONTRIBUTOR", "FIRST_TIMER", "FIRST_TIME_CONTRIBUTOR", "MANNEQUIN"}


@dataclass(frozen=True)
class SingleIssue:
    """The issue, by which it is found again: its title, and a comment of HTML in its text, which nobody sees."""

    title: str
    marker: str

    def find(self, github: GitHub) -> dict[str, Any] | None:
        """Return the open issue; None if there is none, or issues are disabled."""
        issues = github.pages("issues", state="open", sort="created", direction="asc")
        try:
            return next((issue for issue in issues if self._is(issue)), None)
        except GitHubError as failure:
            if failure.status != _DISABLED:
                raise
            return None

    def write(self, github: GitHub, text: str) -> tuple[str, str]:
        """Open the issue, or update the open one; return what was done, and its address, empty where issues are off."""
        ending = f"\n\n{self.marker}\n"
        body = truncated(text, "the run's summary") + ending
        if issue := self.find(github):
            github.patch(f"issues/{issue['number']}", {"body": body})
            return f"updated issue {issue['number']}: {self.title}", str(issue.get("html_url", ""))
        try:
            issue = github.post("issues", {"title": self.title, "body": body})
        except GitHubError as failure:
            if failure.status != _DISABLED:
                raise
            return f"issues are disabled in this repository, so none was opened: {self.title}", ""
        return f"opened issue {issue['number']}: {self.title}", str(issue.get("html_url", ""))

    def close(self, github: GitHub, comment: str) -> tuple[str, str]:
        """Close the open issue with a comment; return what was done, and its address; both empty if there is none."""
        issue = self.find(github)
        if issue is None:
            return "", ""
        github.post(f"issues/{issue['number']}/comments", {"body": comment})
        github.patch(f"issues/{issue['number']}", {"state": "closed"})
        return f"closed issue {issue['number']}: {self.title}", str(issue.get("html_url", ""))

    def _is(self, issue: dict[str, Any]) -> bool:
        if "pull_request" in issue or issue.get("title") != self.title or self.marker not in (issue.get("body") or ""):
            return False
        author = issue.get("user") or {}  # anybody may open an issue of this title in a public repository
        return author.get("type") == "Bot" or issue.get("author_association") not in _STRANGERS
