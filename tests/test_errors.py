"""Errors of data carry a code, which other processes and programs can rely on."""

import ast
import pickle
from pathlib import Path

import elman
from elman.errors import DATA_CODES, DataError

ROOT = Path(elman.__file__).parent


def test_every_code_is_raised_and_no_other():
    calls = [node for path in ROOT.rglob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    codes = {
        word.value.value
        for call in calls
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "DataError"
        for word in call.keywords
        if word.arg == "code" and isinstance(word.value, ast.Constant)  # others pass on the code of an error
    }
    assert codes | {DataError("").code} == set(DATA_CODES)


def test_a_code_and_a_line_are_kept_between_processes():
    error = pickle.loads(pickle.dumps(DataError("a.csv, line 3: bad", code="malformed_row", line=3)))
    assert (str(error), error.code, error.line) == ("a.csv, line 3: bad", "malformed_row", 3)
