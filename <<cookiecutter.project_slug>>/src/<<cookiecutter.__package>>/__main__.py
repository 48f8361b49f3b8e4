"""The command line: `python -m PACKAGE VERB`, one verb a stage; `make` knows them too."""

import importlib
import sys

from .errors import UserError
from .parent import stop_with_parent

_STAGES = {
    "ingest": "gather the source's rows into data/raw.parquet",
    "validate": "hold them against contract.yaml",
    "split": "set the newest rows, or a share, aside to judge the model on",
    "train": "fit the model",
    "package": "make the bundle, and prove that it answers as the model does",
    "evaluate": "judge the bundle on the rows set aside",
}
_COMMANDS = {
    "contract": ("contract_draft", "draft contract.yaml from the source, or show what it leaves out"),
    "serve": ("serving.run", "answer over HTTP"),
    "predict": ("serving.sample", "send a sample row to a service"),
    "undo": ("undo", "put data, models and reports back to the last commit"),
    "smoke": ("serving.smoke", "compare a service's answers with the bundle's own"),
}


def main(arguments: list[str]) -> int:
    """Run a verb; return the exit code: 0, 1 for a mistake that its user can mend, 2 for an unknown verb."""
    verb, *rest = arguments or ["help"]
    try:
        if verb in _STAGES and not rest:
            stop_with_parent()
            importlib.import_module(f".pipeline.{verb}", __package__).run()
        elif verb in _COMMANDS:
            importlib.import_module(f".{_COMMANDS[verb][0]}", __package__).main(rest)
        else:
            print(_usage(), file=sys.stderr)
            return 2
    except UserError as mistake:
        print(f"{verb}: {mistake}", file=sys.stderr)
        return 1
    return 0


def _usage() -> str:
    verbs = _STAGES | {verb: purpose for verb, (_, purpose) in _COMMANDS.items()}
    lines = [f"  {verb:<10}{purpose}" for verb, purpose in verbs.items()]
    return "\n".join([f"usage: python -m {__package__} VERB", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
