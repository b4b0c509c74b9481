/* File: a table that is uploaded, annotated by the service and saved. */

import { findNameColumn, readColumns } from "./csv.js";
import { byId, create, saveFile, show } from "./dom.js";
import { fileSize } from "./format.js";
import { settings } from "./model.js";
import { ServiceError, call } from "./server.js";
import { describeRows, describeTransferError, readBody, readFileName } from "./transfers.js";

const HEAD = 65536; // bytes that are searched for the names of the columns

let file = null;
let controller = new AbortController();

async function selectFile(newFile) {
  file = newFile;
  controller.abort();
  show(byId("file-trouble"));
  const columns = await readHead(newFile).catch(() => null); // if the page cannot read them, the user types one
  if (file !== newFile) return; // another file was selected meanwhile
  byId("column").hidden = !columns;
  byId("column-typed").hidden = Boolean(columns);
  byId("column").parentElement.querySelector("label").htmlFor = columns ? "column" : "column-typed";
  byId("column").replaceChildren(...(columns ?? []).map((name) => create("option", { value: name }, name)));
  const likely = findNameColumn(columns);
  if (likely) byId("column").value = likely;
  byId("file-settings").hidden = false;
  show(
    byId("file-status"),
    create("bdi", {}, file.name),
    `, ${fileSize(file.size)}. `,
    columns ? "Choose the column of the names." : "Type the name of the column that has the names.",
  );
}

const readHead = async (some) => readColumns(some.name, await some.slice(0, HEAD).text()); // text() drops the mark

async function annotate() {
  if (!byId("file-stop").hidden) return; // a transfer is running
  const column = byId("column").hidden ? byId("column-typed").value : byId("column").value;
  if (!column) return show(byId("file-trouble"), "Type the name of the column that has the names.");
  const report = (...inside) => show(byId("file-status"), ...inside);
  const { abstain_below, model } = settings();
  const query = new URLSearchParams({ column, top: byId("top").value, abstain_below, ...(model && { model }) });
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
