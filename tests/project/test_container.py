"""The container among the failures of its machine: one clear line and exit code 1, or answers as ever."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine import DOCKER, docker
from tests.project.baked import Project

RIGHTS = "--read-only --cap-drop ALL --security-opt no-new-privileges --memory 512m --pids-limit 256".split()
ASK = "import json, urllib.request as r; rows = json.load(open('models/bundle/examples.json')); " + (
    "body = json.dumps({'rows': rows['rows']}).encode(); "
    "asked = r.Request('http://127.0.0.1:8000/predict', body, {'Content-Type': 'application/json'}); "
    "answer = json.load(r.urlopen(asked, timeout=5)); print(answer['predictions'] == rows['predictions'])"
)
DAMAGE = """
cd /tmp; stop() { echo "$1: rc $2: $(cat err | wc -l): $(cat err)"; }
for file in $(ls /app/models/bundle); do
    others=; [ $file != bundle.json ] || others="emptied folder unreadable"
    for how in cut altered missing $others; do
        rm -rf bundle; cp -r /app/models/bundle bundle; f=bundle/$file
        case $how in
            cut) truncate -s $(($(stat -c %s $f) / 2)) $f ;;
            altered) printf '\\377' | dd of=$f bs=1 seek=$(($(stat -c %s $f) / 2)) conv=notrunc status=none ;;
            emptied) : >$f ;;
            missing) rm $f ;;
            folder) rm $f; mkdir $f ;;
            unreadable) chmod 000 $f ;;
        esac
        rc=0; MODEL_BUNDLE=bundle timeout 20 python -m cd4ml serve >out 2>err || rc=$?
        stop "$file $how" $rc
    done
done
"""
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime")


@contextmanager
def container(name: str, *options: str) -> Iterator[str]:
    """A container of an image with as few rights as `make smoke` gives it; removed in the end."""
    started = docker("run", "--detach", *RIGHTS, *options, name).stdout.strip()
    try:
        yield started
    finally:
        docker("rm", "--force", started, check=False)


def state(started: str) -> dict[str, object]:
    described: dict[str, object] = json.loads(docker("inspect", "--format", "{{json .State}}", started).stdout)
    return described


def answers(started: str) -> None:
    """Wait until the container answers as the bundle's examples say."""
    deadline = time.monotonic() + 60
    while (asked := docker("exec", started, "python", "-c", ASK, check=False)).stdout != "True\n":
        assert time.monotonic() < deadline, asked.stderr + docker("logs", started).stderr
        assert state(started)["Running"], docker("logs", started).stderr
        time.sleep(0.2)


def ended(*command: str) -> tuple[int, str]:
    """The exit code of a container that ends at its start, and the one line that it has to print."""
    done = docker("run", "--rm", *RIGHTS, *command, check=False)
    (line,) = done.stderr.splitlines()
    return done.returncode, line


def test_it_stops_when_it_is_told_to_in_time_with_exit_code_0(image: tuple[Project, str]) -> None:
    with container(image[1]) as started:
        answers(started)
        began = time.monotonic()
        docker("stop", "--time", "30", started)

        took = time.monotonic() - began
        assert state(started)["ExitCode"] == 0
        assert not state(started)["OOMKilled"]
        assert took < 5, took
        lines = [json.loads(line) for line in docker("logs", started).stderr.splitlines()]
        assert {(line["severity"], line["message"], line["status"]) for line in lines} == {("INFO", "request", 200)}
        assert docker("top", started, check=False).returncode != 0


def test_the_engine_sees_that_it_is_healthy_and_writes_nowhere(image: tuple[Project, str]) -> None:
    with container(image[1], "--health-interval", "1s") as started:
        deadline = time.monotonic() + 60
        while (health := state(started)["Health"]["Status"]) != "healthy":  # type: ignore[index]
            assert time.monotonic() < deadline, health
            time.sleep(0.3)
        answers(started)
        assert docker("diff", started).stdout == ""


