"""`insist` of the deploy scripts: what a cloud needs time for is asked again within a bound, and told by codes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.template.conftest import DEPLOY

CLOUD = """\
cloud() { # FAILS MESSAGE: fails so many times, as a vendor's command line does
    printf x >>"$WORK/calls"
    if [ "$(wc -c <"$WORK/calls")" -gt "$1" ]; then echo made; return; fi
    echo "Something else (CODE) is named here" >&2
    echo "An error occurred $2" >&2
    return 254
}
"""
NOT_YET = "(NoSuchEntity) when calling PutUserPolicy: demo-reader cannot be found."


def insisted(folder: Path, command: str, patience: int = 60) -> subprocess.CompletedProcess[str]:
    """Run a command under `insist`, for a platform whose codes are NoSuchEntity and AlreadyExists."""
    settings = f"PLATFORM=fargate SLUG=demo VERB=bootstrap WORK='{folder}' INSIST_PAUSE=0 INSIST_PATIENCE={patience}"
    codes = r"PASSES='\((NoSuchEntity)\)' ALREADY='\((AlreadyExists)\)'"
    script = f"{settings}; . '{DEPLOY}/any-cloud/script.sh'; {codes}; {CLOUD}\n{command}"
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False)


def test_an_error_that_passes_is_waited_for_and_told_once(tmp_path: Path) -> None:
    done = insisted(tmp_path, f'told=$(insist cloud 3 "{NOT_YET}"); printf "%s" "$told"')

    assert (done.returncode, done.stdout) == (0, "made")
    assert done.stderr == f"waiting, as this passes: An error occurred {NOT_YET}\n"
    assert len((tmp_path / "calls").read_text()) == 4


def test_docker_hubs_limit_passes_on_every_platform(tmp_path: Path) -> None:
    limit = "toomanyrequests: You have reached your unauthenticated pull rate limit."

    assert insisted(tmp_path, f'insist cloud 1 "{limit}"').returncode == 0


def test_another_error_is_not_asked_again(tmp_path: Path) -> None:
    done = insisted(tmp_path, 'insist cloud 9 "(AccessDenied): NoSuchEntity" || give_up $? "no user"')

    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == ["An error occurred (AccessDenied): NoSuchEntity", "fargate: no user"]
    assert len((tmp_path / "calls").read_text()) == 1


def test_what_does_not_pass_in_time_ends_in_one_line_that_says_to_run_it_again(tmp_path: Path) -> None:
    done = insisted(tmp_path, f'insist cloud 9 "{NOT_YET}" || give_up $? "no user"', patience=0)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"fargate: for 0 s: An error occurred {NOT_YET}; that passes: run uv run cd4ml cloud bootstrap"
    )


@pytest.mark.parametrize(("failing", "existed"), [(0, ""), (1, "yes")])
def test_what_is_there_already_is_no_error(tmp_path: Path, failing: int, existed: str) -> None:
    done = insisted(tmp_path, f'insist cloud {failing} "(AlreadyExists)" >/dev/null; printf "%s" "$EXISTED"')

    assert (done.returncode, done.stdout, done.stderr) == (0, existed, "")
