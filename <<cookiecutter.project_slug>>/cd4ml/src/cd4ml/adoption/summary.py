"""Print what `adopt` decided: a table of the columns, how sure each decision is, and the next command."""

from cd4ml.adoption.decision import Decision
from cd4ml.adoption.model_choice import Choice
from cd4ml.terminal.output import align


def print_decisions(decisions: list[Decision], target: tuple[str, str, str, str]) -> None:
    """Print a row for each column: its name, what it is used for, how sure that is, and why.

    Args:
        decisions: those about all columns but the target.
        target: the row of the target.
    """
    rows = [("column", "decision", "sure?", "why"), target]
    for one in sorted(decisions, key=lambda decision: decision.role == "left out"):
        kind = f", {one.column.type}" if one.column is not None else ""
        rows.append((one.name, one.role + kind, one.certainty, one.reason))
    print(align(rows))


def print_choices(choice: Choice, sides: str, without_target: int) -> None:
    """Print the rows, the test set and the model, and what to do next."""
    if without_target:
        print(f"without a target, left out: {without_target:,} rows")
    print(f"test set: {sides}")
    print(f"model: {choice.candidate}, the best of {choice.compared}; {choice.shown} in cross-validation")
    print("next: read contract.yaml, above all what is marked `check` here, if anything is; then make train")
    print("and say what your model answers, in README.md and in `description` of pyproject.toml")
