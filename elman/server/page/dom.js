/* DOM: finding, making and filling elements. Names and cells only ever become text, never markup. */

export const byId = (id) => document.getElementById(id);

/** Whether people ask for pages without motion. */
export const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Return an element with attributes, and with text or elements inside. */
export function create(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** Show text or elements in a place; hide the place if there is nothing to show. */
export function show(place, ...inside) {
  place.replaceChildren(...inside);
  place.hidden = !place.textContent;
}

/** Return a sentence of `words.js` as text and elements. */
export const toElements = (sentence) =>
  sentence.map((part) => {
    if (typeof part === "string") return part;
    if ("strong" in part) return create("strong", {}, part.strong);
    if ("share" in part) return create("span", { class: "share" }, part.share);
    return create("q", {}, create("bdi", {}, part.quote)); // bdi: in either writing direction
  });

/** Return a pronunciation in both of its alphabets. */
export const createSpoken = (arpabet, ipa) => [
  create("span", { class: "ipa", lang: "und-fonipa" }, ipa),
  " ",
  create("span", { class: "arpabet" }, arpabet),
];

/** Whether people point by touch, and nothing hovers. */
export const isTouch = matchMedia("(hover: none)");

/** Mark a place at the ends where what scrolls in it is cut: "start", "end" or both, for the style to show. */
export function markCuts(place, scroller) {
  const before = Math.abs(scroller.scrollLeft); // negative from right to left
  const after = scroller.scrollWidth - scroller.clientWidth - before;
  place.dataset.cut = [before > 1 ? "start" : "", after > 1 ? "end" : ""].join(" ").trim();
}

/** Save a blob as a file. */
export function saveFile(blob, name) {
  const link = create("a", { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser needs it until it has begun to write
}

/** Copy text to the clipboard; return whether that worked. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // plain http on another host, or no permission: use the older interface
    const field = create("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    return isCopied;
  }
}
