"""Generate a project from a checkout of the template, in a process of its own: each checkout has its own filters."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from cd4ml.files.git import run_command
from cd4ml.update.record import UpdateError

_TIMEOUT = 120  # seconds


def render(checkout: Path, answers: Mapping[str, str], into: Path) -> Path:
    """Return the folder of a project that is generated from answers, without any setting of the user's.

    Args:
        checkout: the template's files.
        answers: by question; those of questions that this version does not ask are ignored.
        into: the folder in which the project's is made.

    Raises:
        UpdateError: the template rejects an answer.
    """
    into.mkdir(parents=True)
    records = Path(f"{into}.records")
    records.mkdir()
    chosen = into / "answers.json"
    chosen.write_text(json.dumps(dict(answers)), encoding="utf-8")
    temporary = {"TMPDIR": str(records)}  # where cookiecutter leaves the hooks that it has run
    done = run_command(
        [sys.executable, "-P", "-m", "cd4ml.update.render", str(checkout), str(into)], _TIMEOUT, temporary
    )
    chosen.unlink()
    if done.returncode:
        raise UpdateError(f"the template rejects an answer: {_reason(done.stderr)}; SET gives another one")
    (project,) = into.iterdir()
    return project


def _reason(stderr: str) -> str:
    """Return the line in which a hook or cookiecutter says what is wrong with an answer."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if "an answer that works" in line or line.startswith("ValueError: ")]
    return [*told, *reversed(lines), "no reason given"][0].removeprefix("ValueError: ").rstrip(".")


def main() -> None:
    """Generate: `python -m cd4ml.update.render CHECKOUT INTO`, with the answers in `INTO/answers.json`."""
    from cookiecutter.main import cookiecutter

    checkout, into = sys.argv[1:]
    answers = json.loads(Path(into, "answers.json").read_text(encoding="utf-8"))
    cookiecutter(
        checkout,
        no_input=True,
        extra_context=answers,
        output_dir=into,
        default_config={"replay_dir": f"{into}.records", "cookiecutters_dir": f"{into}.records"},
    )


if __name__ == "__main__":
    main()
