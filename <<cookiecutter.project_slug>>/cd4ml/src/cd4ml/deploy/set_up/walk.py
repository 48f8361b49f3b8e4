"""Take the steps one after the other: bootstrap makes what is missing, doctor only looks; each prints a row."""

from collections.abc import Iterable

from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.deploy.set_up.carry_out import carry_out
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.steps import Found, Step


class Walk:
    """A walk through the steps, which are read as it goes; with `look_only` nothing is made.

    What is old, and works, is replaced with `renew` only.
    """

    def __init__(self, patience: Patience, look_only: bool = False, renew: bool = False) -> None:
        self.patience, self.look_only, self.renew = patience, look_only, renew
        self.made, self.lacking = 0, 0

    def take(self, steps: Iterable[Step]) -> None:
        """Take steps, each before the next one is asked for.

        Raises:
            CloudError: something could not be made or mended.
        """
        for step in steps:
            self._take(step)

    def take_parts(self, parts: Iterable[tuple[str, Iterable[Step]]]) -> None:
        """Take the steps of each part; where nothing is made, what cannot be read is a row, and the next part follows.

        Raises:
            CloudError: as `take`.
        """
        for what, steps in parts:
            try:
                self.take(steps)
            except CloudError as failure:
                if not self.look_only:
                    raise
                self._lacks(Step(what, "", Found.WRONG), str(failure))

    def _take(self, step: Step) -> None:
        if step.found is Found.OLD and step.can_be_taken:
            if self.renew:
                self._make(step)
            else:
                self._lacks(step, f"{step.name}: bootstrap --renew replaces it")
        elif step.found not in (Found.MISSING, Found.WRONG):
            self._row(step.found, step.what, step.name)
        elif step.can_be_taken and not self.look_only:
            self._make(step)
        elif step.found is Found.WRONG:
            self._lacks(step, f"{step.defect}: bootstrap fixes it" if step.can_be_taken else step.defect)
        else:
            self._lacks(step, step.name)

    def _make(self, step: Step) -> None:
        existed = carry_out(step, self.patience)
        self.made += not existed
        # made just before, and not known where it was looked for
        self._row(Found.THERE if existed else "made", step.what, step.name)

    def _lacks(self, step: Step, words: str) -> None:
        self.lacking += 1
        if self._prints_commands:
            print(f"# {row(step.found, step.what, words)}", flush=True)
        else:
            self._row(step.found, step.what, words)

    def _row(self, state: str, what: str, words: str) -> None:
        if not self._prints_commands:
            print(f"  {row(state, what, words)}", flush=True)

    @property
    def _prints_commands(self) -> bool:
        """Whether commands are printed to be pasted, in which rows that say what is there are of no use."""
        return self.patience.effects.dry_run and not self.look_only


def show_row(effects: Effects, state: str, what: str, words: str) -> None:
    """Print a row of what was done besides a walk; in a dry run nothing was."""
    if not effects.dry_run:
        print(f"  {row(state, what, words)}", flush=True)


def row(state: str, what: str, words: str) -> str:
    """Return a row of the table."""
    return f"{state:<9}{what:<18}{words}"
