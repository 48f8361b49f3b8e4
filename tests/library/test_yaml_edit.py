"""Values in a YAML file are replaced, and every other byte stays."""

import pytest
from cd4ml.errors import ParamsError
from cd4ml.files.yaml_edit import check_values, write_values

PARAMS = """\
# a comment
data: {source: "a#b.csv",   until: '2024-06-30'} # not model: {depth: 9}

model: # arguments
  depth:   5      # how deep
  rate: 1.0e-3    # é, and a tab\tin a comment
  name: "a: b"    # quoted
  layers: [64, 32]
  nothing:
  flag: yes
"""


def rewritten(path, section, values):
    path.write_bytes(PARAMS.encode())
    write_values(path, section, values, ParamsError)
    return path.read_bytes().decode()


@pytest.mark.parametrize(
    ("section", "key", "value", "old", "new"),
    [
        ("model", "depth", 12, "depth:   5 ", "depth:   12 "),
        ("model", "depth", None, "depth:   5 ", "depth:   null "),
        ("model", "rate", 1e-05, "1.0e-3", "1.0e-05"),
        ("model", "rate", 0.25, "1.0e-3", "0.25"),
        ("model", "name", 'c" # d', '"a: b"', r'"c\" # d"'),
        ("model", "layers", [8], "[64, 32]", "[8]"),
        ("model", "flag", False, "flag: yes", "flag: false"),
        ("data", "until", "2024-07-31", "'2024-06-30'", '"2024-07-31"'),
    ],
)
def test_only_the_value_changes(tmp_path, section, key, value, old, new):
    assert rewritten(tmp_path / "params.yaml", section, {key: value}) == PARAMS.replace(old, new, 1)


def test_many_values_change_at_once(tmp_path):
    changed = rewritten(tmp_path / "params.yaml", "model", {"name": "longer than before", "depth": 123456})

    assert changed == PARAMS.replace("   5 ", "   123456 ").replace('"a: b"', '"longer than before"')


def test_line_ends_and_file_mode_stay(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"model:\r\n  depth: 5\r\n  rate: 1\r\n")
    path.chmod(0o640)

    write_values(path, "model", {"depth": 6}, ParamsError)

    assert path.read_bytes() == b"model:\r\n  depth: 6\r\n  rate: 1\r\n"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model:\n  depth: 5\n", "width"),
        ("model:\n", "depth"),
        ("other:\n  depth: 5\n", "depth"),
        ("base: &five 5\nmodel:\n  depth: *five\n", "depth"),
        ("model:\n  depth:\n    - 5\n    - 6\n", "depth"),
    ],
)
def test_a_value_that_is_not_plain_is_rejected(tmp_path, text, key):
    path = tmp_path / "params.yaml"
    path.write_text(text)

    with pytest.raises(
        ParamsError, match=rf"params\.yaml: model\.{key} is missing, or is not a plain value on one line"
    ):
        check_values(path, "model", [key], ParamsError)
    with pytest.raises(ParamsError):
        write_values(path, "model", {key: 7}, ParamsError)
    assert path.read_text() == text


def test_a_value_that_an_alias_repeats_is_rejected(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("model:\n  depth: &five 5\n  width: *five\n")

    with pytest.raises(ParamsError, match="the values under model cannot be replaced; write them without anchors"):
        write_values(path, "model", {"depth": 7}, ParamsError)
    assert path.read_text() == "model:\n  depth: &five 5\n  width: *five\n"
