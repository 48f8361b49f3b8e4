"""The answers to the template's questions: as recorded, as questions were renamed since, as the user sets them."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cd4ml.update.record import UpdateError
from cd4ml.update.template import numbers

_NEXT = re.compile(r"\s+(?=[a-z_]+=)")  # before the next of several settings; an answer may have spaces


def migrated(answers: Mapping[str, str], renamed: Sequence[Mapping[str, Any]], since: str, to: str) -> dict[str, str]:
    """Return answers under the questions' present names.

    Args:
        answers: by question.
        renamed: of `update.toml`, the oldest first: in which `version` a `question` and its `answers` were renamed.
        since: the version that has the answers.
        to: the version that is to take them.
    """
    result = dict(answers)
    for change in renamed:
        if not numbers(since) < numbers(str(change["version"])) <= numbers(to) or change["question"] not in result:
            continue
        answer = result.pop(change["question"])
        result[change.get("to", change["question"])] = change.get("answers", {}).get(answer, answer)
    return result


def with_settings(answers: Mapping[str, str], settings: Sequence[str], questions: Collection[str]) -> dict[str, str]:
    """Return answers with others that the user sets.

    Args:
        answers: by question.
        settings: such as `platform=fargate`; a text may name several.
        questions: what the template asks.

    Raises:
        UpdateError: one is not `question=answer`, its question does not exist, or an update cannot change its answer.
    """
    result = dict(answers)
    for setting in (part for text in settings for part in _NEXT.split(text)):
        question, equals, answer = setting.partition("=")
        if not equals:
            raise UpdateError(f'SET="{setting}" is not question=answer, such as SET="platform=fargate"')
        if question not in questions:
            raise UpdateError(f"SET names the question {question}; the template asks: {', '.join(questions)}")
        if question == "project_slug":
            raise UpdateError(
                "project_slug names the team's package, which an update does not touch: rename it by hand"
            )
        if question == "problem" and answers.get(question, answer) != answer:
            raise UpdateError(
                f"problem={answers[question]} chose the example, and an update changes no contract, features or model: "
                "make adopt puts a table of another problem in its place"
            )
        result[question] = answer
    return result
