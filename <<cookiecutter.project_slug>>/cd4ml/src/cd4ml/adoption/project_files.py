"""The text of the files that `adopt` writes: contract, parameters, features, model, and a test of the features."""

import inspect
import json
import re
from types import ModuleType
from typing import Any

from cd4ml.adoption.decision import Decision
from cd4ml.adoption.model_choice import STARTERS, Candidate
from cd4ml.adoption.setting import Setting
from cd4ml.adoption.starters import features as starter_features
from cd4ml.contract.inference import InferredColumn, yaml_string
from cd4ml.errors import ParamsError
from cd4ml.settings.params import DataParams

LEFT_OUT = "# Left out:"  # a line in contract.yaml, above a line for each such column
_SPACE = {
    "trees": {
        "iterations": "{low: 50, high: 400, log: true}",
        "learning_rate": "{low: 0.02, high: 0.2, log: true}",
        "max_leaf_nodes": "{low: 4, high: 63, log: true}",
        "min_samples_leaf": "{low: 2, high: 100, log: true}",
        "l2_regularization": "[0.0, 0.1, 1.0, 10.0]",
    },
    "linear": {"regularization": "{low: 0.01, high: 100.0, log: true}"},
    "forest": {"min_samples_leaf": "{low: 1, high: 20, log: true}", "max_features": "{low: 0.2, high: 1.0}"},
}
_FEATURES_TEST = '''"""The features. Add a test for each feature that you add."""

from cd4ml.contract.columns import columns_of_rows

from PACKAGE.features import derive


def test_a_row_gives_one_value_of_each_feature(contract):
    features = derive(columns_of_rows([contract.sample_row()], contract))

    assert features
    assert {values.shape for values in features.values()} == {(1,)}


def test_the_features_of_a_row_do_not_depend_on_other_rows(contract):
    row = contract.sample_row()
    nulls = {name: None for name, column in contract.columns.items() if column.nullable}

    alone = derive(columns_of_rows([row], contract))
    among_others = derive(columns_of_rows([row | nulls, row], contract))

    assert {name: str(values[0]) for name, values in alone.items()} == {
        name: str(values[1]) for name, values in among_others.items()
    }
'''


def contract_text(name: str, target_line: str, decisions: list[Decision], examples: dict[str, Any]) -> str:
    """Return contract.yaml: the columns that are used, with a real row as their examples."""
    lines = [
        "# What a row looks like. The validation of data and requests, the API's documentation and the model card are",
        "# made from this file. docs/connect-your-data.md explains every key.",
        f"name: {yaml_string(name)}",
    ]
    by_role = {decision.role: decision for decision in decisions}
    lines += [f"{role}: {yaml_string(by_role[role].name)}" for role in ("id", "group", "time") if role in by_role]
    lines += [target_line, "columns:"]
    for decision in decisions:
        if decision.column is not None and decision.role in ("column", "time"):
            column = decision.column.model_copy(update={"example": examples.get(decision.name)})
            remark = decision.reason if decision.role == "column" else ""
            lines.append(InferredColumn(decision.name, column, remark).line())
    left_out = [decision for decision in decisions if decision.role == "left out"]
    if left_out:
        lines += [LEFT_OUT, *(f"#   {yaml_string(one.name)}: {one.reason}" for one in left_out)]
    return "\n".join(lines) + "\n"


def params_text(text: str, sections: dict[str, dict[str, Setting]], candidate: Candidate) -> str:
    """Return params.yaml with other values of some sections, and another model; all else stays as it is."""
    for section, settings in sections.items():
        text = with_values(text, section, settings)
    text = _with_block(text, "model", "  ", candidate.settings)
    space = _SPACE[candidate.starter]
    return _with_block(text, "  space", "    ", {key: Setting(_Written(value)) for key, value in space.items()})


def source_settings(data: DataParams) -> dict[str, Setting]:
    """Return the values of `data:` in params.yaml."""
    values = {"source": data.source, "query": data.query, "until": None, "null_values": data.null_values}
    return {key: Setting(value) for key, value in values.items()}


def features_text() -> str:
    """Return features.py."""
    return inspect.getsource(starter_features)


def model_text(candidate: Candidate) -> str:
    """Return model.py."""
    starter: ModuleType = STARTERS[candidate.starter]
    return inspect.getsource(starter)


def features_test_text(package: str) -> str:
    """Return tests/test_features.py."""
    return _FEATURES_TEST.replace("PACKAGE", package)


def with_values(text: str, section: str, settings: dict[str, Setting]) -> str:
    """Return params.yaml with other values of keys of a section; a comment stays unless there is another one.

    Raises:
        ParamsError: there is no such section.
    """
    start, end = _block(text, section)
    body = text[start:end]
    for key, setting in settings.items():
        found = re.search(rf"(?m)^(  {key}:) .*?( #.*)?$", body)
        line = f"  {key}: {_yaml(setting.value)}"
        comment = f" # {setting.comment}" if setting.comment else (found[2] or "" if found else "")
        if found is None:
            body = f"{line}{comment}\n{body}"
        else:
            body = f"{body[: found.start()]}{line}{comment}{body[found.end() :]}"
    return text[:start] + body + text[end:]


def _with_block(text: str, key: str, indent: str, settings: dict[str, Setting]) -> str:
    """Return a YAML text in which a key, given with its own indent, holds these values and no others."""
    start, end = _block(text, key)
    lines = [
        f"{indent}{name}: {_yaml(setting.value)}{f' # {setting.comment}' if setting.comment else ''}\n"
        for name, setting in settings.items()
    ]
    return text[:start] + "".join(lines) + text[end:]


def _block(text: str, key: str) -> tuple[int, int]:
    """Return where the lines below a key begin and end, without the blank line that follows them."""
    found = re.search(rf"(?m)^{key}:.*\n", text)
    if found is None:
        raise ParamsError(f"params.yaml: {key.strip()} is missing; put it back")
    end = re.compile(r"(?m)^\n?\S|\Z").search(text, found.end())
    return found.end(), end.start() if end else len(text)


class _Written(str):
    """A value that is YAML already."""


def _yaml(value: Any) -> str:
    if isinstance(value, _Written):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_yaml(inner)}' for key, inner in value.items())}}}"
    return yaml_string(value) if isinstance(value, str) else json.dumps(value)
