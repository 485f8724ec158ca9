"""The errors a user can cause. The command line shows them without a traceback and exits with status 2."""


class SohemError(Exception):
    """Something the user can mend; the message names the file, line or key and says what to do."""


class ParamsError(SohemError):
    """A key or value of the parameters is not allowed."""


class ClaimsError(SohemError):
    """The list of claims has a key or value that is not allowed."""


class DataError(SohemError):
    """A file of a data set, or a table made from it, is missing, broken or contradicts itself."""


class CheckpointError(SohemError):
    """A checkpoint or weights file is not ours, cut short, or of other settings."""


class TrainingError(SohemError):
    """Training cannot go on (a loss that is not finite, no device, no memory)."""


class MiningError(SohemError, ValueError):
    """The library was called with something that it cannot mine."""


class DownloadError(SohemError):
    """A file cannot be downloaded, or is not the one that is wanted, or there is no room for it."""
