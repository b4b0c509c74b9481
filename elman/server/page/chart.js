/* Chart: the geometry of the letters' tiles and of the line below them. No DOM. */

/** Return where the middle of a letter is, in percent of the width. */
export const across = (place, letters) => (((place + 0.5) / letters) * 100).toFixed(2);

/** Return the SVG path of a label's probability over the letters, in a square of 100; empty for a single letter. */
export function coursePath(letters, course, label) {
  if (letters.length < 2) return "";
  const toPoint = (letter, place) =>
    `${place ? "L" : "M"}${across(place, letters.length)} ${(100 - 100 * letter[course][label]).toFixed(2)}`;
  return letters.map(toPoint).join("");
}

/** Return the height of each tile, 0 to 1: its evidence in parts of the largest, or of 1 nat if all are smaller. */
export function tileHeights(letters) {
  const largest = Math.max(1, ...letters.map(({ evidence }) => Math.abs(evidence)));
  return letters.map(({ evidence }) => Math.min(1, Math.abs(evidence) / largest).toFixed(3));
}

/** Return whether a letter is evidence for the answer or against it, or unknown to the model. */
export const tileKind = ({ letter, evidence }, unknown) =>
  unknown.has(letter) ? "unknown" : evidence < 0 ? "against" : "for";

/** Return the most likely labels with their shares, best first. */
export const rank = (shares, most) =>
  Object.entries(shares)
    .sort(([, one], [, other]) => other - one)
    .slice(0, most);
