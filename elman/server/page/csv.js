/* CSV: lines and cells of text that people paste, upload and download. No DOM. */

const LIKELY = /^(name|names|surname|last.?name|family.?name|full.?name)$/i;

/** Return the lines of a text; every line gives one row. */
export const splitLines = (text) => text.replace(/(\r\n|\n|\r)+$/, "").split(/\r\n|\n|\r/);

/** Return a row of name, answer, probability and reason for each prediction; missing values are empty strings. */
export const toRows = (names, predictions) =>
  predictions.map(({ label, probability, value, reason }, place) => [
    names[place],
    value ?? label ?? "",
    probability === null ? "" : Number(probability.toFixed(6)),
    reason ?? "",
  ]);

export const answersToCsv = (rows) => toCsv([["name", "elman_label", "elman_probability", "elman_reason"], ...rows]);

/** Return rows as CSV. A spreadsheet would run a cell that begins like a formula: an apostrophe keeps it text. */
export function toCsv(rows) {
  const toCell = (content) => {
    const safe = typeof content === "string" && /^[=+\-@\t\r]/.test(content) ? `'${content}` : String(content);
    return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => `${row.map(toCell).join(",")}\r\n`).join("");
}

/** Return the column names in the first bytes of a text file; null for other kinds of files. */
export function readColumns(fileName, head) {
  const suffix = fileName.split(".").pop().toLowerCase();
  const readers = {
    csv: () => readRecord(head, ","),
    tsv: () => readRecord(head, "\t"),
    jsonl: () => Object.keys(JSON.parse(head.split("\n")[0])),
  };
  const columns = readers[suffix]?.();
  return columns?.length && columns.every((name) => !name.includes("\0")) ? columns : null;
}

export const findNameColumn = (columns) => columns?.find((name) => LIKELY.test(name));

/** Return the cells of the first record of a delimited text; a quoted cell may contain anything, even line ends. */
export function readRecord(text, delimiter) {
  const cells = [];
  let place = 0;
  for (;;) {
    let cell = "";
    if (text[place] === '"') {
      const inside = text.slice(place + 1).match(/^(?:[^"]|"")*/)[0];
      cell = inside.replaceAll('""', '"');
      place += inside.length + 2;
    } else {
      cell = text.slice(place).match(delimiter === "," ? /^[^,\r\n]*/ : /^[^\t\r\n]*/)[0];
      place += cell.length;
    }
    cells.push(cell);
    if (text[place] !== delimiter) return cells;
    place += 1;
  }
}
