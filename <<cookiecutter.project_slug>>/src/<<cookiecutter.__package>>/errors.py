"""What went wrong, for a person: one or two lines that say where and what to do next."""


class UserError(Exception):
    """A mistake that its reader can mend. The command line prints it without a traceback and exits with 1."""


class ParamsError(UserError):
    """params.yaml is not what the pipeline can run with."""


class ContractError(UserError):
    """contract.yaml contradicts itself, or says something that no row could satisfy."""


class DataError(UserError):
    """The table is not what the contract or the parameters promise."""


class FeatureError(UserError):
    """features.py failed, or gave back something that no model can take."""


class ModelError(UserError):
    """model.py built something that the pipeline cannot fit, score or ship."""


class BundleError(UserError):
    """A bundle is absent, incomplete, altered, or newer than this code."""
