/* Tables: lists of names and files, in batches that the service accepts, as CSV, and as transfers. No DOM. */

import { UnreachableError } from "./server.js";
import { count, figure } from "./words.js";

// Batches: a long list of names in several requests

const CHARACTERS = 50_000; // of the names in a request, well below the limits of services
const TOO_LARGE = ["too_many_names", "too_many_characters", "body_too_large", "name_too_long"];

/** Names in a request: few enough to show progress, and fewer once a service accepts fewer. */
export const limits = { names: 500, characters: CHARACTERS };

/** Return a prediction for each name.

    `predict` returns those of some names; before each of several batches, `onProgress` gets how many are done. */
export async function predictAll(names, predict, onProgress) {
  const predictions = [];
  for (const batch of splitIntoBatches(names)) {
    if (batch.length < names.length) onProgress(predictions.length);
    predictions.push(...(await predictBatch(batch, predict)));
  }
  return predictions;
}

export function* splitIntoBatches(names) {
  let batch = [];
  let characters = 0;
  for (const name of names) {
    if (batch.length >= limits.names || (batch.length && characters + name.length > limits.characters)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(name);
    characters += name.length;
  }
  yield batch;
}

/** Predict a batch; if the service rejects it as too large, predict its halves, in the end single names. */
async function predictBatch(names, predict) {
  try {
    return await predict(names);
  } catch (error) {
    if (!TOO_LARGE.includes(error.code)) throw error;
    if (names.length === 1) return [{ label: null, probability: null, abstained: true, reason: error.message }];
    const half = names.length >> 1;
    if (error.code === "too_many_names") limits.names = Math.min(limits.names, half);
    const characters = names.join("").length / 2;
    if (error.code === "too_many_characters") limits.characters = Math.min(limits.characters, characters);
    const first = await predictBatch(names.slice(0, half), predict);
    return [...first, ...(await predictBatch(names.slice(half), predict))];
  }
}

// CSV: lines and cells of text that people paste, upload and download

const TABLES = ["csv", "tsv", "jsonl", "parquet"];
const LIKELY = /^(name|names|surname|last.?name|family.?name|full.?name)$/i;

/** Return the lines of a text; every line gives one row. */
export const splitLines = (text) => text.replace(/(\r\n|\n|\r)+$/, "").split(/\r\n|\n|\r/);

/** Return a row of name, answer, probability and reason for each prediction, and of its IPA if it has that; missing
    values are empty strings. */
export const toRows = (names, predictions) =>
  predictions.map(({ label, probability, value, reason, ipa }, place) => [
    names[place],
    value ?? label ?? "",
    probability === null ? "" : Number(probability.toFixed(6)),
    reason ?? "",
    ...(ipa === undefined ? [] : [ipa]),
  ]);

/** Return rows as CSV; those of a model that pronounces have a column more. */
export function answersToCsv(rows) {
  const columns = ["name", "elman_label", "elman_probability", "elman_reason"];
  if (rows.some((row) => row.length > columns.length)) columns.push("elman_ipa");
  return toCsv([columns, ...rows.map((row) => columns.map((_, place) => row[place] ?? ""))]);
}

const OF_SHARES = ["share", "low", "high", "counted"];
const OF_GROUP = ["names", "missing", "read", "abstained"];

/** Return a report of shares as CSV, with a row for each label of each group, as `elman estimate --out` writes it. */
export function sharesToCsv({ groups }) {
  const rows = groups.flatMap((group) =>
    (group.shares.length ? group.shares : [{}]).map((share) => [
      group.group ?? "",
      share.label ?? "",
      ...OF_SHARES.map((name) => share[name] ?? ""),
      ...OF_GROUP.map((name) => group[name]),
    ]),
  );
  return toCsv([["group", "label", ...OF_SHARES, ...OF_GROUP], ...rows]);
}

/** Return rows as CSV. A spreadsheet would run a cell that begins like a formula: an apostrophe keeps it text. */
export function toCsv(rows) {
  const toCell = (content) => {
    const safe = typeof content === "string" && /^[=+\-@\t\r]/.test(content) ? `'${content}` : String(content);
    return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => `${row.map(toCell).join(",")}\r\n`).join("");
}

const suffixOf = (fileName) => fileName.split(".").pop().toLowerCase();

/** Return why a file cannot be annotated, judged by its name and its first bytes; an empty string if it may be. */
export function describeUnreadable(fileName, bytes) {
  const suffix = suffixOf(fileName);
  if (WORKBOOKS.includes(suffix) || (suffix !== "parquet" && isWorkbook(bytes)))
    return "Elman does not read spreadsheets. Save the table as CSV UTF-8, and choose that file.";
  if (!TABLES.includes(suffix)) return "Elman reads CSV, TSV, JSONL and Parquet files. Choose one of these.";
  if (!bytes.length) return "This file is empty. Choose one with a line for each name.";
  if (suffix === "parquet") return "";
  const text = decodeHead(bytes);
  if (text === null) return "The text of this file is not UTF-8. Save it as CSV UTF-8, and choose that file.";
  return text.trim() ? "" : "This file has only empty lines. Choose one with a line for each name.";
}

const WORKBOOKS = ["xlsx", "xls", "xlsm", "xlsb", "ods", "numbers"];

/** Return whether a file begins as spreadsheets do, whatever its name: a zip archive, or an older Office file. */
const isWorkbook = ([one, two, three, four]) =>
  (one === 0x50 && two === 0x4b && three === 0x03 && four === 0x04) ||
  (one === 0xd0 && two === 0xcf && three === 0x11 && four === 0xe0);

/** Return the text of the first bytes of a file, without its byte order mark; null if they are no text. */
export function decodeHead(bytes) {
  const marks = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" };
  const encoding = marks[(bytes[0] << 8) | bytes[1]] ?? "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true }); // the last letter may be cut
  } catch {
    return null;
  }
}

