"""A search that was stopped continues from the fits in its cache, and uses none of other data or other code."""

import re
import shutil

import pytest
from tunable_project import before_each_build, read_params, run_tune


def test_an_interrupted_search_continues_and_ends_as_an_uninterrupted_one(tunable_project, monkeypatch, capsys):
    before = read_params(tunable_project)
    run_tune(tunable_project)
    expected, output = read_params(tunable_project), capsys.readouterr().out
    fits = int(re.search(r"(\d+) fits were made, 0 were in the cache", output)[1])
    table = output[output.index("rung  rows") :]
    shutil.rmtree(tunable_project.folder / ".tuning")
    tunable_project.write("params.yaml", before)

    def interrupt(settings):
        if len(list(tunable_project.folder.glob(".tuning/*/fit-*"))) == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        before_each_build(interrupt, patch)
        with pytest.raises(SystemExit) as stopped:
            run_tune(tunable_project)

    assert stopped.value.code == 130
    error = capsys.readouterr().err
    assert "tune: stopped; the results of 5 fits are saved, and `make tune` continues from there" in error
    assert read_params(tunable_project) == before

    assert run_tune(tunable_project) == 0
    output = capsys.readouterr().out
    assert f"{fits - 5} fits were made, 5 were in the cache" in output
    assert output[output.index("rung  rows") :] == table
    assert read_params(tunable_project) == expected


@pytest.mark.parametrize("changed", ["rows", "features", "lock"])
def test_after_a_change_of_data_or_code_the_cache_is_not_used(tunable_project, changed, capsys):
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

    assert " 0 were in the cache" in capsys.readouterr().out


def test_a_fit_whose_file_is_truncated_is_made_again(tunable_project, capsys):
    before = read_params(tunable_project)
    run_tune(tunable_project)
    expected = read_params(tunable_project)
    tunable_project.write("params.yaml", before)
    first, *_ = sorted(tunable_project.folder.glob(".tuning/*/fit-*.json"))
    first.write_text(first.read_text()[:10])
    capsys.readouterr()

    run_tune(tunable_project)

    assert "1 fits were made" in capsys.readouterr().out
    assert read_params(tunable_project) == expected
