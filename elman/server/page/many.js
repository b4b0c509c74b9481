/* Many: a table of answers to many names, one per line; and a file that is uploaded, annotated and saved. */

import { byId, copyText, create, reducedMotion, saveFile, show } from "./dom.js";
import { EXAMPLES, copy, settings } from "./model.js";
import { ServiceError, call, callJson, ignoreServiceErrors, runLatest, sleep } from "./server.js";
import {
  answersToCsv,
  decodeHead,
  describeRows,
  describeTransferError,
  describeUnreadable,
  findNameColumn,
  predictAll,
  readBody,
  readColumns,
  readFileName,
  splitLines,
  toRows,
} from "./tables.js";
import { count, figure, fileSize, percent, summarise } from "./words.js";

// The list

const ROWS = 1000; // rows on the page; more would make it slow, and the CSV has all
const DELAY = 300; // milliseconds after the last key press or move of the slider

let rows = []; // [name, answer, probability, reason]

/** Predict the names after a delay, while someone types; or at once. */
export const predictList = (delay = DELAY) => ignoreServiceErrors(predictLatest(delay));

const predictLatest = runLatest(async (signal, delay) => {
  const names = byId("lines").value.trim() ? splitLines(byId("lines").value) : [];
  byId("results").hidden = !names.length;
  byId("lines-example").hidden = names.length > 0;
  show(byId("many-trouble"));
  if (!names.length) return;
  if (delay) await sleep(delay, signal);
  const onWait = (message) => show(byId("many-status"), message);
  const predict = async (some) =>
    (await callJson("v1/predict", { names: some, top: 1, ...settings() }, { signal, onWait })).predictions;
  byId("results").setAttribute("aria-busy", "true");
  try {
    const onProgress = (done) => onWait(`Reading: ${figure(done)} of ${count(names.length, copy().thing)}.`);
    showTable(names, await predictAll(names, predict, onProgress));
  } catch (error) {
    if (signal.aborted || !(error instanceof ServiceError)) throw error;
    byId("results").hidden = true;
    show(byId("many-trouble"), error.message);
  } finally {
    if (!signal.aborted) byId("results").removeAttribute("aria-busy"); // otherwise a newer run has set it
  }
});

function showTable(names, predictions) {
  rows = toRows(names, predictions);
  byId("rows").replaceChildren(...rows.slice(0, ROWS).map(createTableRow));
  show(byId("many-status"), summarise(predictions, ROWS, copy().thing));
}

function createTableRow([name, answer, probability, reason]) {
  const head = create("th", { scope: "row" }, create("bdi", {}, name));
  if (reason) return create("tr", { class: "abstained" }, head, create("td", { colspan: "2" }, reason));
  const bar = create("span", { class: "bar" });
  bar.style.setProperty("--share", probability);
  return create(
    "tr",
    {},
    head,
    create("td", {}, answer),
    create(
      "td",
      { class: "number" },
      create("span", { class: "track", "aria-hidden": "true" }, bar),
      probability === "" ? "" : percent(probability),
    ),
  );
}

async function copyTable() {
  if (await copyText(answersToCsv(rows))) {
    byId("copy").textContent = byId("spoken").textContent = "Copied";
    setTimeout(() => {
      byId("copy").textContent = "Copy as CSV";
    }, 2000);
  } else show(byId("many-trouble"), "The browser does not let the page copy. Download the CSV instead.");
  byId("copy").focus(); // the older interface for copying moves the focus
}

/** Put several lines that are pasted into the name field into the list; a field of one line would join them. */
export function pasteNames(event) {
  const text = event.clipboardData.getData("text");
  if (splitLines(text.trim()).length < 2) return;
  event.preventDefault();
  byId("lines").value = text;
  byId("lines").focus();
  byId("many").scrollIntoView({ behavior: reducedMotion.matches ? "auto" : "smooth" });
  predictList(0);
}

export function listenToList() {
  byId("lines-try").addEventListener("click", () => {
    byId("lines").value = EXAMPLES.join("\n");
    byId("lines").focus();
    predictList(0);
  });
  byId("lines").addEventListener("input", () => predictList());
  byId("copy").addEventListener("click", copyTable);
  byId("download").addEventListener("click", () =>
    saveFile(new Blob(["\ufeff", answersToCsv(rows)], { type: "text/csv" }), "names.annotated.csv"),
  ); // the byte order mark is for Excel
}

