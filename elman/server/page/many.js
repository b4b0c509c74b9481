/* Many: a table of answers to many names, one per line. */

import { byId, copyText, create, createSpoken, reducedMotion, saveFile, show } from "./dom.js";
import { ask, copy, examples, writes } from "./model.js";
import { ServiceError, ignoreServiceErrors, runLatest, sleep } from "./server.js";
import { answersToCsv, predictAll, splitLines, toRows } from "./tables.js";
import { count, figure, percent, summarise } from "./words.js";

const ROWS = 1000; // rows on the page; more would make it slow, and the CSV has all
const DELAY = 300; // milliseconds after the last key press or move of the slider

let rows = []; // [name, answer, probability, reason], and the answer in IPA of a model that pronounces

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
  const predict = (some) => ask(some, 1, { signal, onWait });
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
  show(byId("many-status"), summarise(predictions, ROWS, copy().thing, !writes()));
}

function createTableRow([name, answer, probability, reason, ipa]) {
  const head = create("th", { scope: "row" }, create("bdi", {}, name));
  if (reason) return create("tr", { class: "abstained" }, head, create("td", { colspan: "2" }, reason));
  const bar = create("span", { class: "bar" });
  bar.style.setProperty("--share", probability);
  return create(
    "tr",
    {},
    head,
    create("td", {}, ...(ipa ? createSpoken(answer, ipa) : [answer])),
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
    byId("lines").value = examples().join("\n");
    byId("lines").focus();
    predictList(0);
  });
  byId("lines").addEventListener("input", () => predictList());
  byId("copy").addEventListener("click", copyTable);
  byId("download").addEventListener("click", () =>
    saveFile(new Blob(["\ufeff", answersToCsv(rows)], { type: "text/csv" }), "names.annotated.csv"),
  ); // the byte order mark is for Excel
}
