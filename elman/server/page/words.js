/* Words: predictions and explanations in sentences. No DOM.

   A sentence is a list of strings and of objects with one key, `strong`, `share` or `quote`, that say how to show their
   text; `dom.js` makes elements of them. */

import { rank } from "./chart.js";
import { capitalise, count, figure, percent } from "./format.js";

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
