"""The mistakes a user can fix: each message says what happened, why, and what to do.

`cli/main.py` alone turns these into lines on stderr and an exit code; everything else just raises them.
"""


class AdatuneError(Exception):
    """Something failed that the user can mend. The command ends with exit code 1."""

    exit_code = 1


class UsageError(AdatuneError):
    """The command was called with a value that cannot be right. Exit code 2."""

    exit_code = 2


class UnreadableNetwork(AdatuneError):
    """A file offered as a network is damaged, of another kind, or would execute code."""


class DownloadFailed(AdatuneError):
    """A network could not be fetched, or what came is not what was asked for."""


class DatasetError(AdatuneError):
    """A dataset is missing, damaged or does not fit the network."""


class RunError(AdatuneError):
    """A run folder is missing, damaged, or was made with other settings."""


class FolderInUse(AdatuneError):
    """Another process is at work in a run's or a dataset's folder."""


class PhotosError(AdatuneError):
    """A folder of photos holds nothing that can be used."""


class ReviewError(PhotosError):
    """A review.csv or crops.csv cannot be meant as it stands."""


class VideoError(AdatuneError):
    """A film could not be written."""


class UnreadableLatents(AdatuneError):
    """A file offered as latents is damaged, of another kind, or of another network."""


class FeaturesUnavailable(AdatuneError):
    """Pictures cannot be compared: what would see them is not here."""


class Interrupted(AdatuneError):
    """The user (or the machine) stopped the command, and everything was saved first. Exit code 130."""

    exit_code = 130
