/* Bars: labels with their probabilities, most likely first. */

import { byId, create, reducedMotion } from "./dom.js";
import { percent } from "./format.js";

/** Return a row with a label, a bar and a percentage. */
export function createRow(label, share, digits) {
  const bar = create("span", { class: "bar" });
  const track = create("span", { class: "track", "aria-hidden": "true" }, bar);
  const row = create("li", {}, create("span", { class: "label" }, label), track, create("span", { class: "share" }));
  row.label = label;
  setShare(row, share, digits);
  return row;
}

function setShare(row, share, digits) {
  row.querySelector(".bar").style.setProperty("--share", share);
  row.querySelector(".share").textContent = percent(share, digits);
}

/** Show candidates; a label keeps its row, which moves to its new place. */
export function showBars(candidates, isFirst) {
  const rows = new Map([...byId("bars").children].map((row) => [row.label, row]));
  const places = new Map([...rows.values()].map((row) => [row, row.offsetTop]));
  const shown = candidates.map(({ label, probability }) => rows.get(label) ?? createRow(label, probability));
  byId("bars").replaceChildren(...shown);
  candidates.forEach(({ probability }, place) => setShare(shown[place], probability));
  if (reducedMotion.matches || isFirst) return;
  for (const row of shown) {
    const from = places.has(row) ? places.get(row) - row.offsetTop : null;
    if (from === null) row.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 180 });
    else if (from)
      row.animate([{ translate: `0 ${from}px` }, { translate: "0" }], { duration: 220, easing: "ease-out" });
  }
}
