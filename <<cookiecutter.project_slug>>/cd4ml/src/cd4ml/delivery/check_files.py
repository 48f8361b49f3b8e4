"""The verb `check-files`: find in files what must not be committed, before it is: .pre-commit-config.yaml calls it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.files.git import output_of
from cd4ml.terminal.arguments import Arguments

CONTRACT, PARAMS = Path("contract.yaml"), Path("params.yaml")
_CONFLICT = re.compile(rb"^(?:<{7}|>{7}|\|{7}) ", re.MULTILINE)
_KEYS = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "an access key of AWS": re.compile(rb"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a storage key of Azure": re.compile(rb"AccountKey=[A-Za-z0-9+/]{86}=="),
    "a token of GitHub": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,})\b"),
}
_PICKLES = (".pkl", ".pickle", ".joblib")
_ALLOWED = b"gitleaks:allow"  # on the line, as for the scanner that ci runs
_LIBRARY = ":!:cd4ml"  # for git: all but the library, which is checked where it is made


def main(argv: list[str]) -> None:
    """Look at the files that are named, or at all that git tracks outside the library; print nothing if all is well.

    Raises:
        UserError: the contract or the parameters are not valid, a conflict is not resolved, a line holds a key, a
            notebook holds what it printed, or a file is a pickle; one line for each, with its file and line.
    """
    parser = Arguments("check-files")
    parser.add_argument("file", nargs="*", type=Path, help="a file; default: all that git tracks")
    named = parser.parse_args(argv).file
    paths = named or [Path(name) for name in output_of("ls-files", "-z", "--", ".", _LIBRARY).split("\0")]
    findings = [finding for path in paths if path.is_file() for finding in findings_in(path)]
    if findings:
        raise UserError("\n".join(findings))


def findings_in(path: Path) -> Iterator[str]:
    """Return a line for each thing in a file that must not be committed."""
    if path.suffix in _PICKLES:
        yield f"{path}: a pickle runs code when it is loaded; make train keeps models without any, in models/"
        return
    content = path.read_bytes()
    if b"\0" in content[:8192]:  # what git takes for binary, too
        return
    yield from _in_text(path, content)
    if path in (CONTRACT, PARAMS):
        yield from _in_settings(path)
    if path.suffix == ".ipynb":
        yield from _in_notebook(path, content)


def _in_text(path: Path, content: bytes) -> Iterator[str]:
    if conflict := _CONFLICT.search(content):
        yield f"{path}:{_line_number(content, conflict.start())}: a conflict is not resolved; edit it, then git add"
    for what, key in _KEYS.items():
        for found in key.finditer(content):
            line = content[content.rfind(b"\n", 0, found.start()) + 1 :].partition(b"\n")[0]
            if _ALLOWED not in line:
                where = f"{path}:{_line_number(content, found.start())}"
                yield f"{where}: {what}; keep it outside the files, or as a secret of the repository (make doctor)"


def _line_number(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _in_settings(path: Path) -> Iterator[str]:
    """Read contract or parameters; only then is what reads them imported, which takes a quarter of a second."""
    from cd4ml.contract.contract import Contract
    from cd4ml.settings.params import Params

    try:
        Contract.load(path) if path == CONTRACT else Params.load(path)
    except UserError as error:
        yield str(error)


def _in_notebook(path: Path, content: bytes) -> Iterator[str]:
    try:
        printed = any(cell.get("outputs") for cell in json.loads(content)["cells"])
    except (ValueError, KeyError, TypeError, AttributeError):
        yield f"{path}: not a notebook that can be read"
        return
    if printed:
        yield f"{path}: holds what its cells printed, which may be rows; clear all outputs, save, then git add"
