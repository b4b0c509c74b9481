"""The errors that Elman raises on purpose.

ElmanError
├── SettingError          an argument or option has an invalid value
├── DataError             a file or table of examples cannot be read
├── ModelFileError        a model file cannot be used
│   ├── NotAModelError        it does not exist, or is no Elman model
│   ├── DamagedModelError     it is truncated, altered or inconsistent with itself
│   └── NewerModelError       a newer Elman wrote it
├── TrainingError         training cannot start or continue
│   └── NonFiniteLossError    the loss became infinite or NaN
├── HubError              the Hugging Face Hub refuses or cannot be reached
├── WorkerError           a worker process failed
└── MissingExtraError     a feature needs packages that are not installed

Each message says what was expected, what came, and what to do. The command line prints it as one line and exits with
status 2; anything else that escapes is a bug in Elman.
"""

DATA_CODES = (
    "unreadable",
    "malformed_row",
    "wrong_encoding",
    "empty_table",
    "no_rows",
    "no_groups",
    "unknown_column",
    "not_strings",
    "column_taken",
    "column_twice",
)
"""The values of `DataError.code`. Programs test the code, never the words of a message."""


class ElmanError(Exception):
    """The root of all errors that Elman raises on purpose."""


class SettingError(ElmanError, ValueError):
    """An argument or option has an invalid value."""


class DataError(ElmanError):
    """A file or table of examples cannot be read.

    Args:
        message: what was expected, what came, and what to do.
        code: the kind of problem; one of `DATA_CODES`.
        line: the line or row of the input that has the problem, from 1; None if it is not in one line.
    """

    def __init__(self, message: str, *, code: str = "unreadable", line: int | None = None) -> None:
        super().__init__(message)
        self.code, self.line = code, line


class ModelFileError(ElmanError):
    """A model file cannot be used."""


class NotAModelError(ModelFileError):
    """The file does not exist, or it is no Elman model."""


class DamagedModelError(ModelFileError):
    """The model file is truncated, altered or inconsistent with itself."""


class NewerModelError(ModelFileError):
    """The model file was written by a newer Elman."""


class TrainingError(ElmanError):
    """Training cannot start or continue."""


class NonFiniteLossError(TrainingError):
    """The training loss became infinite or NaN."""


class MissingExtraError(ElmanError, ImportError):
    """A feature needs packages that are not installed."""


class HubError(ElmanError):
    """The Hugging Face Hub refuses a request, or cannot be reached."""


class WorkerError(ElmanError):
    """A worker process failed, on this machine or on a cluster."""
