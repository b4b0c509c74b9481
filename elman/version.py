"""The version of Elman."""

__version__ = "0.1.0"