def test_smoke_shows_the_log_of_a_container_that_fails_and_does_not_wait_for_it(
    image: tuple[Project, str], tmp_path: Path
) -> None:
    project, name = image
    broken, deaf = f"{name}-broken", f"{name}-deaf"
    (tmp_path / "Dockerfile").write_text(f"FROM {name}\nENV PORT=http\n", encoding="utf-8")
    docker("build", "--quiet", "--tag", broken, str(tmp_path))
    entry = 'ENTRYPOINT ["sh", "-c", "trap : TERM; python -m cd4ml serve & while :; do wait; sleep 0.1; done"]\n'
    (tmp_path / "Dockerfile").write_text(f"FROM {name}\n{entry}", encoding="utf-8")
    docker("build", "--quiet", "--tag", deaf, str(tmp_path))
    try:
        began = time.monotonic()
        failed = project.make("smoke", f"IMAGE={broken}", check=False)
        assert time.monotonic() - began < 20
        assert failed.returncode != 0
        assert re.search('serve: .*PORT.*"http"', failed.stdout), failed.stdout  # the container's own line
        assert "smoke-image: the container ended" in failed.stdout
        assert "(exit code 1, out of memory: false); its log is above" in failed.stdout

        failed = project.make("smoke", f"IMAGE={deaf}", check=False)
        assert failed.returncode != 0
        assert "did not end by itself when it was told to stop (exit code 137" in failed.stdout

        engine = tmp_path / "engine"  # that does not stop anything
        engine.write_text(
            f'#!/bin/sh\n[ "$1" != stop ] || {{ echo no >&2; exit 1; }}\nexec {DOCKER} "$@"\n', encoding="utf-8"
        )
        engine.chmod(0o755)
        failed = project.make("smoke", f"IMAGE={name}", settings={"DOCKER": str(engine)}, check=False)
        assert failed.returncode != 0
        assert "did not end by itself when it was told to stop (exit code 0" in failed.stdout
    finally:
        docker("image", "rm", "--force", broken, deaf, check=False)


def test_a_damaged_bundle_is_one_line_and_exit_code_1_whichever_file_and_however(image: tuple[Project, str]) -> None:
    project, name = image
    files = sorted(path.name for path in (project.folder / "models/bundle").iterdir())

    printed = docker("run", "--rm", *RIGHTS, "--tmpfs", "/tmp:mode=1777", name, "sh", "-c", DAMAGE).stdout

    lines = printed.splitlines()
    assert len(lines) == 3 * len(files) + 3, printed
    for line in lines:
        assert ": rc 1: 1: serve: " in line, line
        assert any(word in line for word in ("make train", "permission denied")), line
        assert "bundle" in line, line


def test_a_bundle_of_a_newer_library_is_told_as_such(image: tuple[Project, str], tmp_path: Path) -> None:
    project, name = image
    manifest = project.read_json("models/bundle/bundle.json") | {"format": 99}
    (tmp_path / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "bundle.json").chmod(0o644)

    code, line = ended("--volume", f"{tmp_path}/bundle.json:/app/models/bundle/bundle.json:ro", name)

    assert code == 1
    assert "bundle.json has format 99, and this code reads" in line
    assert line.endswith("update cd4ml")


def test_a_port_in_use_is_one_line_and_exit_code_1(image: tuple[Project, str]) -> None:
    with container(image[1]) as started:
        answers(started)
        code, line = ended("--network", f"container:{started}", image[1])

    assert code == 1
    assert line.startswith("serve: cannot listen at 0.0.0.0, port 8000: Address already in use; choose another")


def test_a_full_disk_stops_no_answer_and_no_start(image: tuple[Project, str]) -> None:
    with container(image[1], "--tmpfs", "/tmp:size=4k,mode=1777") as started:
        docker("exec", started, "sh", "-c", "cat /dev/zero >/tmp/full", check=False)
        assert docker("exec", started, "sh", "-c", "echo more >/tmp/more", check=False).returncode != 0
        answers(started)
        docker("stop", "--time", "30", started)
        assert state(started)["ExitCode"] == 0

    code, line = ended(image[1], "sh", "-c", "exec python -m cd4ml serve >/dev/full")
    assert (code, line[:30]) == (1, "serve: the disk is full; free ")


@pytest.mark.parametrize("when", ["@1970-01-02 00:00:00", "@2099-12-31 23:59:00"])
def test_a_wrong_clock_changes_no_answer(
    image: tuple[Project, str], when: str, need: Callable[[str, object, str], None]
) -> None:
    need("faketime", FAKETIME.is_dir(), "libfaketime is not here")
    clock = ["--volume", f"{FAKETIME}:/faketime:ro", "--env", f"FAKETIME={when}"]
    clock += ["--env", "LD_PRELOAD=/faketime/libfaketimeMT.so.1", "--env", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    with container(image[1], *clock) as started:
        answers(started)
        year = docker("exec", started, "python", "-c", "import time; print(time.gmtime().tm_year)").stdout
        assert year.strip() == when[1:5]
        docker("stop", "--time", "30", started)
        assert state(started)["ExitCode"] == 0


def test_no_memory_to_start_in_is_told_as_such(image: tuple[Project, str]) -> None:
    with container(image[1], "--memory", "24m", "--memory-swap", "24m") as started:
        docker("wait", started)
        assert state(started)["OOMKilled"], docker("logs", started).stderr
        assert state(started)["ExitCode"] == 137
