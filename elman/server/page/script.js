/* The page: a name in, bars and letters out. It talks to the server that it came from and to nobody else.

   What people type or hand in only ever becomes text (textContent), never markup; it is kept in this page's memory, and
   in no address, cookie or storage. Three parts: what talks to the server; one name; many names and files. */

const PAUSE = 700; // milliseconds without a key before the answer is read out: not every letter is news
const AGAIN = 2000; // milliseconds before a server that is gone is asked again
const CHARACTERS = 100_000; // of the names in a request, well below what servers take
const ROWS = 1000; // rows drawn; a page of more is slow, and the CSV holds all
const LABELS = 40; // of a model that are listed
const HEAD = 65536; // bytes of a file that are looked at for the names of its columns
const LIKELY = /^(name|names|surname|last.?name|family.?name|full.?name)$/i;

const at = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");

/* ---------------------------------------------------------------- talking to the server */

/** What went wrong, in words for people, and with the server's code for it. */
class Trouble extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** The server cannot be reached; asking again may help. */
class Gone extends Trouble {}

let key = null; // in memory only
let keyAsked = null; // one question at a time, however many requests wait for it

/** Return a good response; wait where the server is busy, ask for the key where it wants one. */
async function call(path, { signal, body, onWait } = {}) {
  for (;;) {
    const sent = key;
    const response = await reach(path, { signal, body });
    if (response.ok) return response;
    if (response.status === 429) {
      const seconds = Math.min(Number(response.headers.get("Retry-After")) || 1, 60);
      onWait?.(`The server is busy. Elman asks again in ${seconds} s.`);
      await sleep(seconds * 1000, signal);
      onWait?.("");
    } else if (response.status === 401) {
      if (sent === key) await askForKey(sent !== null); // else another request has brought a newer one
      signal?.throwIfAborted();
    } else throw await troubleOf(response);
  }
}

async function reach(path, { signal, body }) {
  const headers = key === null ? {} : { Authorization: `Bearer ${key}` };
  const asJson = body !== undefined && !(body instanceof FormData);
  if (asJson) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
      signal,
      headers,
      method: body === undefined ? "GET" : "POST",
      body: asJson ? JSON.stringify(body) : body,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Gone("The server does not answer. What you typed is kept.");
  }
}

async function troubleOf(response) {
  const answer = await response.json().catch(() => null);
  const words = answer?.error?.message ?? `the server answered with an error, status ${response.status}`;
  return new Trouble(capital(words.endsWith(".") ? words : `${words}.`), answer?.error?.code);
}

async function ask(path, body, options) {
  const answer = await (await call(path, { ...options, body })).json();
  options?.signal?.throwIfAborted(); // however late it comes, an answer to an older question is never shown
  return answer;
}

function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}

function askForKey(isRefused) {
  keyAsked ??= new Promise((resolve, reject) => {
    const dialog = at("key");
    dialog.returnValue = "";
    tell(at("key-why"), isRefused ? "The server does not take that key." : "");
    dialog.addEventListener(
      "close",
      () => {
        const typed = at("key-value").value.trim();
        at("key-value").value = "";
        keyAsked = null;
        if (dialog.returnValue === "use" && typed) resolve((key = typed));
        else reject(new Trouble("Without its key the server does not answer. Type on to be asked again."));
      },
      { once: true },
    );
    dialog.showModal();
  });
  return keyAsked;
}

/** Run one task after another on one subject: a newer one aborts the one before, whose answer is never shown. */
function latest(task) {
  let running = new AbortController();
  return async (...given) => {
    running.abort();
    const mine = (running = new AbortController());
    try {
      await task(mine.signal, ...given);
    } catch (error) {
      if (!mine.signal.aborted) throw error;
    }
  };
}

/* ---------------------------------------------------------------- words */

