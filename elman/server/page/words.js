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

/** Return how wide a text is, in letters: those of Chinese, Japanese and Korean have the width of two. */
export const widthOf = (text) =>
  [...text].reduce((sum, letter) => sum + (/[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]/.test(letter) ? 2 : 1), 0);

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

// Regions and countries

/** Return the groups of each level above the labels, as [level, [[group, share], …]]; none of a model without levels. */
export const listLevels = ({ levels }) =>
  Object.entries(levels ?? {})
    .slice(1) // the first level is that of the labels
    .map(([level, groups]) => [level, groups.map(({ label, probability }) => [label, probability])]);

/** Return the probability of each country's labels together, with these labels, as [code, share, candidates], best first.

    `countries` has the code of each label that has one; a part of a country, such as GB-SCT, counts for the country. */
export function sumByCountry(top, countries) {
  const found = new Map();
  for (const candidate of top) {
    const code = countries[candidate.label]?.slice(0, 2);
    if (code) found.set(code, [...(found.get(code) ?? []), candidate]);
  }
  return [...found]
    .map(([code, candidates]) => [code, candidates.reduce((sum, { probability }) => sum + probability, 0), candidates])
    .sort(([, one], [, other]) => other - one);
}

/** The least probability of each shade of the map, from the palest. */
export const SHADES = [0.01, 0.05, 0.2, 0.5];

/** Return the shade of a probability, 1 for the palest; 0 for a country that is not shaded. */
export const shadeOf = (share) => SHADES.filter((least) => share >= least).length;

const countryNames = new Intl.DisplayNames("en", { type: "region", fallback: "code" });

/** Return what a country on the map stands for: "Japan: Japanese 93.1 %". */
export const describeCountry = ([code, , candidates]) =>
  `${countryNames.of(code)}: ${candidates.map(({ label, probability }) => `${label} ${percent(probability)}`).join(", ")}`;

/** Return the map in words: the countries that are shaded, most likely first. */
export function describeMap(shares) {
  const shaded = shares.filter(([, share]) => shadeOf(share));
  if (!shaded.length) return "World map: no country reaches 1 %.";
  const named = shaded.slice(0, 5).map(([code, share]) => `${countryNames.of(code)} ${percent(share, 0)}`);
  const more = shaded.length > 5 ? `, and ${shaded.length - 5} more` : "";
  return `World map, shaded by probability: ${named.join(", ")}${more}.`;
}

/** Return the labels of at least 1 % that are at home in no country of the map. */
export const listUnmapped = (top, countries) =>
  top.filter(({ label, probability }) => !countries[label] && shadeOf(probability));

// Shares of a group

const LISTED = 12; // labels of a group
const SMALL_SHARE = 0.005;

/** Return the largest shares of a group, and the sum of all others in one row without an interval. */
export function listShares({ shares }) {
  const listed = shares.slice(0, LISTED).filter(({ share }, place) => place === 0 || share >= SMALL_SHARE);
  const others = shares.length - listed.length;
  const rest = 1 - listed.reduce((sum, { share }) => sum + share, 0);
  return others ? [...listed, { label: count(others, "other label"), share: Math.max(0, rest) }] : listed;
}

/** Return the end of an axis on which all intervals have room. */
export function endOfAxis(rows) {
  const highest = Math.max(0, ...rows.map(({ share, high, counted }) => Math.max(high ?? 0, counted ?? share ?? 0)));
  return [0.1, 0.2, 0.5].find((end) => highest <= end) ?? 1;
}

/** Return how many rows a group has, and on how many names the model abstained. */
export function describeGroup({ names, missing, read, abstained, shares }, thing = "name") {
  const without = missing ? `, ${figure(missing)} without a ${thing}` : "";
  const drawn = read < names - missing ? `, ${figure(read)} drawn at random` : "";
  const share = read ? ` (${percent(abstained / read)})` : "";
  const refused = read ? `; abstained on ${figure(abstained)}${share}` : "";
  const none = shares.length ? "" : `. No ${thing} can be read`;
  return `${count(names, "row")}${without}${drawn}${refused}${none}.`;
}