// The file

const HEAD = 65536; // bytes that are searched for the names of the columns

let file = null;
let controller = new AbortController();

async function selectFile(newFile) {
  file = newFile;
  byId("file-example").hidden = true;
  controller.abort();
  show(byId("file-trouble"));
  const head = await readHead(newFile);
  if (file !== newFile) return; // another file was selected meanwhile
  const problem = head ? describeUnreadable(newFile.name, head) : "The browser cannot read this file.";
  byId("file-settings").hidden = Boolean(problem);
  show(byId("file-trouble"), problem);
  if (problem) return show(byId("file-status"), create("bdi", {}, file.name), `, ${fileSize(file.size)}.`);
  const columns = findColumns(newFile.name, head);
  byId("column").hidden = !columns;
  byId("column-typed").hidden = Boolean(columns);
  byId("column").parentElement.querySelector("label").htmlFor = columns ? "column" : "column-typed";
  byId("column").replaceChildren(...(columns ?? []).map((name) => create("option", { value: name }, name)));
  const likely = findNameColumn(columns);
  if (likely) byId("column").value = likely;
  show(
    byId("file-status"),
    create("bdi", {}, file.name),
    `, ${fileSize(file.size)}. `,
    columns ? "Choose the column of the names." : "Type the name of the column that has the names.",
  );
}

async function readHead(some) {
  try {
    return new Uint8Array(await some.slice(0, HEAD).arrayBuffer());
  } catch {
    return null; // it was removed, or it is a folder
  }
}

function findColumns(fileName, head) {
  try {
    return readColumns(fileName, decodeHead(head) ?? "");
  } catch {
    return null; // the page cannot read them: the user types one
  }
}

async function annotate() {
  if (!byId("file-stop").hidden) return; // a transfer is running
  const column = byId("column").hidden ? byId("column-typed").value : byId("column").value;
  if (!column) return show(byId("file-trouble"), "Type the name of the column that has the names.");
  const report = (...inside) => show(byId("file-status"), ...inside);
  const { abstain_below, model } = settings();
  const header = !byId("column").hidden && { header: true }; // a column that was chosen is from the first line
  const top = byId("top").value;
  const query = new URLSearchParams({ column, top, abstain_below, ...header, ...(model && { model }) });
  const body = new FormData();
  body.append("file", file);
  const own = (controller = new AbortController());
  show(byId("file-trouble"));
  byId("file-stop").hidden = false;
  report(`Sending ${fileSize(file.size)} …`);
  try {
    const response = await call(`v1/annotate?${query}`, { body, signal: own.signal, onWait: report });
    const annotated = await readBody(response, (bytes) => report(`${fileSize(bytes)} received so far.`));
    const name = readFileName(response) ?? file.name.replace(/(\.[^.]*)?$/, ".annotated$1");
    saveFile(annotated, name);
    report("Done: ", describeRows(response), create("bdi", {}, name), " is in your downloads.");
  } catch (error) {
    if (own.signal.aborted) return report("Stopped. The file is still selected.");
    if (!(error instanceof ServiceError) && !(error instanceof TypeError)) throw error;
    report("The file is still selected.");
    show(byId("file-trouble"), describeTransferError(error));
  } finally {
    byId("file-stop").hidden = true;
  }
}

export function listenToFiles() {
  byId("file").addEventListener("change", () => byId("file").files[0] && selectFile(byId("file").files[0]));
  byId("file-try").addEventListener("click", () => {
    selectFile(new File([byId("file-example").querySelector("pre").textContent], "example.csv"));
    byId("file").focus(); // the button disappears
  });
  byId("file-form").addEventListener("submit", (event) => {
    event.preventDefault();
    annotate();
  });
  byId("file-stop").addEventListener("click", () => controller.abort());
  // Files can be dropped anywhere: one that misses its field must not replace the page.
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    byId("file-form").classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) byId("file-form").classList.remove("over");
  });
  addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    byId("file-form").classList.remove("over");
    byId("file-form").scrollIntoView({ block: "nearest" });
    selectFile(event.dataTransfer.files[0]);
  });
}
