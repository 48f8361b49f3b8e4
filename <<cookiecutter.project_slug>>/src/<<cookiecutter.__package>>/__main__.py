"""The command line: `python -m PACKAGE VERB`, one verb a stage; `make` knows them too."""

import errno
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
    "refresh": ("refresh", "look at the source, and take in what is new"),
    "gate": ("gate.run", "judge the bundle against the baseline and the champion"),
    "track": ("tracking.publish", "publish what was trained to MLflow"),
    "mlflow": ("tracking.page", "open MLflow's page"),
    "serve": ("serving.run", "answer over HTTP"),
    "predict": ("serving.sample", "send a sample row to a service"),
    "tune": ("tuning.run", "search for better values of `model:` in params.yaml"),
    "undo": ("undo", "put data, models and reports back to the last commit"),
    "mend": ("mend", "remove damaged files from DVC's cache"),
    "state": ("delivery.state", "is there a model, is it current, may it be released"),
    "current": ("delivery.current", "refuse a dvc.lock that is stale, or names what its remote lacks"),
    "push": ("delivery.push", "bring data and models to the DVC remote"),
    "pull": ("delivery.pull", "fetch the data and models that dvc.lock names"),
    "record": ("delivery.record", "commit what was trained, and write build/change.bundle"),
    "propose": ("delivery.propose", "push build/change.bundle, and open or update its pull request"),
    "refused": ("delivery.refused", "tell of a refused retraining in one issue"),
    "start-ct": ("delivery.start_ct", "start the workflow ct"),
    "releasable": ("delivery.releasable", "may what this commit names be released"),
    "lineage": ("delivery.lineage", "write models/release.json, which goes into the image"),
    "newest": ("delivery.newest", "is this commit still the newest approved release"),
    "released": ("delivery.released", "record what was promoted to production"),
    "earlier": ("delivery.earlier", "which image an earlier release has"),
    "rolled-back": ("delivery.rolled_back", "record that an earlier release serves again"),
    "comment": ("delivery.comment", "tell a pull request what it does to the model"),
    "doctor": ("delivery.doctor", "what is missing, and the command that adds it"),
    "smoke": ("serving.smoke", "compare a service's answers with the bundle's own"),
}

_OF_THE_DISK = {
    errno.ENOSPC: "the disk is full; make room and run it again",
    errno.EDQUOT: "your share of the disk is full; make room and run it again",
    errno.EROFS: "this folder is on a disk that cannot be written to; move the project, or mount it otherwise",
    errno.EACCES: "this may not be read or written by you; change its permissions, or its owner",
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
    except OSError as failure:
        if failure.errno not in _OF_THE_DISK:
            raise
        where = f" ({failure.filename})" if failure.filename else ""
        print(f"{verb}: {_OF_THE_DISK[failure.errno]}{where}; nothing that was there was changed", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{verb}: stopped", file=sys.stderr)
        return 130  # as of any program that Ctrl-C stops
    return 0


def _usage() -> str:
    verbs = _STAGES | {verb: purpose for verb, (_, purpose) in _COMMANDS.items()}
    lines = [f"  {verb:<10}{purpose}" for verb, purpose in verbs.items()]
    return "\n".join([f"usage: python -m {__package__} VERB", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
