"""Every error that Elman raises on purpose, drawn once.

ElmanError
├── SettingError          an argument or option has a value that cannot work
├── DataError             a file or table of examples cannot be read as asked
├── ModelFileError        a model file cannot be used
│   ├── NotAModelError        it is missing, or another kind of file
│   ├── DamagedModelError     it is truncated, altered or inconsistent with itself
│   └── NewerModelError       a newer Elman wrote it
├── TrainingError         training cannot go on
│   └── NonFiniteLossError    the loss became infinite or not a number
├── WorkerError           a process that shares the work failed
└── MissingExtraError     a part of Elman was asked for that needs packages not installed

Each message says what was expected, what came, and what to do. The command line prints it as one line and exits with
status 2; anything else that escapes is a bug in Elman.
"""

DATA_CODES = (
    "unreadable",
    "malformed_row",
    "empty_table",
    "unknown_column",
    "not_strings",
    "column_taken",
    "column_twice",
)
"""What `DataError.code` can be: programs decide by it, never by the words of a message."""


class ElmanError(Exception):
    """The root of all errors that Elman raises on purpose."""


class SettingError(ElmanError, ValueError):
    """An argument or option has a value that cannot work."""


class DataError(ElmanError):
    """A file or table of examples cannot be read as asked.

    Args:
        message: what was expected, what came, and what to do.
        code: the kind of problem, for programs; one of `DATA_CODES`.
        line: the line or row of the input that has the problem, from 1; None if it is not in one line.
    """

    def __init__(self, message: str, *, code: str = "unreadable", line: int | None = None) -> None:
        super().__init__(message)
        self.code, self.line = code, line


class ModelFileError(ElmanError):
    """A model file cannot be used."""


class NotAModelError(ModelFileError):
    """The file is missing, or it is not an Elman model."""


class DamagedModelError(ModelFileError):
    """The model file is truncated, altered or inconsistent with itself."""


class NewerModelError(ModelFileError):
    """The model file was written by a newer Elman than this one."""


class TrainingError(ElmanError):
    """Training cannot start or cannot go on."""


class NonFiniteLossError(TrainingError):
    """The training loss became infinite or not a number."""


class MissingExtraError(ElmanError, ImportError):
    """A part of Elman was asked for whose packages are not installed."""


class WorkerError(ElmanError):
    """A process that shares the work on a long column failed, here or on a cluster."""
