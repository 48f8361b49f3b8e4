"""The verb `audit`: reject packages in uv.lock with known vulnerabilities; no answer is no pass.

What is accepted stands in pyproject.toml: [tool.uv.audit], ignore = ["GHSA-..."]. AUDIT_URL names a mirror of osv.dev.
"""

import os
import re

from cd4ml.delivery.actions_io import add_to_summary
from cd4ml.delivery.index_tools import run_index_tool
from cd4ml.errors import UserError
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments

_UV = "uv==0.13.8"
_FOUND = 1  # the exit code of `uv audit` if it found something


def main(argv: list[str]) -> None:
    """Audit the packages; print and summarise that there is nothing.

    Raises:
        UserError: a package has a known vulnerability, or nobody could say.
    """
    Arguments("audit").parse_args(argv)
    project, mirror = read_project(), os.environ.get("AUDIT_URL", "")
    if mirror and not re.match(r"https://|http://127\.0\.0\.1[:/]", mirror):
        raise UserError("AUDIT_URL must begin with https://")
    service = ["--service-url", mirror] if mirror else []
    options = ["--preview-features", "audit-command", "--locked", *service]
    code = run_index_tool(project, _UV, "uv", "audit", *options)
    if code == _FOUND:
        raise UserError(
            "update them (uv lock --upgrade-package NAME), or accept them: [tool.uv.audit] in pyproject.toml"
        )
    if code:
        raise UserError(f"no verdict (exit code {code}), which is no pass; run it again")
    told = "audit: no known vulnerability in what uv.lock names"
    print(told)
    add_to_summary(told)
