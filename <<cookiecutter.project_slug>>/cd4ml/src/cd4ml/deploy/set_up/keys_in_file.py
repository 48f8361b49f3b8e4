"""The part of a set-up about clients' keys, where the platform tells them to nobody: a file of its owner's has them."""

import shlex
from collections.abc import Callable
from pathlib import Path

from cd4ml.deploy.api_keys import key_file, read_keys
from cd4ml.deploy.commands import CloudError, Command, Effects, UnreadError
from cd4ml.deploy.set_up.steps import Found, PrivateFile, Step, ensure
from cd4ml.serving.key_digests import new_key


class KeysInFile:
    """To be inherited beside `SetUp`. Keys that are given in SERVICE_API_KEYS come before the file."""

    slug: str
    effects: Effects

    @property
    def key_file(self) -> Path:
        """The file."""
        return key_file(self.slug, self.effects.environment)

    def look_at_api_keys(self, look_only: bool, serving: Callable[[], str]) -> Step:
        """Return the step that makes a random key, where there is none.

        Args:
            look_only: whether nothing is to be made.
            serving: names the service in production, if there is one: it has keys already.

        Raises:
            CloudError: the service cannot be read.
        """
        path = self.key_file
        is_there = bool(read_keys(self.slug, self.effects.environment))
        # a new key would lock out everybody who has one
        if not (is_there or look_only) and (name := serving()):
            defect = f"are not on this machine, though {name} has some: bring {path}, or export SERVICE_API_KEYS"
            return Step("API keys", str(path), Found.WRONG, defect=defect)
        return ensure("API keys", str(path), is_there, file=PrivateFile(path, new_key()))

    def api_keys(self) -> str:
        """Read the file, unless they were given."""
        if keys := read_keys(self.slug, self.effects.environment):
            return keys
        raise UnreadError(f"{self.key_file} is not there")

    def write_api_keys(self, value: str) -> Step:
        """Write the file."""
        if self.effects.environment.get("SERVICE_API_KEYS"):
            raise CloudError(f"unset SERVICE_API_KEYS first: keys rotate in {self.key_file}")
        return ensure("API keys", str(self.key_file), False, file=PrivateFile(self.key_file, value))

    def forget_api_keys(self, before: bool) -> list[Command]:
        """Return nothing: the file holds what it was told last, and nothing else does."""
        return []

    def how_to_read_api_keys(self) -> str:
        """Return the command that prints them."""
        if self.effects.environment.get("SERVICE_API_KEYS"):
            return "printenv SERVICE_API_KEYS"
        return f"cat {shlex.quote(str(self.key_file))}"
