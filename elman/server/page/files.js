/* Files: a table that is uploaded; it comes back annotated, or as the shares of labels in its groups. */

import { byId, create, saveFile, show } from "./dom.js";
import { selectedModel, settings } from "./model.js";
import { ServiceError, call } from "./server.js";
import { hideShares, showShares } from "./shares.js";
import {
  decodeHead,
  describeRows,
  describeTransferError,
  describeUnreadable,
  findNameColumn,
  readBody,
  readColumns,
  readFileName,
} from "./tables.js";
import { fileSize } from "./words.js";

const HEAD = 65536; // bytes that are searched for the names of the columns
const SMALL = 2e6; // bytes up to which shares are estimated as soon as a file is selected

let file = null;
const transfers = new Map(); // the controllers of those that run, "annotate" and "estimate"

async function selectFile(newFile) {
  file = newFile;
  byId("file-example").hidden = true;
  stop();
  transfers.clear();
  hideShares();
  show(byId("file-trouble"));
  const head = await readHead(newFile);
  if (file !== newFile) return; // another file was selected meanwhile
  const problem = head ? describeUnreadable(newFile.name, head) : "The browser cannot read this file.";
  byId("file-settings").hidden = Boolean(problem);
  show(byId("file-trouble"), problem);
  if (problem) return show(byId("file-status"), create("bdi", {}, file.name), `, ${fileSize(file.size)}.`);
  const columns = findColumns(newFile.name, head);
  const likely = findNameColumn(columns);
  offerColumns("column", columns, likely);
  offerColumns("by", columns && ["", ...columns], "");
  show(
    byId("file-status"),
    create("bdi", {}, file.name),
    `, ${fileSize(file.size)}. `,
    columns ? "Choose the column of the names." : "Type the name of the column that has the names.",
  );
  if (likely && file.size <= SMALL && canEstimate()) estimate();
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

// The settings

/** Offer columns to choose from; without any, a field to type one. */
function offerColumns(id, columns, chosen) {
  const [list, field] = [byId(id), byId(`${id}-typed`)];
  list.hidden = !columns;
  field.hidden = Boolean(columns);
  list.parentElement.querySelector("label").htmlFor = columns ? id : field.id;
  list.replaceChildren(...(columns ?? []).map((name) => create("option", { value: name }, name || "one group")));
  if (chosen !== undefined) list.value = chosen;
}

const chosenColumn = (id) => (byId(id).hidden ? byId(`${id}-typed`) : byId(id)).value;

const canEstimate = () => selectedModel()?.estimates ?? false;

/** Return what both kinds of requests send along, and those of `more` that have a value. */
function toQuery(more) {
  const header = byId("column").hidden ? "" : "true"; // a column that was chosen is from the first line
  const all = { column: chosenColumn("column"), header, model: settings().model, ...more };
  return new URLSearchParams(Object.entries(all).filter(([, value]) => value !== "" && value !== undefined));
}

// Transfers

const reportFile = (...inside) => show(byId("file-status"), ...inside);

const annotate = () =>
  send("annotate", { top: byId("top").value, abstain_below: settings().abstain_below }, reportFile, async (response) => {
    const annotated = await readBody(response, (bytes) => reportFile(`${fileSize(bytes)} received so far.`));
    const name = readFileName(response) ?? file.name.replace(/(\.[^.]*)?$/, ".annotated$1");
    saveFile(annotated, name);
    reportFile("Done: ", describeRows(response), create("bdi", {}, name), " is in your downloads.");
  });

const estimate = () =>
  send("estimate", { by: chosenColumn("by"), level: byId("level").value }, reportShares, async (response) => {
    const { name } = file;
    showShares(await response.json(), name);
  });

function reportShares(...inside) {
  byId("shares").hidden = false;
  show(byId("shares-status"), ...inside);
}

/** Send the file for one kind of result. A newer transfer of the same kind ends this one. */
async function send(kind, more, report, finish) {
  if (!chosenColumn("column")) return show(byId("file-trouble"), "Type the name of the column that has the names.");
  transfers.get(kind)?.abort();
  const own = new AbortController();
  transfers.set(kind, own);
  const body = new FormData();
  body.append("file", file);
  show(byId("file-trouble"));
  byId("file-stop").hidden = false;
  report(`Sending ${fileSize(file.size)} …`);
  try {
    await finish(await call(`v1/${kind}?${toQuery(more)}`, { body, signal: own.signal, onWait: report }));
  } catch (error) {
    if (own.signal.aborted) return transfers.get(kind) === own && report("Stopped. The file is still selected.");
    if (!(error instanceof ServiceError) && !(error instanceof TypeError)) throw error;
    reportFile("The file is still selected.");
    show(byId("file-trouble"), describeTransferError(error));
    if (kind === "estimate") hideShares();
  } finally {
    if (transfers.get(kind) === own) transfers.delete(kind);
    byId("file-stop").hidden = !transfers.size;
  }
}

function stop() {
  for (const controller of transfers.values()) controller.abort();
}

/** Estimate again if the shares on the page belong to other settings. */
export function estimateAgain() {
  if (byId("shares").hidden) return;
  if (canEstimate()) estimate();
  else hideShares();
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
  byId("estimate-shares").addEventListener("click", estimate);
  for (const id of ["column", "by", "by-typed", "column-typed", "level"]) byId(id).addEventListener("change", estimateAgain);
  byId("file-stop").addEventListener("click", stop);
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
