// Answers with a model that `elman export` wrote, in a browser or in Node: strings → ids → labels.
//
// The graph computes everything after the ids. This file does what comes before: it cleans and normalises a string and
// looks up its symbols, as Elman does. It does not transliterate: a string with letters of another script gets a reason
// instead of an answer, if the model was trained on Latin spellings. It reads models of strings that answer with a label.

const APOSTROPHES = /[`´ʻʼʽˈ‘’‛′＇\u05f3]/gu;
const DASHES = /[‐‑‒–—―−﹣－\u05be\u058a]/gu;
const STROKES = { ß: "ss", ø: "o", Ø: "O", ł: "l", Ł: "L", đ: "d", Đ: "D", ı: "i", æ: "ae", œ: "oe", þ: "th", Æ: "AE", Œ: "OE" };
const LONGEST_INPUT = 4096;
const PADDING = -1n;

/** Open an ONNX file: `ort` is the module onnxruntime-web, `bytes` the content of the file as a Uint8Array. */
export async function open(ort, bytes) {
  const metadata = readMetadata(bytes);
  if (metadata.format_version !== 1) throw new Error(`unknown format ${metadata.format_version}: get a newer elman.mjs`);
  if (metadata.reads !== "strings" || metadata.answers !== "label") throw new Error("this model needs other code");
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const ids = new Map(metadata.vocabulary.map((symbol, place) => [symbol, place + 1]));
  return { ort, session, metadata, ids };
}

/** Answer for strings: for each its best labels, [{ label, probability }, …], or the reason why there are none. */
export async function classify(model, texts, top = 3) {
  const inputs = texts.map((text) => prepare(model, text));
  const readable = inputs.filter((input) => input.ids);
  const chances = readable.length ? await score(model, readable.map((input) => input.ids)) : [];
  return inputs.map((input) => (input.ids ? { ...input, top: rank(model, chances.shift(), top) } : { ...input, top: [] }));
}

/** Return { normalised, ids } of a string, or { normalised, reason }. */
export function prepare(model, text) {
  const { normalisation, vocabulary, evidence, longest } = model.metadata;
  const cleaned = text.trim().replace(/[,\s]+$/u, "");
  if (cleaned.length > LONGEST_INPUT) return { normalised: "", reason: "too long" };
  const composed = compose(cleaned);
  if (isTooLong(composed, longest)) return { normalised: "", reason: "too long" };
  if (normalisation.transliterate && isForeign(composed)) return { normalised: "", reason: "another script" };
  const normalised = normalise(composed, normalisation);
  const symbols = [...normalised];
  const ids = symbols.map((symbol) => model.ids.get(symbol) ?? model.ids.get(foldAccents(symbol)) ?? 0);
  const needsLetters = evidence === "letters" && vocabulary.some(isLetter);
  const isEvidence = (id) => id > 0 && (!needsLetters || isLetter(vocabulary[id - 1]));
  if (!symbols.length) return { normalised, reason: "blank" };
  if (symbols.length > longest) return { normalised, reason: "too long" };
  if (!ids.some(isEvidence)) return { normalised, reason: "nothing that the model can read" };
  return { normalised, ids };
}

async function score({ ort, session, metadata }, strings) {
  const length = Math.max(...strings.map((ids) => ids.length));
  const values = new BigInt64Array(strings.length * length).fill(PADDING);
  strings.forEach((ids, row) => values.set(ids.map(BigInt), row * length));
  const { probabilities } = await session.run({ ids: new ort.Tensor("int64", values, [strings.length, length]) });
  const count = metadata.labels.length;
  return strings.map((_, row) => probabilities.data.slice(row * count, (row + 1) * count));
}

function rank({ metadata }, chances, top) {
  const pairs = [...chances].map((probability, place) => ({ label: metadata.labels[place], probability }));
  return pairs.sort((one, other) => other.probability - one.probability).slice(0, top);
}

// Normalisation, in the order of elman/text/normalisation.py

function compose(text) {
  const unify = (some) => some.replace(APOSTROPHES, "'").replace(DASHES, "-");
  const composed = unify(unify(text).normalize("NFKC"));
  return composed.replace(/\p{C}/gu, (one) => (/[\s\x1c-\x1f\x85]/u.test(one) ? one : "")).normalize("NFKC");
}

function isTooLong(composed, longest) {
  const symbols = [...composed.split(/\s+/u).join(" ")];
  return symbols.length > 4 * longest || symbols.filter(isLetter).length > longest;
}

function isForeign(text) {
  return [...text].some((one) => /[\p{L}\p{M}]/u.test(one) && !/[\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u.test(one));
}

function normalise(composed, { lower_case, accents }) {
  let text = composed;
  if (lower_case) text = text.toLowerCase().replace(/i\u0307+/gu, "i").normalize("NFKC");
  if (!accents) text = foldAccents(text);
  return text.split(/[\s\x1c-\x1f\x85]+/u).filter(Boolean).join(" ");
}

function foldAccents(text) {
  let latin = false;
  let bare = "";
  for (const one of text.normalize("NFD")) {
    const isMark = /\p{M}/u.test(one);
    if (!isMark) latin = one < "\u0250" || /[\s\p{Script=Latin}]/u.test(one);
    if (!isMark || !latin) bare += STROKES[one] ?? one;
  }
  return bare.normalize("NFC");
}

const isLetter = (symbol) => /\p{L}/u.test(symbol);

// Metadata: an ONNX file is a protocol buffer, and its field 14 holds pairs of a key and a value.

/** Return the metadata that Elman wrote into an ONNX file. */
export function readMetadata(bytes) {
  const text = new TextDecoder();
  for (const [field, content] of readFields(bytes)) {
    const pair = field === 14 ? Object.fromEntries(readFields(content)) : {};
    if (pair[1] && text.decode(pair[1]) === "elman") return JSON.parse(text.decode(pair[2]));
  }
  throw new Error("not a file that elman export wrote");
}

function* readFields(bytes) {
  let place = 0;
  const readNumber = () => {
    let number = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[place++];
      number += (byte & 127) * factor;
      if (byte < 128) return number;
      if (byte === undefined) throw new Error("the file is truncated");
    }
  };
  while (place < bytes.length) {
    const tag = readNumber();
    const kind = tag % 8;
    if (kind === 0) readNumber();
    else if (kind === 2) {
      const size = readNumber();
      yield [Math.floor(tag / 8), bytes.subarray(place, place + size)];
      place += size;
    } else if (kind === 1 || kind === 5) place += kind === 1 ? 8 : 4;
    else throw new Error("not an ONNX file");
  }
}