export const describeInterval = (low, high) => `${percent(low).replace("\u00a0%", "")} to ${percent(high)}`;

/** Return what a reader of the shares should know; at most `most` groups are on the page. */
export function describeNotes({ groups, notes }, most) {
  const more = groups.length - most;
  const hidden = more > 0 ? [`The ${figure(most)} largest of ${count(groups.length, "group")} are shown; the CSV has all`] : [];
  return [...hidden, ...notes].map((note) => `${capitalise(note)}.`).join(" ");
}

// Sentences

/** Return the texts of the page that depend on what the model answers with: origins of names, other labels, strings, or
    pronunciations. */
export const copyFor = ({ origins, kind, pronounces }) =>
  pronounces ? OF_PRONUNCIATIONS : kind === "pairs" ? OF_PAIRS : origins ? OF_NAMES : OF_TEXTS;

const OF_NAMES = {
  thing: "name",
  title: "Where does this name come from?",
  placeholder: "Type a name",
  welcome: "Elman reads a name letter by letter. Every letter moves the answer.",
  many: "Many names",
  one: "One name",
  column: "Column of the names",
  shares: "Shares of the group",
  sharesNote:
    "How the names of the group divide, corrected for the errors of the model, with intervals of 95 %. " +
    "This says nothing of a single name.",
  head: "Name",
  estimate:
    "An estimate from spelling alone: no evidence of a person’s identity, ancestry or citizenship. " +
    "Names stay on this server.",
};

const OF_TEXTS = {
  thing: "text",
  title: "Which label fits this text?",
  placeholder: "Type a text",
  welcome: "Elman reads a text letter by letter. Every letter moves the answer.",
  many: "Many texts",
  one: "One text",
  column: "Column of the texts",
  shares: "Shares of the group",
  sharesNote:
    "How the texts of the group divide, corrected for the errors of the model, with intervals of 95 %. " +
    "This says nothing of a single text.",
  head: "Text",
  estimate: "An estimate from spelling alone, relative to what the model learned from. Texts stay on this server.",
};

const OF_PAIRS = {
  ...OF_TEXTS,
  title: "What does Elman write for this text?",
  welcome: "Elman reads a text letter by letter, and writes what belongs to it.",
};

const OF_PRONUNCIATIONS = {
  ...OF_NAMES,
  title: "How is this name said?",
  welcome: "Elman reads a name letter by letter, and writes how it is said, in two alphabets.",
  estimate: "An estimate from spelling alone: people may say their own name in another way. Names stay on this server.",
};

/** Return how a name is said as a prediction: its label is in ARPAbet, and its `ipa` says the same. */
export function toPrediction({ name, top, reason }) {
  const candidates = top.map(({ arpabet, ipa, probability }) => ({ label: arpabet, ipa, probability }));
  const { label = null, ipa = "", probability = null } = candidates[0] ?? {};
  const read = { unknown: [], transliterated: false }; // the service does not say it of names that it says
  return { name, label, ipa, probability, top: candidates, reason, abstained: reason !== null, ...read };
}

/** Return an answer as a sentence. */
export function describeAnswer(prediction) {
  const { ipa, probability, value, reason } = prediction;
  const label = ipa ? `/${ipa}/` : prediction.label; // between slashes, as phonemes are written
  if (reason !== null) return [describeAbstention(prediction)];
  if (value !== undefined) return ["Elman answers ", { strong: value.toPrecision(6) }, "."];
  const share = { share: percent(probability).replace(">", "over") };
  if (probability < 0.5) return ["Elman is unsure: ", { strong: label }, " is its best guess, ", share, "."];
  return [ipa ? "Elman says " : "Elman reads this as ", { strong: label }, ", ", share, "."];
}

/** Return why there is no answer. The service's reasons have a short part and a long one, "no letters: there is …". */
function describeAbstention({ reason, top }) {
  if (isUnlike(reason)) return `None of these: ${reason.split(": ").pop()}.`;
  if (top.length)
    return `Elman abstains: its best guess, ${top[0].label}, reaches only ${percent(top[0].probability)}.`;
  return `Elman does not answer: ${reason.split(": ")[0]}.`;
}

