"""Names as people give them: arguments, and the lines of standard input. What was probably meant is said."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import IO

from elman.checks import shown
from elman.cli.output import print_note
from elman.errors import DataError, SettingError

BLOCK = 4096
"""Names that are answered together: bounds the memory for long input."""

LONGEST_BLOCK = 2**22
"""Most characters of names that are answered together."""

BINARY = {
    b"PAR1\x15": "a Parquet table; use elman annotate - OUT.csv --from parquet --column NAME",
    b"\x1f\x8b": "packed with gzip; use gzip -dc FILE | elman predict",
    b"\x28\xb5\x2f\xfd": "packed with zstd; use zstd -dc FILE | elman predict",
    b"PK\x03\x04": "an Excel file or another archive; save the table as CSV (UTF-8) and use elman annotate",
    b"\xd0\xcf\x11\xe0": "an Excel file or another document; save the table as CSV (UTF-8) and use elman annotate",
}
"""How files begin that do not consist of lines, and what to do with each."""

TEXTS = (".txt", ".text", ".lst", ".json")

NAME_COLUMNS = {"name", "names", "surname", "surnames", "last name", "lastname", "family name", "full name", "fullname"}
OTHER_COLUMNS = {
    *("id", "first name", "firstname", "given name", "label", "country", "origin", "language", "nationality"),
    *("email", "city", "gender", "vorname", "nachname", "nom", "prénom", "nombre", "apellido", "cognome"),
}
"""Words that are the name of a column rather than of a person, in lower case and with spaces."""

_INVALID = re.compile("[\udc80-\udcff]+")  # Python decodes each invalid byte of an argument to one of these


def decode_text(text: str, place: str) -> str:
    """Return a text that Python decoded, with bytes that were invalid to Python read as UTF-8.

    Args:
        text: an argument or a typed line.
        place: what a message calls it, such as ``argument 2``.

    Raises:
        DataError: a byte is not UTF-8.
    """
    try:
        return _INVALID.sub(lambda found: found[0].encode("ascii", "surrogateescape").decode(), text)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(f"{place}: byte 0x{byte:02x} is not UTF-8; give text in UTF-8") from None


def check_arguments(arguments: Sequence[str]) -> None:
    """Check that arguments are text. Only a file that exists may be named by other bytes.

    Raises:
        DataError: a byte is not UTF-8.
    """
    for number, argument in enumerate(arguments, start=1):
        if _INVALID.search(argument):
            value = argument.partition("=")[2] if argument.startswith("--") else argument
            if not os.path.lexists(value):
                decode_text(argument, f"argument {number}")


def check_names(names: Sequence[str]) -> list[str]:
    """Return names that were given as arguments, as text.

    A name of a file gets a note on standard error, because it may have been meant as the file.

    Raises:
        DataError: a byte is not UTF-8.
        SettingError: a name is that of a file or folder, and cannot be that of a person.
    """
    checked = [decode_text(name, "a name") for name in names]
    for name in checked:
        if name == "-":
            print_note("- is answered as a name; without any name, standard input is read")
        elif os.path.exists(name):
            _check_file(name)
        elif "." in name and _is_table(name):
            print_note(f"{shown(name)} is answered as a name; there is no such file")
    return checked


def _check_file(path: str) -> None:
    """Refuse a path that no person can have as a name, and print a note about any other."""
    import shlex

    quoted, lowered, is_folder, is_table = shlex.quote(path), path.lower(), os.path.isdir(path), _is_table(path)
    kind = "folder" if is_folder else "file"
    if lowered.endswith(_workbook_suffixes()):
        advice = "save the table as CSV (UTF-8), and use elman annotate FILE.csv OUT.csv --column NAME"
    elif is_folder:
        advice = f"for the tables in it use elman annotate {quoted} OUT/ --column NAME"
    elif is_table:
        advice = f"for its rows use elman annotate {quoted} OUT.csv --column NAME"
    else:
        advice = f"for its lines use elman predict < {quoted}"
    if is_table or lowered.endswith((*_workbook_suffixes(), *TEXTS)) or os.sep in path:
        raise SettingError(f"{path} is a {kind}, not a name; {advice}")
    print_note(f"{path} is answered as a name, and is also a {kind} here; {advice}")


def _workbook_suffixes() -> tuple[str, ...]:
    from elman.tables.formats import WORKBOOKS

    return tuple(f".{suffix}" for suffix in WORKBOOKS)


def _is_table(path: str) -> bool:
    from elman.tables.formats import is_table

    return is_table(path)


def read_names(stream: IO[bytes], encoding: str | None = None) -> Iterator[list[str]]:
    r"""Yield the lines of standard input in blocks. LF, CR, CR LF and CR CR LF end a line, as in tables.

    A first line that looks like the header of a table gets a note on standard error.

    Raises:
        DataError: the input does not consist of lines, a byte is invalid, or a line is too long.

    >>> import io
    >>> list(read_names(io.BytesIO(b"Ann\r\nCem\rEva\r\r\n")))
    [['Ann', 'Cem', 'Eva']]
    """
    from elman.tables.lines import decode_lines

    lines = decode_lines(stream, "standard input", encoding=encoding)
    if kind := next((kind for beginning, kind in BINARY.items() if lines.start.startswith(beginning)), None):
        raise DataError(f"standard input is {kind}")
    _check_header(lines.peek())
    characters, block = 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if lines.problem:
            raise DataError(f"standard input, line {number}: {lines.problem}", line=number)
        lines.take()
        block.append(line.rstrip("\r\n"))
        characters += len(line)
        if len(block) == BLOCK or characters > LONGEST_BLOCK:
            yield block
            block, characters = [], 0
    if block:
        yield block


def _check_header(line: str) -> None:
    """Print a note if the first line is that of a table."""
    cells = [re.sub(r"[\s_-]+", " ", cell.strip(" \"'")).casefold() for cell in re.split("[,;\t|]", line)]
    if line.startswith("{") and line.rstrip().endswith("}"):
        kind, form = "JSON Lines", "jsonl"
    elif NAME_COLUMNS.intersection(cells) or (len(cells) > 1 and OTHER_COLUMNS.intersection(cells)):
        kind, form = "the header of a table", "tsv" if "\t" in line else "csv"
    else:
        return
    print_note(
        f"the first line, {shown(line)}, looks like {kind} and is answered as a name; for a table use "
        f"elman annotate - - --from {form} --column NAME"
    )
