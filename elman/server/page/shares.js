/* Shares: how the names of a group divide into labels, as a dot with an interval for each label. */

import { byId, create, saveFile, show } from "./dom.js";
import { copy, selectedModel } from "./model.js";
import { sharesToCsv } from "./tables.js";
import { describeGroup, describeInterval, describeNotes, endOfAxis, listShares, percent } from "./words.js";

const GROUPS = 12; // on the page; the CSV has all

let report = null;
let fileName = "";

export function hideShares() {
  report = null;
  byId("shares").hidden = true;
  byId("shares-result").hidden = true;
}

/** Show the report of the service about a file. */
export function showShares(newReport, newFileName) {
  report = newReport;
  fileName = newFileName;
  const shown = report.groups.slice(0, GROUPS).map((group) => [group, listShares(group)]);
  const end = endOfAxis(shown.flatMap(([, rows]) => rows));
  byId("shares").hidden = byId("shares-result").hidden = false;
  byId("shares-groups").replaceChildren(...shown.map(([group, rows]) => createGroup(group, rows, end)));
  byId("shares-groups").toggleAttribute("data-single", shown.length === 1);
  show(byId("shares-status"), describeNotes(report, GROUPS));
}

/** Return the table of one group, in which every label has a picture of its share and the numbers. */
function createGroup(group, rows, end) {
  const title = report.by === null ? [] : [create("strong", {}, create("bdi", {}, group.group ?? "(no group)")), " "];
  const caption = create("caption", {}, ...title, describeGroup(group, copy().thing));
  if (!rows.length) return create("div", { class: "group" }, create("table", {}, caption));
  const head = create(
    "tr",
    {},
    create("th", { scope: "col" }, report.level ?? selectedModel()?.levels[0] ?? "label"),
    create("th", { class: "plot", "aria-hidden": "true" }, ...[0, end / 2, end].map((at) => create("span", {}, percent(at, 0)))),
    create("th", { scope: "col", class: "number" }, "Share"),
    create("th", { scope: "col", class: "number" }, "95 % interval"),
  );
  const body = create("tbody", {}, ...rows.map((row) => createShare(row, end)));
  return create("div", { class: "group" }, create("table", {}, caption, create("thead", {}, head), body));
}

function createShare({ label, share, low, high, counted }, end) {
  const plot = create("td", { class: "plot", "aria-hidden": "true" });
  if (low !== undefined) {
    for (const [name, value] of Object.entries({ low, high, share, counted }))
      plot.style.setProperty(`--${name}`, Math.min(1, value / end));
    plot.append(...["range", "ring", "point"].map((name) => create("span", { class: name })));
  }
  return create(
    "tr",
    {},
    create("th", { scope: "row" }, label),
    plot,
    create("td", { class: "number" }, percent(share)),
    create("td", { class: "number quiet" }, low === undefined ? "" : describeInterval(low, high)),
  );
}

export function listenToShares() {
  byId("shares-download").addEventListener("click", () =>
    saveFile(
      new Blob(["\ufeff", sharesToCsv(report)], { type: "text/csv" }),
      fileName.replace(/(\.[^.]*)?$/, ".shares.csv"),
    ),
  ); // the byte order mark is for Excel
}
