/* World: a map whose countries are shaded by the probability of the labels that are at home there. */

import { byId, create, isTouch, show } from "./dom.js";
import { SHADES, describeCountry, describeMap, listUnmapped, percent, shadeOf, sumByCountry } from "./words.js";

let map = null; // the SVG, once it is loaded
let loading = null;
let shares = []; // [code, share, candidates] of the answer on the page, most likely first
let shown = -1; // the place of the country that is described

export function hideWorld() {
  byId("world").hidden = true;
}

/** Shade the countries of an answer. `top` has all labels, and `countries` the codes of those that have one. */
export async function showWorld(top, countries) {
  shares = sumByCountry(top, countries);
  shown = -1;
  byId("world").hidden = false;
  show(byId("world-unmapped"), describeUnmapped(listUnmapped(top, countries)));
  byId("world-map").setAttribute("aria-label", describeMap(shares));
  await loadMap();
  shadeMap();
}

const describeUnmapped = (candidates) =>
  candidates.length
    ? `Not on the map: ${candidates.map(({ label, probability }) => `${label} ${percent(probability)}`).join(", ")}.`
    : "";

/** Load the map once; without it, the page still says all in words. */
async function loadMap() {
  loading ??= fetch("page/world.svg").then((response) => response.text());
  const text = await loading.catch(() => {
    loading = null; // try again with the next answer
    return null;
  });
  if (map || !text) return;
  map = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  map.setAttribute("aria-hidden", "true"); // its frame has the description
  byId("world-map").replaceChildren(map);
}

function shadeMap() {
  if (!map) return;
  const ranked = new Map(shares.map(([code, share]) => [code, shadeOf(share)]));
  for (const path of map.querySelectorAll("path")) path.dataset.shade = ranked.get(path.dataset.code) ?? 0;
  showCountry(-1);
}

/** Describe a country by its place in the order of probability; without one, say how to read the map. */
function showCountry(place) {
  shown = place;
  const code = shares[place]?.[0];
  for (const path of map?.querySelectorAll("path") ?? []) path.toggleAttribute("data-shown", path.dataset.code === code);
  byId("world-said").textContent = code
    ? `${describeCountry(shares[place])}.`
    : `The stronger the colour, the more likely: where names like this one are at home. ${
        isTouch.matches ? "Tap a country." : "Point at a country, or use the arrow keys."
      }`;
}

/** Return how many countries are shaded; the arrow keys move among these. */
const countShaded = () => shares.filter(([, share]) => shadeOf(share)).length;

export function listenToWorld() {
  const frame = byId("world-map");
  byId("world-key").replaceChildren(
    ...SHADES.map((least, place) =>
      create("li", {}, create("span", { class: "swatch", "data-shade": place + 1 }), `${percent(least, 0)} or more`),
    ),
  );
  frame.addEventListener("pointerover", ({ target }) => {
    showCountry(shares.findIndex(([code]) => code === target.dataset.code));
  });
  frame.addEventListener("pointerleave", () => showCountry(-1));
  frame.addEventListener("blur", () => showCountry(-1));
  frame.addEventListener("keydown", (event) => {
    const last = countShaded() - 1;
    const steps = { ArrowRight: shown + 1, ArrowDown: shown + 1, ArrowLeft: shown - 1, ArrowUp: shown - 1, Home: 0, End: last };
    if (!(event.key in steps) || last < 0) return;
    event.preventDefault();
    showCountry(Math.max(0, Math.min(last, steps[event.key])));
  });
}