const percent = (share, digits = 1) => {
  const edge = 10 ** -digits;
  const sign = share > 0 && share * 100 < edge / 2 ? "< " : share < 1 && share * 100 > 100 - edge / 2 ? "> " : "";
  const shown = { "< ": edge, "> ": 100 - edge }[sign] ?? share * 100;
  return `${sign}${shown.toFixed(digits)} %`.replaceAll(" ", "\u00a0"); // one word: no line ends within it
};

const figure = (number) => number.toLocaleString("en");

const counted = (number, thing) => `${figure(number)} ${thing}${number === 1 ? "" : "s"}`;

const megabytes = (bytes) => (bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** Return an element with attributes and text or elements inside; never markup. */
function made(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** Say something in its place; hide the place where there is nothing to say. */
function tell(place, ...words) {
  place.replaceChildren(...words);
  place.hidden = !place.textContent;
}

/** Return why there is no answer; the server's reasons are short and then long: "no letters: there is nothing ..." */
function whyNot({ reason, top }) {
  if (top.length)
    return `Elman abstains: its best guess, ${top[0].label}, reaches only ${percent(top[0].probability)}.`;
  return `Elman does not answer: ${reason.split(": ")[0]}.`;
}

/** Return the answer in a sentence, as text and elements. */
function sentenceOf(prediction) {
  const { label, probability, value, reason } = prediction;
  if (reason !== null) return [whyNot(prediction)];
  if (value !== undefined) return ["Elman answers ", made("strong", {}, value.toPrecision(6)), "."];
  const share = made("span", { class: "share" }, percent(probability).replace(">", "over"));
  if (probability < 0.5) return ["Elman is unsure: ", made("strong", {}, label), " is its best guess, ", share, "."];
  return ["Elman reads this as ", made("strong", {}, label), ", ", share, "."];
}

/** Return what a reader should know beside the numbers, a line each. */
function doubtsOf({ script, normalised, transliterated, unknown, reason, top }) {
  const lines = [];
  if (reason !== null && !top.length) lines.push([capital(reason.split(": ").slice(1).join(": ")), "."]);
  if (transliterated && top.length) lines.push([`It read the ${script} letters as `, quoted(normalised), "."]);
  if (unknown.length && top.length)
    lines.push([
      "It does not know ",
      ...unknown.flatMap((symbol, place) => [place ? ", " : "", quoted(symbol)]),
      "; the answer rests on the rest.",
    ]);
  if (reason === null && top.length) lines.push(["The spelling is what counts, not the person."]);
  return lines.map((words) => made("li", {}, ...words));
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const quoted = (text) => made("q", {}, made("bdi", {}, text)); // whichever way it is written

/* ---------------------------------------------------------------- one name */

let models = [];
let speaking = 0;
let asked = 0; // how many times the page has asked; answers carry the number of their question
let strange = new Set(); // the symbols of the name that the model does not know

const chosen = () => models.find((model) => model.name === at("model-name").value);
const settings = () => ({
  abstain_below: at("abstain").valueAsNumber / 100,
  model: chosen()?.name, // before the models are known the server's default answers
});
const explains = () => !chosen() || (chosen().reads === "strings" && chosen().answers === "label");

const askOne = latest(async (signal) => {
  const name = at("name").value;
  const number = ++asked;
  clearTimeout(speaking);
  if (!name.trim()) return showNothing();
  at("one").toggleAttribute("data-waiting", true);
  let isAnswered = false;
  try {
    const onWait = (words) => tell(at("trouble"), words);
    const { predictions } = await ask("v1/predict", { names: [name], top: 5, ...settings() }, { signal, onWait });
    tell(at("trouble"));
    showAnswer(predictions[0], number);
    isAnswered = true;
    if (!models.length) meetModels(); // the server was gone, or its key not known, when the page was opened
    // After the answer, not beside it: what it costs to explain one must never delay the next.
    if (!explains() || !predictions[0].top.length) return hideReading();
    showReading(await ask("v1/explain", { name, model: chosen()?.name }, { signal, onWait }));
  } catch (error) {
    if (!signal.aborted) showTrouble(error, signal, isAnswered);
    throw error;
  }
});

function showTrouble(error, signal, isAnswered) {
  if (!(error instanceof Trouble)) throw error;
  if (isAnswered) hideReading();
  else hideAnswer("trouble"); // what stands there answers another name
  at("welcome").hidden = true;
  tell(at("trouble"), error.message, error instanceof Gone ? " Elman asks again by itself." : "");
  if (error instanceof Gone) sleep(AGAIN, signal).then(askNow, () => {}); // a key press asks at once and ends this wait
}

function showNothing() {
  tell(at("trouble"));
  hideAnswer("empty");
  at("welcome").hidden = false;
}

function hideAnswer(state) {
  at("one").dataset.state = state;
  at("one").removeAttribute("data-waiting");
  at("spoken").textContent = "";
  at("answer").hidden = true;
  hideReading();
}

function showAnswer(prediction, number) {
  const isFirst = at("answer").hidden;
  at("one").dataset.state = prediction.reason === null ? "answered" : "abstained";
  at("one").removeAttribute("data-waiting");
  at("welcome").hidden = true;
  at("answer").hidden = false;
  at("sentence").replaceChildren(...sentenceOf(prediction));
  at("doubts").replaceChildren(...doubtsOf(prediction));
  strange = new Set(prediction.unknown);
  showBars(prediction.top, isFirst);
  at("answer").dataset.question = number;
  speaking = setTimeout(() => {
    at("spoken").textContent = [at("sentence"), ...at("doubts").children].map((place) => place.textContent).join(" ");
  }, PAUSE);
}

/** Draw the bars; a label keeps its row, which moves to its new place. */
function showBars(candidates, isFirst) {
  const rows = new Map([...at("bars").children].map((row) => [row.label, row]));
  const places = new Map([...rows.values()].map((row) => [row, row.offsetTop]));
  const shown = candidates.map(({ label }) => rows.get(label) ?? newRow(label));
  at("bars").replaceChildren(...shown);
  candidates.forEach(({ probability }, place) => {
    shown[place].querySelector(".bar").style.setProperty("--share", probability);
    shown[place].querySelector(".share").textContent = percent(probability);
  });
  if (still.matches || isFirst) return;
  for (const row of shown) {
    const from = places.has(row) ? places.get(row) - row.offsetTop : null;
    if (from === null) row.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 180 });
    else if (from)
      row.animate([{ translate: `0 ${from}px` }, { translate: "0" }], { duration: 220, easing: "ease-out" });
  }
}

function newRow(label) {
  const track = made("span", { class: "track", "aria-hidden": "true" }, made("span", { class: "bar" }));
  const row = made("li", {}, made("span", { class: "label" }, label), track, made("span", { class: "share" }));
  row.label = label;
  return row;
}

/* What the network read: a tile for each letter, and a thread of how sure it was on the way. */

let explanation = null;
let pinned = null; // the letter that was reached by keyboard or touch

function hideReading() {
  explanation = pinned = null;
  at("reading").hidden = true;
}

function showReading(newer) {
  explanation = newer;
  const { letters, label } = explanation;
  const row = at("letters");
  at("reading").hidden = false;
  while (row.children.length > letters.length) row.lastChild.remove();
  while (row.children.length < letters.length) row.append(newTile());
  row.parentElement.style.setProperty("--count", letters.length);
  const largest = Math.max(1, ...letters.map(({ evidence }) => Math.abs(evidence))); // below 1 nat none says much
  letters.forEach((letter, place) => showTile(row.children[place], letter, place, largest));
  showThread(letters, label);
  // A newer answer to the same name (another limit, another model) leaves whoever is among the letters where they are.
  pinned = row.contains(document.activeElement) ? placeOf(document.activeElement) : null;
  moveTabStop(pinned ?? 0);
  showLetter(pinned);
  if (pinned === null) row.parentElement.scrollLeft = isBackwards() ? -1e6 : 1e6; // the last letter stays in sight
}

const isBackwards = () => getComputedStyle(at("letters")).direction === "rtl";

function newTile() {
  return made("button", { type: "button", class: "tile" }, made("span", { class: "face" }));
}

function showTile(tile, letter, place, largest) {
  const { evidence } = letter;
  tile.firstChild.textContent = letter.letter === " " ? "␣" : letter.letter;
  tile.style.setProperty("--strength", Math.min(1, Math.abs(evidence) / largest).toFixed(3));
  tile.dataset.speaks = strange.has(letter.letter) ? "unknown" : evidence < 0 ? "against" : "for";
  tile.setAttribute("aria-label", letterInWords(place));
}

function showThread(letters, label) {
  const path = (course) =>
    letters
      .map((letter, place) => `${place ? "L" : "M"}${across(place)} ${(100 - 100 * letter[course][label]).toFixed(2)}`)
      .join("");
  for (const course of ["forwards", "backwards"])
    at("thread")
      .querySelector(`.${course}`)
      .setAttribute("d", letters.length > 1 ? path(course) : "");
}

const across = (place) => (((place + 0.5) / explanation.letters.length) * 100).toFixed(2);

const ranked = (shares, most) =>
  Object.entries(shares)
    .sort(([, one], [, other]) => other - one)
    .slice(0, most);

/** Return what hiding a letter would do to the odds of the answer, in words. */
function weightInWords(place) {
  const { letters, label } = explanation;
  const { letter, evidence } = letters[place];
  if (strange.has(letter)) return "Elman has never seen this symbol.";
  const times = Math.exp(Math.abs(evidence));
  if (times < 1.05) return `Without it the answer would be nearly the same: it says little for or against ${label}.`;
  const factor = times < 10 ? times.toFixed(1) : figure(Math.round(times));
  return evidence > 0
    ? `Without it the odds of ${label} would be ${factor} times smaller: it speaks for ${label}.`
    : `Without it the odds of ${label} would be ${factor} times greater: it speaks against ${label}.`;
}

function letterInWords(place) {
  const { letters } = explanation;
  const { letter, forwards, backwards } = letters[place];
  const best = (shares) => ranked(shares, 1).map(([label, share]) => `${label} ${percent(share, 0)}`)[0];
  const where = `${letter === " " ? "space" : letter}, ${place + 1} of ${letters.length}`;
  const parts = `If the name ended here: ${best(forwards)}. If it began here: ${best(backwards)}`;
  return `${where}. ${parts}. ${weightInWords(place)}`;
}

/** Show one letter's reading, or, where none is meant, how to get at it. */
function showLetter(place) {
  const { letters, label } = explanation;
  [...at("letters").children].forEach((tile, each) => tile.toggleAttribute("data-shown", each === place));
  at("thread")
    .querySelector(".guide")
    .setAttribute("d", place === null ? "" : `M${across(place)} 0V100`);
  if (place === null) {
    return at("letter").replaceChildren(
      keyed(made("span", { class: "line forwards" }), `how sure it was of ${label}, had the name ended there`),
      keyed(made("span", { class: "line backwards" }), "had it begun there"),
      keyed(
        "A tall tile carries the answer; a hanging one speaks against it. Point at a letter, or use the arrow keys.",
      ),
    );
  }
  const text = letters.map(({ letter }) => letter);
  at("letter").replaceChildren(
    partInWords("If the name ended here", text.slice(0, place + 1).join(""), letters[place].forwards),
    partInWords("If it began here", text.slice(place).join(""), letters[place].backwards),
    made("p", { class: "weight" }, weightInWords(place)),
  );
}

const keyed = (...words) => made("p", { class: "key" }, ...words);

function partInWords(title, part, shares) {
  const rows = ranked(shares, 3).map(([label, share]) => {
    const row = newRow(label);
    row.querySelector(".bar").style.setProperty("--share", share);
    row.querySelector(".share").textContent = percent(share, 0);
    return row;
  });
  return made(
    "div",
    { class: "part" },
    made("h3", {}, title),
    made("p", { class: "piece" }, made("bdi", {}, part)),
    made("ol", { class: "bars small" }, ...rows),
  );
}

/** The letters are one stop for the Tab key; arrow keys move among them. */
function moveTabStop(place) {
  [...at("letters").children].forEach((tile, each) => {
    tile.tabIndex = each === place ? 0 : -1;
  });
}

const placeOf = (target) => [...at("letters").children].indexOf(target.closest(".tile"));

function meetLetters() {
  const row = at("letters");
  row.addEventListener("pointerover", ({ target }) => {
    if (placeOf(target) >= 0) showLetter(placeOf(target));
  });
  row.addEventListener("pointerleave", () => explanation && showLetter(pinned));
  row.addEventListener("focusin", ({ target }) => {
    pinned = placeOf(target);
    moveTabStop(pinned);
    showLetter(pinned);
  });
  row.addEventListener("focusout", () => {
    pinned = null;
    if (explanation) showLetter(null);
  });
  row.addEventListener("keydown", (event) => {
    const last = row.children.length - 1;
    const next = isBackwards() ? -1 : 1;
    const steps = { ArrowRight: pinned + next, ArrowLeft: pinned - next, Home: 0, End: last };
    if (!(event.key in steps)) return;
    event.preventDefault();
    row.children[Math.max(0, Math.min(last, steps[event.key]))].focus();
  });
}

/* ---------------------------------------------------------------- many names */

let most = 500; // names a request, so that progress shows; fewer where the server takes fewer
let table = []; // [name, answer, probability, reason]; what is missing is the empty string

const linesOf = (text) => text.replace(/(\r\n|\n|\r)+$/, "").split(/\r\n|\n|\r/); // every line in gives one row out

const askMany = latest(async (signal, delay) => {
  const names = at("lines").value.trim() ? linesOf(at("lines").value) : [];
  at("results").hidden = !names.length;
  tell(at("many-trouble"));
  if (!names.length) return;
  if (delay) await sleep(delay, signal); // while someone types; a paste is answered at once
  const predictions = [];
  const say = (words) => tell(at("many-status"), words);
  at("results").setAttribute("aria-busy", "true");
  try {
    for (const block of blocksOf(names)) {
      if (block.length < names.length)
        say(`Reading: ${figure(predictions.length)} of ${counted(names.length, "name")}.`);
      predictions.push(...(await answersTo(block, { signal, onWait: say })));
    }
    showTable(names, predictions);
  } catch (error) {
    if (signal.aborted || !(error instanceof Trouble)) throw error;
    at("results").hidden = true;
    tell(at("many-trouble"), error.message);
  } finally {
    if (!signal.aborted) at("results").removeAttribute("aria-busy"); // else it is the newer one's
  }
});

/** Return a prediction for each name. A server that takes less at once gets it in halves, and so in the end each name. */
async function answersTo(names, options) {
  try {
    return (await ask("v1/predict", { names, top: 1, ...settings() }, options)).predictions;
  } catch (error) {
    if (!["too_many_names", "body_too_large", "name_too_long"].includes(error.code)) throw error;
    if (names.length === 1) return [{ label: null, probability: null, abstained: true, reason: error.message }];
    if (error.code === "too_many_names") most = Math.min(most, names.length >> 1);
    const half = names.length >> 1;
    return [...(await answersTo(names.slice(0, half), options)), ...(await answersTo(names.slice(half), options))];
  }
}

function* blocksOf(names) {
  let block = [];
  let characters = 0;
  for (const name of names) {
    if (block.length >= most || (block.length && characters + name.length > CHARACTERS)) {
      yield block;
      block = [];
      characters = 0;
    }
    block.push(name);
    characters += name.length;
  }
  yield block;
}

function showTable(names, predictions) {
  table = predictions.map(({ label, probability, value, reason }, place) => [
    names[place],
    value ?? label ?? "",
    probability === null ? "" : Number(probability.toFixed(6)),
    reason ?? "",
  ]);
  at("rows").replaceChildren(...table.slice(0, ROWS).map(rowOf));
  tell(at("many-status"), summaryOf(predictions));
}

function rowOf([name, answer, probability, reason]) {
  const shown = made("th", { scope: "row" }, made("bdi", {}, name));
  if (reason) return made("tr", { class: "abstained" }, shown, made("td", { colspan: "2" }, reason));
  const bar = made("span", { class: "bar" });
  bar.style.setProperty("--share", probability);
  return made(
    "tr",
    {},
    shown,
    made("td", {}, answer),
    made(
      "td",
      { class: "number" },
      made("span", { class: "track", "aria-hidden": "true" }, bar),
      probability === "" ? "" : percent(probability),
    ),
  );
}

function summaryOf(predictions) {
  const answers = new Map();
  for (const { label } of predictions) if (label !== null) answers.set(label, (answers.get(label) ?? 0) + 1);
  const most = [...answers].sort(([, one], [, other]) => other - one);
  const abstained = predictions.filter(({ abstained }) => abstained).length;
  const groups = most.slice(0, 6).map(([label, number]) => `${label} ${figure(number)}`);
  if (most.length > 6) groups.push(`${most.length - 6} more`);
  return (
    `${counted(predictions.length, "name")}, ${figure(abstained)} abstained. ${groups.join(" · ")}` +
    (predictions.length > ROWS ? ` The first ${figure(ROWS)} are shown; the CSV holds all.` : "")
  );
}

/** Return a table as CSV. A spreadsheet would run a cell that begins like a formula: an apostrophe keeps it text. */
function csvOf(rows) {
  const cell = (content) => {
    const safe = typeof content === "string" && /^[=+\-@\t\r]/.test(content) ? `'${content}` : String(content);
    return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

const answersAsCsv = () => csvOf([["name", "elman_label", "elman_probability", "elman_reason"], ...table]);

function save(blob, name) {
  const link = made("a", { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser needs it until it has begun to write
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // plain http on another host, or not allowed: the old way
    const field = made("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    if (!isCopied) throw new Trouble("The browser does not let the page copy. Download the CSV instead.");
  }
}

async function copyTable() {
  try {
    await copy(answersAsCsv());
    at("copy").textContent = at("spoken").textContent = "Copied";
    setTimeout(() => {
      at("copy").textContent = "Copy as CSV";
    }, 2000);
  } catch (error) {
    tell(at("many-trouble"), error.message);
  }
  at("copy").focus(); // which the old way took away
}

/* ---------------------------------------------------------------- files */

let file = null;
let fileStop = new AbortController();

async function takeFile(given) {
  file = given;
  fileStop.abort();
  tell(at("file-trouble"));
  const columns = await columnsOf(given).catch(() => null); // what cannot be read here is asked for in words
  if (file !== given) return; // another one has been handed in
  at("column").hidden = !columns;
  at("column-typed").hidden = Boolean(columns);
  at("column").parentElement.querySelector("label").htmlFor = columns ? "column" : "column-typed";
  at("column").replaceChildren(...(columns ?? []).map((name) => made("option", { value: name }, name)));
  const likely = columns?.find((name) => LIKELY.test(name));
  if (likely) at("column").value = likely;
  at("file-settings").hidden = false;
  tell(
    at("file-status"),
    made("bdi", {}, file.name),
    `, ${megabytes(file.size)}. `,
    columns ? "Choose the column of the names." : "Type the name of the column that holds the names.",
  );
}

/** Return the names of a text file's columns; null of a file of another kind. */
async function columnsOf(given) {
  const suffix = given.name.split(".").pop().toLowerCase();
  const head = await given.slice(0, HEAD).text(); // without its byte order mark
  const ways = {
    csv: () => firstRecord(head, ","),
    tsv: () => firstRecord(head, "\t"),
    jsonl: () => Object.keys(JSON.parse(head.split("\n")[0])),
  };
  const found = ways[suffix]?.();
  return found?.length && found.every((name) => !name.includes("\0")) ? found : null;
}

/** Return the cells of the first record of a delimited text; a quoted cell may hold anything, line ends too. */
function firstRecord(text, delimiter) {
  const cells = [];
  let place = 0;
  for (;;) {
    let cell = "";
    if (text[place] === '"') {
      const inside = text.slice(place + 1).match(/^(?:[^"]|"")*/)[0];
      cell = inside.replaceAll('""', '"');
      place += inside.length + 2;
    } else {
      cell = text.slice(place).match(delimiter === "," ? /^[^,\r\n]*/ : /^[^\t\r\n]*/)[0];
      place += cell.length;
    }
    cells.push(cell);
    if (text[place] !== delimiter) return cells;
    place += 1;
  }
}

async function annotate() {
  if (!at("file-stop").hidden) return; // it is under way
  const column = at("column").hidden ? at("column-typed").value : at("column").value;
  if (!column) return tell(at("file-trouble"), "Type the name of the column that holds the names.");
  const say = (...words) => tell(at("file-status"), ...words);
  const { abstain_below, model } = settings();
  const query = new URLSearchParams({ column, top: at("top").value, abstain_below, ...(model && { model }) });
  const body = new FormData();
  body.append("file", file);
  const stop = (fileStop = new AbortController());
  tell(at("file-trouble"));
  at("file-stop").hidden = false;
  say(`Sending ${megabytes(file.size)} …`);
  try {
    const response = await call(`v1/annotate?${query}`, { body, signal: stop.signal, onWait: say });
    const answered = await received(response, (bytes) => say(`${megabytes(bytes)} came back so far.`));
    const name = fileNameOf(response) ?? file.name.replace(/(\.[^.]*)?$/, ".annotated$1");
    save(answered, name);
    say("Done: ", countsOf(response), made("bdi", {}, name), " is among your downloads.");
  } catch (error) {
    if (stop.signal.aborted) return say("Stopped. The file is still chosen.");
    if (!(error instanceof Trouble) && !(error instanceof TypeError)) throw error;
    say("The file is still chosen.");
    tell(at("file-trouble"), transferInWords(error));
  } finally {
    at("file-stop").hidden = true;
  }
}

function transferInWords(error) {
  if (error instanceof Gone) return "The server ended the transfer: it is gone, or the file is larger than it takes.";
  if (error instanceof TypeError) return "The answer broke off before its end; nothing was saved."; // as fetch calls it
  return error.message;
}

async function received(response, onPart) {
  const parts = [];
  let bytes = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
    parts.push(value);
    onPart((bytes += value.length));
  }
}

function fileNameOf(response) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = header.match(/filename\*=UTF-8''([^;]+)/i);
  return encoded ? decodeURIComponent(encoded[1]) : header.match(/filename="([^"]+)"/)?.[1];
}

function countsOf(response) {
  const [rows, abstained] = ["X-Elman-Rows", "X-Elman-Abstained"].map((name) => response.headers.get(name));
  if (rows === null) return "";
  return `${counted(Number(rows), "row")}, ${figure(Number(abstained))} abstained. `;
}

/* ---------------------------------------------------------------- the model */

async function meetModels() {
  try {
    takeModels((await ask("v1/models")).models);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    tell(at("model-facts"), error.message);
  }
}

function takeModels(known) {
  models = known.filter(({ reads }) => reads === "strings"); // pictures and numbers cannot be typed as a name
  at("model-name").replaceChildren(...models.map(({ name }) => made("option", { value: name }, name)));
  at("model-name").value = (models.find((model) => model.default) ?? models[0])?.name ?? "";
  at("model-choice").hidden = models.length < 2;
  showModel();
}

function showModel() {
  const model = chosen();
  if (!model) return tell(at("model-facts"), "This server has no model that reads names.");
  const { name, reference, accuracy, parameters, bytes, labels } = model;
  const right =
    accuracy === null ? "" : `On names that it had not seen, ${percent(accuracy)} of its answers were right. `;
  tell(
    at("model-facts"),
    made("strong", {}, name),
    `: ${reference} ${right}`,
    `${figure(parameters)} parameters in ${megabytes(bytes)}.`,
  );
  const listed =
    labels.slice(0, LABELS).join(", ") + (labels.length > LABELS ? ` and ${labels.length - LABELS} more` : "");
  tell(
    at("model-labels"),
    model.answers === "label"
      ? `It answers with one of ${counted(labels.length, "label")}, whatever the name: ${listed}.`
      : "",
  );
  at("card-text").replaceChildren();
  if (at("card").open) showCard();
}

async function showCard() {
  if (at("card-text").childElementCount) return;
  try {
    const card = await (await call(`v1/models/${encodeURIComponent(chosen().name)}/card`)).text();
    // The one piece of markup that the page takes in: the server made it of its own file, with HTML in it disabled. Its
    // columns are aligned with inline styles, which the page's own policy forbids: classes say the same.
    const tidy = card.replace(/ style="text-align:(left|center|right)"/g, ' class="$1"');
    at("card-text").replaceChildren(document.createRange().createContextualFragment(tidy));
    at("card-text")
      .querySelectorAll("h1, h2, h3")
      .forEach((heading) =>
        // they stand below the page's own
        heading.replaceWith(made(`h${Number(heading.tagName[1]) + 2}`, {}, ...heading.childNodes)),
      );
    at("card-text")
      .querySelectorAll("table")
      .forEach((wide) => {
        const frame = made("div", { class: "table", role: "region", "aria-label": "Figures", tabindex: "0" });
        wide.replaceWith(frame);
        frame.append(wide);
      });
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    tell(at("card-text"), error.message);
  }
}

/* ---------------------------------------------------------------- what people do */

const report = (promise) =>
  promise.catch((error) => {
    if (!(error instanceof Trouble)) throw error;
  });
const askNow = () => report(askOne());

function askAll() {
  askNow();
  report(askMany(300)); // a slider passes many values on its way
}

function pasteNames(event) {
  const text = event.clipboardData.getData("text");
  if (linesOf(text.trim()).length < 2) return;
  event.preventDefault(); // a field of one line would run them together
  at("lines").value = text;
  at("lines").focus();
  at("many").scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
  report(askMany(0));
}

function meetFiles() {
  at("file").addEventListener("change", () => at("file").files[0] && takeFile(at("file").files[0]));
  at("file-form").addEventListener("submit", (event) => {
    event.preventDefault();
    annotate();
  });
  at("file-stop").addEventListener("click", () => fileStop.abort());
  // Anywhere on the page: a file that misses its field must not replace the page.
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    at("file-form").classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) at("file-form").classList.remove("over");
  });
  addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    at("file-form").classList.remove("over");
    at("file-form").scrollIntoView({ block: "nearest" });
    takeFile(event.dataTransfer.files[0]);
  });
}

at("name").addEventListener("input", askNow);
at("name").addEventListener("paste", pasteNames);
at("abstain").addEventListener("input", () => {
  at("abstain-shown").textContent = `${at("abstain").value} %`;
  askAll();
});
at("model-name").addEventListener("change", () => {
  showModel();
  askAll();
});
at("examples").addEventListener("click", ({ target }) => {
  if (target.tagName !== "BUTTON") return;
  at("name").value = target.textContent;
  at("name").focus();
  askNow();
});
at("lines").addEventListener("input", () => report(askMany(300)));
at("copy").addEventListener("click", copyTable);
at("download").addEventListener("click", () =>
  save(new Blob(["\ufeff", answersAsCsv()], { type: "text/csv" }), "names.annotated.csv"),
); // the mark: Excel needs it
at("card").addEventListener("toggle", () => at("card").open && showCard());
at("key")
  .querySelector("form")
  .addEventListener("submit", (event) => {
    event.preventDefault();
    at("key").close("use");
  });
meetLetters();
meetFiles();
meetModels();
if (at("name").value) askNow(); // the browser keeps what was typed when it goes back to a page
