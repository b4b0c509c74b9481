/* Letters: bars of labels, a tile for each letter that the network read, and a chart of how sure it was after each. */

import { byId, create, createSpoken, isTouch, markCuts, reducedMotion } from "./dom.js";
import { copy } from "./model.js";
import {
  across,
  coursePath,
  describeLetter,
  describeWeight,
  percent,
  rank,
  tileHeights,
  tileKind,
} from "./words.js";

// Bars: labels with their probabilities, most likely first

/** Return a row with a label, and the same in IPA if it has that, a bar and a percentage. */
function createRow(label, share, digits, ipa) {
  const bar = create("span", { class: "bar" });
  const track = create("span", { class: "track", "aria-hidden": "true" }, bar);
  const row = create("li", {}, create("span", { class: "label" }, ...(ipa ? createSpoken(label, ipa) : [label])), track, create("span", { class: "share" }));
  row.label = label;
  setShare(row, share, digits);
  return row;
}

function setShare(row, share, digits) {
  row.querySelector(".bar").style.setProperty("--share", share);
  row.querySelector(".share").textContent = percent(share, digits);
}

/** Return bars that do not move, in a list. */
export const createBars = (shares) =>
  create("ol", { class: "bars small" }, ...shares.map(([label, share]) => createRow(label, share, 0)));

/** Show candidates; a label keeps its row, which moves to its new place. */
export function showBars(candidates, isFirst) {
  const rows = new Map([...byId("bars").children].map((row) => [row.label, row]));
  const places = new Map([...rows.values()].map((row) => [row, row.offsetTop]));
  const shown = candidates.map(
    ({ label, probability, ipa }) => rows.get(label) ?? createRow(label, probability, undefined, ipa),
  );
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

// Letters

let explanation = null;
let unknown = new Set(); // the symbols of the name that the model does not know
let focused = null; // the letter that was reached by keyboard or touch

export function hideLetters() {
  explanation = focused = null;
  byId("reading").hidden = true;
}

export function showLetters(newExplanation, newUnknown) {
  explanation = newExplanation;
  unknown = newUnknown;
  const { letters, label } = explanation;
  const row = byId("letters");
  byId("reading").hidden = false;
  while (row.children.length > letters.length) row.lastChild.remove();
  while (row.children.length < letters.length) row.append(createTile());
  byId("reading").style.setProperty("--count", letters.length);
  const heights = tileHeights(letters);
  letters.forEach((letter, place) => showTile(row.children[place], letter, place, heights[place]));
  for (const course of ["forwards", "backwards"])
    byId("thread").querySelector(`.${course}`).setAttribute("d", coursePath(letters, course, label));
  // If the same name is explained again (another limit, another model), the focus stays on its letter.
  focused = row.contains(document.activeElement) ? placeOf(document.activeElement) : null;
  moveTabStop(focused ?? 0);
  showLegend();
  showLetter(focused);
  if (focused === null) byId("strip").scrollLeft = isRightToLeft() ? -1e6 : 1e6; // keep the last letter visible
  showCuts();
}

const showCuts = () => markCuts(byId("strip-frame"), byId("strip"));

/** Say what both lines are; this stays while a letter is shown. */
function showLegend() {
  byId("legend").replaceChildren(
    createKey(
      create("span", { class: "line forwards" }),
      `how sure it would be of ${explanation.label} if the ${copy().thing} ended here`,
    ),
    createKey(create("span", { class: "line backwards" }), `if the ${copy().thing} began here`),
  );
}

const isRightToLeft = () => getComputedStyle(byId("letters")).direction === "rtl";

function createTile() {
  return create("button", { type: "button", class: "tile" }, create("span", { class: "face" }));
}

function showTile(tile, letter, place, height) {
  tile.firstChild.textContent = letter.letter === " " ? "␣" : letter.letter;
  tile.style.setProperty("--strength", height);
  tile.dataset.speaks = tileKind(letter, unknown);
  tile.setAttribute("aria-label", describeLetter(explanation, place, unknown, copy().thing));
}

/** Show what a letter contributes; without a letter, explain the tiles. */
function showLetter(place) {
  const { letters, label } = explanation;
  [...byId("letters").children].forEach((tile, each) => tile.toggleAttribute("data-shown", each === place));
  byId("thread")
    .querySelector(".guide")
    .setAttribute("d", place === null ? "" : `M${across(place, letters.length)} 0V100`);
  if (place === null) {
    return byId("letter").replaceChildren(
      createKey(
        "A tall tile supports the answer; a hanging one speaks against it. ",
        isTouch.matches ? "Tap a letter for more." : "Point at a letter, or use the arrow keys.",
      ),
    );
  }
  const text = letters.map(({ letter }) => letter);
  byId("letter").replaceChildren(
    createPart(`If the ${copy().thing} ended here`, text.slice(0, place + 1).join(""), letters[place].forwards),
    createPart("If it began here", text.slice(place).join(""), letters[place].backwards),
    create("p", { class: "weight" }, describeWeight(letters[place], label, unknown)),
  );
}

const createKey = (...inside) => create("p", { class: "key" }, ...inside);

function createPart(title, part, shares) {
  return create(
    "div",
    { class: "part" },
    create("h3", {}, title),
    create("p", { class: "piece" }, create("bdi", {}, part)),
    createBars(rank(shares, 3)),
  );
}

/** Make one letter the stop for the Tab key; arrow keys move among the letters. */
function moveTabStop(place) {
  [...byId("letters").children].forEach((tile, each) => {
    tile.tabIndex = each === place ? 0 : -1;
  });
}

const placeOf = (target) => [...byId("letters").children].indexOf(target.closest(".tile"));

export function listenToLetters() {
  const row = byId("letters");
  byId("strip").addEventListener("scroll", showCuts, { passive: true });
  addEventListener("resize", showCuts);
  row.addEventListener("pointerover", ({ target }) => {
    if (placeOf(target) >= 0) showLetter(placeOf(target));
  });
  row.addEventListener("pointerleave", () => explanation && showLetter(focused));
  row.addEventListener("focusin", ({ target }) => {
    focused = placeOf(target);
    moveTabStop(focused);
    showLetter(focused);
  });
  row.addEventListener("focusout", () => {
    focused = null;
    if (explanation) showLetter(null);
  });
  row.addEventListener("keydown", (event) => {
    const last = row.children.length - 1;
    const next = isRightToLeft() ? -1 : 1;
    const steps = { ArrowRight: focused + next, ArrowLeft: focused - next, Home: 0, End: last };
    if (!(event.key in steps)) return;
    event.preventDefault();
    row.children[Math.max(0, Math.min(last, steps[event.key]))].focus();
  });
}
