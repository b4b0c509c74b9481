"""An annotated file has a name, a body and a number of rows."""

import pytest


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=\"annotated.csv\"; filename*=UTF-8''M%C3%BCller.csv", "Müller.csv"),
        ('attachment; filename="annotated.csv"', "annotated.csv"),
        ("", None),
    ],
)
def test_the_name_of_a_file_comes_from_its_header(run, header, name):
    function = """
    ({ readFileName }, header) =>
      readFileName(new Response("", { headers: { "Content-Disposition": header } })) ?? null
    """
    assert run("transfers", function, header) == name


def test_a_body_is_read_with_progress_and_its_rows_are_described(run):
    function = """
    async ({ readBody, describeRows }) => {
      const headers = { "Content-Type": "text/csv", "X-Elman-Rows": "1200", "X-Elman-Abstained": "3" };
      const response = new Response("name\\nMüller\\n", { headers });
      const bytes = [];
      const blob = await readBody(response, (count) => bytes.push(count));
      const rows = describeRows(response).replaceAll("\\u00a0", " ");
      return [await blob.text(), blob.type, bytes.at(-1), rows, describeRows(new Response(""))];
    }
    """
    assert run("transfers", function) == ["name\nMüller\n", "text/csv", 13, "1,200 rows, 3 abstained. ", ""]


def test_a_transfer_that_ends_early_is_described(run):
    function = """
    ({ describeTransferError }) =>
      [new TypeError("network error"), new Error("Too many rows.")].map(describeTransferError)
    """
    first, second = run("transfers", function)
    assert (first, second) == ("The download stopped before its end; nothing was saved.", "Too many rows.")