/** Return the column names in the first bytes of a text file; null for other kinds of files. */
export function readColumns(fileName, head) {
  const suffix = suffixOf(fileName);
  const readers = {
    csv: () => readRecord(head, findDelimiter(head, ",")),
    tsv: () => readRecord(head, findDelimiter(head, "\t")),
    jsonl: () => Object.keys(JSON.parse(head.split("\n")[0])),
  };
  const columns = readers[suffix]?.();
  return columns?.length && columns.every((name) => !name.includes("\0")) ? columns : null;
}

/** Return what separates the cells of the first line, as the service recognises it: the usual delimiter if possible. */
function findDelimiter(text, usual) {
  const line = text.split(/[\r\n]/, 1)[0];
  const count = (delimiter) => line.split(delimiter).length;
  if (line.includes(usual)) return usual;
  const found = [",", ";", "\t", "|"].reduce((best, one) => (count(one) > count(best) ? one : best));
  return line.includes(found) ? found : usual;
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
      cell = text.slice(place).match(/^[^\r\n]*/)[0].split(delimiter, 1)[0];
      place += cell.length;
    }
    cells.push(cell);
    if (text[place] !== delimiter) return cells;
    place += 1;
  }
}

// Transfers: the body and the headers of an annotated file

/** Return the body of a response; `onProgress` gets the number of bytes received so far. */
export async function readBody(response, onProgress) {
  const parts = [];
  let bytes = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
    parts.push(value);
    onProgress((bytes += value.length));
  }
}

export function readFileName(response) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = header.match(/filename\*=UTF-8''([^;]+)/i);
  return encoded ? decodeURIComponent(encoded[1]) : header.match(/filename="([^"]+)"/)?.[1];
}

/** Return how many rows the file has; empty if the headers do not say. */
export function describeRows(response) {
  const [rows, abstained] = ["X-Elman-Rows", "X-Elman-Abstained"].map((name) => response.headers.get(name));
  if (rows === null) return "";
  return `${count(Number(rows), "row")}, ${figure(Number(abstained))} abstained. `;
}

export function describeTransferError(error) {
  if (error instanceof UnreachableError)
    return "The connection closed: the server has stopped, or the file is larger than it accepts.";
  if (error instanceof TypeError) return "The download stopped before its end; nothing was saved."; // from fetch
  return error.message;
}
