"""The one place that runs commands: what it prints, what it leaves out, and how it tells errors apart."""

import shlex
import sys
from pathlib import Path

import pytest
from cd4ml.deploy.commands import Command, Effects, UnreadError
from cd4ml.deploy.fargate.aws import code
from cd4ml.deploy.verbs import aligned

REFUSED = "An error occurred (ConflictException) when calling the Stop operation: (whatever) it says"


def python(program: str, **settings: object) -> Command:
    return Command((sys.executable, "-c", program), **settings)  # type: ignore[arg-type]


def test_what_a_change_prints_is_read_and_from_then_on_something_was_changed() -> None:
    effects = Effects("cloud")
    assert effects.so_far == ", and nothing was changed"
    assert effects.read(python("print('{}')")) == {}
    assert effects.so_far == ", and nothing was changed"
    assert effects.change_and_read(python("""print('{"a": 1}')""")) == {"a": 1}
    assert effects.so_far == ""
    assert effects.change_and_read(python("pass")) is None


def test_a_change_that_failed_is_not_tried_again_and_tells_its_code() -> None:
    once = python(f"import sys; open('tried', 'a').write('x'); sys.exit({REFUSED!r})", tries=2)
    with pytest.raises(UnreadError, match="ConflictException") as failure:
        Effects("cloud").change_and_read(once)
    assert Path("tried").read_text(encoding="utf-8") == "x"
    assert code(failure.value) == "ConflictException"


def test_a_tool_that_fails_by_itself_has_no_code() -> None:
    assert code(UnreadError("no network", "Could not connect to the endpoint URL")) == ""


def test_a_dry_run_prints_what_can_be_pasted_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    effects = Effects("cloud", dry_run=True)
    command = Command(("aws", "ecs", "tag", "a b", "$(touch pwned)", "key=s3cret"), secrets=frozenset({"s3cret"}))
    assert effects.change(command)
    assert effects.change_and_read(command) is None
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert shlex.split(first) == ["aws", "ecs", "tag", "a b", "$(touch pwned)", "key=LEFT-OUT"]
    assert not effects.changed


def test_a_secret_is_in_no_error() -> None:
    with pytest.raises(UnreadError) as failure:
        Effects("cloud").read(python("import sys; sys.exit('bad key: ' + sys.stdin.read())", stdin="s3cret"))
    assert "s3cret" not in str(failure.value) + failure.value.said


def test_the_columns_of_a_table_are_as_wide_as_their_cells() -> None:
    assert aligned([("traffic", "image"), ("5 %", "1d40b8a")]) == ["traffic  image", "5 %      1d40b8a"]
