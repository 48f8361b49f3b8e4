"""A search that was stopped continues, processes search together, and no score of other data or other code is used."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tunable_project import before_each_build, evaluated, read_params, run_tune

# `tune` in a process of its own, as tunable_project.py sets it up. Two arguments, such as `kill 8` or `wait 8`: what it
# does before that model is built. With `query 8`, Ctrl-C is
# pressed twice when the study's database has answered that query of this process.
TUNE = """\
import os, pathlib, signal, sys, time
import pytest
import sqlalchemy as sql
from cd4ml import cli
from tunable_project import before_each_build, use_small_tree
patch = pytest.MonkeyPatch()
use_small_tree(patch)
fits = []
def before_build(settings):
    fits.append(settings)
    if sys.argv[1:] == ["kill", str(len(fits))]:
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[1:] == ["wait", str(len(fits))]:
        pathlib.Path("waiting").touch()
        time.sleep(120)
before_each_build(before_build, patch)
queries = []
def after_query(connection, cursor, statement, *_):
    if statement.startswith("SELECT"):
        queries.append(statement)
        if sys.argv[1:] == ["query", str(len(queries))]:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
sql.event.listen(sql.Engine, "after_cursor_execute", after_query)
sys.exit(cli.main(["tune"]))
"""


CHECKS = 1 + 4  # models that are built before the search: with the present values, and with the limits of the space


def start_tune(project, *arguments):
    folders = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", TUNE, *arguments], cwd=project.folder, text=True,
        env=os.environ | {"PYTHONPATH": folders}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def summary(output):
    return output[output.index("candidates on rows") : output.index(" folds\n")]


def run_counting_fits(project, monkeypatch, interrupted_at=None):
    """Run the verb; return the settings of each fit, without those that check the space."""
    fits = []

    def before_build(settings):
        if (project.folder / ".tuning/studies.db").exists():
            fits.append(settings)
            if len(fits) == interrupted_at:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        before_each_build(before_build, patch)
        if interrupted_at is None:
            assert run_tune(project) == 0
        else:
            with pytest.raises(SystemExit) as stopped:
                run_tune(project)
            assert stopped.value.code == 130
    return fits


@pytest.mark.parametrize(("fits_before", "evaluated_before"), [(0, 0), (1, 0), (7, 1)])
def test_an_interrupted_search_continues_and_ends_as_an_uninterrupted_one(
    tunable_project, fits_before, evaluated_before, monkeypatch, capsys
):
    before = read_params(tunable_project)
    expected = run_counting_fits(tunable_project, monkeypatch)
    params, table = read_params(tunable_project), summary(capsys.readouterr().out)
    candidates = [(trial["values"], trial["scores"]) for trial in evaluated(tunable_project)]
    shutil.rmtree(tunable_project.folder / ".tuning")
    tunable_project.write("params.yaml", before)

    fits = run_counting_fits(tunable_project, monkeypatch, interrupted_at=fits_before + 1)

    (line,) = capsys.readouterr().err.strip().splitlines()
    state = f"{evaluated_before} candidates are evaluated, and `make tune` continues from there"
    assert line == f"tune: stopped; {state}; params.yaml was not changed"
    assert read_params(tunable_project) == before

    fits = fits[:fits_before] + run_counting_fits(tunable_project, monkeypatch)[CHECKS:]
    assert fits == expected
    assert summary(capsys.readouterr().out) == table
    assert read_params(tunable_project) == params
    assert [(trial["values"], trial["scores"]) for trial in evaluated(tunable_project)] == candidates


def test_an_interrupted_candidate_keeps_its_scores_on_fewer_rows(tunable_project, monkeypatch):
    before = read_params(tunable_project)
    present = run_counting_fits(tunable_project, monkeypatch)[:6]
    shutil.rmtree(tunable_project.folder / ".tuning")
    tunable_project.write("params.yaml", before)
    run_counting_fits(tunable_project, monkeypatch, interrupted_at=4)

    fits = run_counting_fits(tunable_project, monkeypatch)[CHECKS:]

    assert fits.count(present[0]) == 3
    assert len(evaluated(tunable_project)) == 6


def test_ctrl_c_ends_the_process_at_once_and_in_one_line(tunable_project):
    process = start_tune(tunable_project, "wait", "14")
    while not (tunable_project.folder / "waiting").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=60)  # it would sleep for 120 seconds

    assert process.returncode == 130
    assert error.startswith("\ntune: stopped; ")
    assert error.count("\n") == 2
    assert "Traceback" not in output


@pytest.mark.parametrize("query", [66, 75, 84, 93, 102])
def test_ctrl_c_does_not_cut_off_a_query(tunable_project, query):
    """A query that is cut off keeps its lock on the database, for which the next one waits a minute."""
    process = start_tune(tunable_project, "query", str(query))

    _, error = process.communicate(timeout=55)

    assert process.returncode == 130
    assert re.fullmatch(r"\ntune: stopped; \d candidates are evaluated, and [^\n]+\n", error)
    assert run_tune(tunable_project) == 0
    assert len(evaluated(tunable_project)) == 6


def test_a_search_that_was_killed_continues_without_the_candidate_that_was_running(tunable_project, capsys):
    killed = start_tune(tunable_project, "kill", "14")
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    done = evaluated(tunable_project)
    assert 1 <= len(done) < 6

    assert run_tune(tunable_project) == 0

    assert f": {len(done)} candidates are evaluated" in capsys.readouterr().out
    assert evaluated(tunable_project)[: len(done)] == done
    assert len({json.dumps(trial["values"]) for trial in evaluated(tunable_project)}) == 6


def test_if_the_process_was_killed_that_evaluated_the_present_values_they_are_evaluated_at_the_end(tunable_project):
    start_tune(tunable_project, "kill", "8").communicate(timeout=120)
    assert evaluated(tunable_project) == []

    assert run_tune(tunable_project) == 0

    *candidates, present = evaluated(tunable_project)
    assert len(candidates) == 5
    assert present["values"] == {"depth": 1, "share": 0.05}


def test_other_present_values_are_compared_with_all_candidates(tunable_project, capsys):
    run_tune(tunable_project)
    candidates = evaluated(tunable_project)
    tunable_project.replace("params.yaml", "# far too small\n  share", "# far too small\n  share:  0.4 # was")

    assert run_tune(tunable_project) == 0

    *others, present = evaluated(tunable_project)
    assert others == candidates
    assert present["values"]["share"] == 0.4
    assert "the winner is better by" in capsys.readouterr().out


def test_two_processes_search_together(tunable_project):
    tunable_project.replace("params.yaml", "candidates: 6", "candidates: 20")
    tunable_project.replace("params.yaml", "[0.02, 0.05]", "{low: 0.01, high: 0.4}")

    processes = [start_tune(tunable_project), start_tune(tunable_project)]
    outputs = [process.communicate(timeout=240) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    candidates = evaluated(tunable_project)
    assert 20 <= len(candidates) <= 21
    different = {json.dumps(trial["values"]) for trial in candidates}
    assert len(different) >= len(candidates) - 2  # either may draw what the other has just drawn, by chance
    assert len({trial["process"] for trial in candidates}) == 2
    assert len({summary(output) for output, _ in outputs}) == 1
    assert all("under model: in params.yaml" in output for output, _ in outputs)
    tried = ["not published: no server answers" in error for _, error in outputs]
    assert sorted(tried) == [False, True], outputs


@pytest.mark.parametrize("changed", ["rows", "features", "lock"])
def test_after_a_change_of_data_or_code_the_study_is_another(tunable_project, changed, capsys):
    run_tune(tunable_project)
    if changed == "rows":
        tunable_project.table = tunable_project.table.assign(rooms=3)
        tunable_project.run("ingest", "validate", "split")
    elif changed == "features":
        tunable_project.replace("src/houses/features.py", "365,", "366,")
    else:
        tunable_project.write("uv.lock", "version = 2\n")
    capsys.readouterr()

    assert run_tune(tunable_project) == 0

    assert ": 0 candidates are evaluated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("redis://host", "OPTUNA_STORAGE is not an address such as postgresql://user:password@host/database"),
        ("sqlite:///no/such/folder/studies.db", "the study's database sqlite:///no/such/folder/studies.db: unable to"),
        ("sqlite:///houses.csv", "the study's database sqlite:///houses.csv: file is not a database"),
    ],
)
def test_a_database_that_cannot_be_used_is_an_error_in_one_line(tunable_project, monkeypatch, capsys, address, message):
    monkeypatch.setenv("OPTUNA_STORAGE", address)

    assert run_tune(tunable_project) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tune: {message}")


def test_a_study_may_be_in_another_database(tunable_project, monkeypatch, capsys):
    monkeypatch.setenv("OPTUNA_STORAGE", f"sqlite:///{tunable_project.folder}/elsewhere.db")

    assert run_tune(tunable_project) == 0

    assert re.search(r"study \w+ in sqlite:///.*/elsewhere\.db: 0 candidates", capsys.readouterr().out)
    assert not (tunable_project.folder / ".tuning/studies.db").exists()