const isUnlike = (reason) => reason.includes("unlike"); // the names that the model learned from

/** Return what a reader should know besides the numbers, as sentences.

    `model` has the facts about the model; it is missing as long as they are unknown. */
export function describeDoubts({ script, normalised, transliterated, unknown, reason, top, familiar }, model) {
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
  if (reason === null && top.length) {
    if (model?.origins !== false) sentences.push(["The spelling is what counts, not the person."]);
    if (familiar < RARE) sentences.push(describeFamiliarity(familiar, model));
    if (model?.answers === "label") sentences.push(describeChoice(model, familiar !== undefined));
  }
  return sentences;
}

const RARE = 0.1;

/** Return that few of the strings that the model knows are less familiar. */
const describeFamiliarity = (familiar, model) => [
  `An unusual ${model?.origins === false ? "text" : "name"}: of those that Elman learned from, ${percent(familiar, 0)} are less familiar.`,
];

/** Return what happens if none of the labels is right: a model chooses one of them, unless it finds the name unlike all. */
const describeChoice = ({ labels, origins }, isMeasured) => {
  const [known, any] = origins ? [count(labels.length, "origin"), "name"] : [count(labels.length, "label"), "text"];
  const always = isMeasured ? `and abstains only if a ${any} is unlike all that it learned` : `and answers any ${any} with one of them`;
  return [{ quote: "None of these" }, ` may be right too: Elman knows ${known}, ${always}.`];
};

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
export function describeLetter({ letters, label }, place, unknown, thing = "name") {
  const { letter, forwards, backwards } = letters[place];
  const best = (shares) => rank(shares, 1).map(([name, share]) => `${name} ${percent(share, 0)}`)[0];
  const where = `${letter === " " ? "space" : letter}, ${place + 1} of ${letters.length}`;
  const parts = `If the ${thing} ended here: ${best(forwards)}. If it began here: ${best(backwards)}`;
  return `${where}. ${parts}. ${describeWeight(letters[place], label, unknown)}`;
}

/** Return how many names got which answer; at most `rows` of them are in the table.

    Strings that a model writes are not counted: nearly every name has its own. */
export function summarise(predictions, rows, thing = "name", isCounted = true) {
  const answers = new Map();
  for (const { label } of isCounted ? predictions : []) if (label !== null) answers.set(label, (answers.get(label) ?? 0) + 1);
  const ranked = [...answers].sort(([, one], [, other]) => other - one);
  const abstained = predictions.filter((prediction) => prediction.abstained).length;
  const groups = ranked.slice(0, 6).map(([label, number]) => `${label} ${figure(number)}`);
  if (ranked.length > 6) groups.push(`${ranked.length - 6} more`);
  return (
    `${count(predictions.length, thing)}, ${figure(abstained)} abstained. ${groups.join(" · ")}`.trim() +
    (predictions.length > rows ? ` The first ${figure(rows)} are shown; the CSV has all.` : "")
  );
}

// New strings

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Return the letters of a text as people see them: a letter and its marks are one. */
export const splitLetters = (text) => [...segmenter.segment(text)].map(({ segment }) => segment);

const rounded = new Intl.NumberFormat("en", { maximumSignificantDigits: 2, notation: "compact", compactDisplay: "long" });

/** Return how likely a new string was, and what else a reader should know: "1 in 1.2 million". */
export function describeOdds({ log_probability: nats, is_seen: isSeen, reason }) {
  if (reason !== null) return "cut: it had no end";
  const odds = nats < -34 ? "less than 1 in a quadrillion" : `1 in ${rounded.format(Math.exp(-nats))}`;
  return isSeen ? `${odds}, one that it learned` : odds;
}

/** Return what was written, for people who hear the page. */
export const describeWritten = (samples) => `Written: ${samples.map(({ text }) => text).join(", ")}.`;

/** Return what a model that writes learned from, and how large it is. */
export const describeModel = ({ reference, parameters, bytes }) =>
  `${reference} ${figure(parameters)} parameters in ${fileSize(bytes)}.`;
