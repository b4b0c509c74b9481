/* Words: numbers, predictions and explanations as people read them, and the geometry of the chart. No DOM.

   A sentence is a list of strings and of objects with one key, `strong`, `share` or `quote`, that say how to show their
   text; `dom.js` makes elements of them. */

// Numbers

/** Return a share, 0 to 1, as a percentage. It has no-break spaces, so that no line ends within it. */
export function percent(share, digits = 1) {
  const edge = 10 ** -digits;
  const sign = share > 0 && share * 100 < edge / 2 ? "< " : share < 1 && share * 100 > 100 - edge / 2 ? "> " : "";
  const shown = { "< ": edge, "> ": 100 - edge }[sign] ?? share * 100;
  return `${sign}${shown.toFixed(digits)} %`.replaceAll(" ", "\u00a0");
}

export const figure = (number) => number.toLocaleString("en");

export const count = (number, thing) => `${figure(number)} ${thing}${number === 1 ? "" : "s"}`;

export const fileSize = (bytes) => (bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

export const capitalise = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// The chart

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

// Sentences

/** Return an answer as a sentence. */
export function describeAnswer(prediction) {
  const { label, probability, value, reason } = prediction;
  if (reason !== null) return [describeAbstention(prediction)];
  if (value !== undefined) return ["Elman answers ", { strong: value.toPrecision(6) }, "."];
  const share = { share: percent(probability).replace(">", "over") };
  if (probability < 0.5) return ["Elman is unsure: ", { strong: label }, " is its best guess, ", share, "."];
  return ["Elman reads this as ", { strong: label }, ", ", share, "."];
}

/** Return why there is no answer. The service's reasons have a short part and a long one, "no letters: there is …". */
function describeAbstention({ reason, top }) {
  if (top.length)
    return `Elman abstains: its best guess, ${top[0].label}, reaches only ${percent(top[0].probability)}.`;
  return `Elman does not answer: ${reason.split(": ")[0]}.`;
}

/** Return what a reader should know besides the numbers, as sentences. */
export function describeDoubts({ script, normalised, transliterated, unknown, reason, top }) {
  const sentences = [];
  if (reason !== null && !top.length) sentences.push([capitalise(reason.split(": ").slice(1).join(": ")), "."]);
  if (transliterated && top.length)
    sentences.push([`It read the ${script} letters as `, { quote: normalised }, "."]);
  if (unknown.length && top.length)
    sentences.push([
      "It does not know ",
      ...unknown.flatMap((symbol, place) => [place ? ", " : "", { quote: symbol }]),
      "; the answer depends on the rest.",
    ]);
  if (reason === null && top.length) sentences.push(["The spelling is what counts, not the person."]);
  return sentences;
}

/** Return how hiding a letter would change the odds of the answer. */
export function describeWeight({ letter, evidence }, label, unknown) {
  if (unknown.has(letter)) return "Elman has never seen this symbol.";
  const times = Math.exp(Math.abs(evidence));
  if (times < 1.05) return `Without it the answer would be nearly the same: it says little for or against ${label}.`;
  const factor = times < 10 ? times.toFixed(1) : figure(Math.round(times));
  return evidence > 0
    ? `Without it the odds of ${label} would be ${factor} times smaller: it speaks for ${label}.`
    : `Without it the odds of ${label} would be ${factor} times greater: it speaks against ${label}.`;
}

/** Return all that a tile shows about a letter. */
export function describeLetter({ letters, label }, place, unknown) {
  const { letter, forwards, backwards } = letters[place];
  const best = (shares) => rank(shares, 1).map(([name, share]) => `${name} ${percent(share, 0)}`)[0];
  const where = `${letter === " " ? "space" : letter}, ${place + 1} of ${letters.length}`;
  const parts = `If the name ended here: ${best(forwards)}. If it began here: ${best(backwards)}`;
  return `${where}. ${parts}. ${describeWeight(letters[place], label, unknown)}`;
}

/** Return how many names got which answer; at most `rows` of them are in the table. */
export function summarise(predictions, rows) {
  const answers = new Map();
  for (const { label } of predictions) if (label !== null) answers.set(label, (answers.get(label) ?? 0) + 1);
  const ranked = [...answers].sort(([, one], [, other]) => other - one);
  const abstained = predictions.filter((prediction) => prediction.abstained).length;
  const groups = ranked.slice(0, 6).map(([label, number]) => `${label} ${figure(number)}`);
  if (ranked.length > 6) groups.push(`${ranked.length - 6} more`);
  return (
    `${count(predictions.length, "name")}, ${figure(abstained)} abstained. ${groups.join(" · ")}` +
    (predictions.length > rows ? ` The first ${figure(rows)} are shown; the CSV has all.` : "")
  );
}
