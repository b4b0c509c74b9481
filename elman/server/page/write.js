/* Write: new strings, letter by letter. This file connects the parts of the page that writes.

   Like the page that reads, it talks only to the server that it came from, and keeps what is typed in its memory. */

import { showCard } from "./card.js";
import { byId, copyText, create, markCuts, reducedMotion, show } from "./dom.js";
import { listenToKey } from "./key.js";
import { ServiceError, callJson, ignoreServiceErrors, runLatest, sleep } from "./server.js";
import { count, describeModel, describeOdds, describeWritten, splitLetters, widthOf } from "./words.js";

const DELAY = 300; // milliseconds after the last key press or move of the slider
const PACE = 55; // milliseconds for a letter
const STAGGER = 90; // milliseconds between the beginnings of two strings
const LISTED = 20; // labels in the sentence about the model

let models = [];
let written = []; // the samples on the page

const selectedModel = () => models.find(({ name }) => name === byId("model-name").value);

// Writing

/** Write new strings after a delay, while someone types or moves a slider; or at once. */
const write = (delay = DELAY) => ignoreServiceErrors(writeLatest(delay));

const writeLatest = runLatest(async (signal, delay) => {
  if (delay) await sleep(delay, signal);
  show(byId("trouble"));
  byId("written").setAttribute("aria-busy", "true");
  try {
    const onWait = (message) => show(byId("trouble"), message);
    const { samples } = await callJson("v1/generate", order(), { signal, onWait });
    written = samples;
    byId("copy").hidden = false;
    const rows = samples.map(createRow);
    byId("written").replaceChildren(...rows);
    await Promise.all(samples.map((sample, place) => reveal(rows[place], sample, place, signal)));
    byId("spoken").textContent = describeWritten(samples);
  } catch (error) {
    if (signal.aborted || !(error instanceof ServiceError)) throw error;
    written = [];
    byId("copy").hidden = true;
    byId("written").replaceChildren();
    show(byId("trouble"), error.message);
  } finally {
    if (!signal.aborted) byId("written").removeAttribute("aria-busy"); // otherwise a newer run has set it
  }
});

/** Return what a request sends along. */
function order() {
  return {
    model: selectedModel()?.name,
    label: byId("label").value || null,
    count: Number(byId("count").value),
    start: byId("name").value,
    temperature: byId("temperature").valueAsNumber,
    unseen: byId("unseen").checked,
  };
}

function createRow() {
  const text = create("bdi", { class: "text" }, create("span", { class: "letters-shown" }));
  return create("li", { "data-writing": "" }, text, create("span", { class: "odds" }));
}

/** Show the letters of a string one by one, then how likely it was; all at once for people who ask for less motion. */
async function reveal(row, sample, place, signal) {
  const letters = splitLetters(sample.text);
  const shown = row.querySelector(".letters-shown");
  if (!reducedMotion.matches) {
    await sleep(place * STAGGER, signal);
    for (const letter of letters) {
      shown.textContent += letter;
      await sleep(PACE, signal);
    }
  }
  shown.textContent = sample.text;
  row.removeAttribute("data-writing");
  row.querySelector(".odds").textContent = describeOdds(sample);
}

async function copyWritten() {
  const isCopied = await copyText(written.map(({ text }) => text).join("\n"));
  if (!isCopied) return show(byId("trouble"), "The browser does not let the page copy. Select the lines instead.");
  byId("copy").textContent = byId("spoken").textContent = "Copied";
  setTimeout(() => {
    byId("copy").textContent = "Copy";
  }, 2000);
  byId("copy").focus(); // the older interface for copying moves the focus
}

// The model

async function loadModels() {
  try {
    setModels((await callJson("v1/models")).models);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    show(byId("trouble"), error.message);
  }
}

function setModels(all) {
  models = all.filter(({ kind }) => kind === "generate");
  byId("read-link").hidden = !all.some(({ reads }) => reads === "strings");
  byId("model-name").replaceChildren(...models.map(({ name }) => create("option", { value: name }, name)));
  byId("model-name").value = (models.find((model) => model.default) ?? models[0])?.name ?? "";
  byId("model-choice").hidden = models.length < 2;
  byId("write").disabled = !models.length;
  if (!models.length) return show(byId("trouble"), "This server has no model that writes new strings.");
  showModel();
  write(0);
}

function showModel() {
  const { name, labels, unseen } = selectedModel();
  byId("label").replaceChildren(
    create("option", { value: "" }, "any"),
    ...labels.map((label) => create("option", { value: label }, label)),
  );
  byId("label-setting").hidden = !labels.length;
  byId("unseen").checked = false;
  byId("unseen-setting").hidden = !unseen;
  show(byId("model-facts"), create("strong", {}, name), `: ${describeModel(selectedModel())}`);
  const more = labels.length > LISTED ? ` and ${labels.length - LISTED} more` : "";
  const listed = labels.slice(0, LISTED).join(", ");
  show(byId("model-labels"), labels.length ? `It can be told ${count(labels.length, "label")}: ${listed}${more}.` : "");
  byId("card-text").replaceChildren();
  if (byId("card").open) showCard(name);
}

// The page

/** Make the letters of a long beginning smaller, and mark where even then it is cut. */
function fitName() {
  byId("name-field").style.setProperty("--letters", Math.max(1, widthOf(byId("name").value)));
  markCuts(byId("name-field"), byId("name"));
}

function showTemperature() {
  const shown = byId("temperature").valueAsNumber.toFixed(2);
  byId("temperature-shown").textContent = shown;
}

byId("write-form").addEventListener("submit", (event) => {
  event.preventDefault();
  write(0);
});
byId("name").addEventListener("input", () => {
  fitName();
  write();
});
byId("temperature").addEventListener("input", () => {
  showTemperature();
  write();
});
for (const id of ["label", "count", "unseen"]) byId(id).addEventListener("change", () => write(0));
byId("model-name").addEventListener("change", () => {
  showModel();
  write(0);
});
byId("copy").addEventListener("click", copyWritten);
byId("card").addEventListener("toggle", () => byId("card").open && showCard(selectedModel()?.name));
addEventListener("resize", fitName);
listenToKey();
showTemperature();
fitName();
loadModels();
