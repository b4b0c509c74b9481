/* Model: the models of the service, which one is selected, its facts and its card. */

import { showCard } from "./card.js";
import { byId, create, show } from "./dom.js";
import { ServiceError, callJson } from "./server.js";
import { copyFor, count, figure, fileSize, percent, toPrediction } from "./words.js";

const LABELS = 40; // of a model that are listed

const SURNAMES = ["Nakamura", "Papadopoulos", "O’Brien", "Nguyễn", "Иванов"];
const FULL_NAMES = ["Aiko Nakamura", "Eleni Papadopoulou", "Nguyễn Thị Hương", "김민준", "Иван Петров"];

let models = [];

export const hasModels = () => models.length > 0;

export const selectedModel = () => models.find((model) => model.name === byId("model-name").value);

/** Return the words for the model that is selected: its answers are origins of names, or something else. */
export const copy = () => copyFor(selectedModel() ?? { origins: true });

/** Return a prediction of the selected model for each name; those of a model that pronounces have `ipa`, too. */
export async function ask(names, top, options) {
  const model = selectedModel();
  if (!model?.pronounces) return (await callJson("v1/predict", { names, top, ...settings() }, options)).predictions;
  const { pronunciations } = await callJson("v1/pronounce", { names, top, model: model.name }, options);
  return pronunciations.map(toPrediction);
}

/** Return names to try: those of the model's file, or some that its labels are likely to fit; none for other texts. */
export function examples() {
  const { examples: own, origins, countries, pronounces } = selectedModel() ?? { origins: true };
  if (own?.length) return own;
  if (!origins && !pronounces) return [];
  return Object.keys(countries ?? {}).length ? FULL_NAMES : SURNAMES;
}

function showExamples() {
  const names = examples();
  for (const place of document.querySelectorAll("#examples, .example")) place.toggleAttribute("data-unfit", !names.length);
  byId("examples").replaceChildren(
    ...names.map((name) => create("li", {}, create("button", { type: "button" }, create("bdi", {}, name)))),
  );
  byId("lines").placeholder = names.join("\n");
  const rows = names.slice(0, 3).map((name, place) => `${place + 1},${name}`);
  byId("file-example").querySelector("pre").textContent = ["id,name", ...rows].join("\n");
}

function showCopy() {
  const texts = copy();
  for (const place of document.querySelectorAll("[data-copy]")) place.textContent = texts[place.dataset.copy];
  byId("name").placeholder = texts.placeholder;
  document.title = `Elman: ${texts.title.charAt(0).toLowerCase()}${texts.title.slice(1)}`;
  showExamples();
}

/** Return what requests for answers send along. Before the models are known, the service uses its default. */
export const settings = () => ({
  ...(writes() ? {} : { abstain_below: byId("abstain").valueAsNumber / 100 }), // models of pairs do not abstain so
  model: selectedModel()?.name,
});

export const writes = () => selectedModel()?.kind === "pairs";

export const canExplain = () =>
  !selectedModel() || (selectedModel().reads === "strings" && selectedModel().answers === "label");

export async function loadModels() {
  try {
    setModels((await callJson("v1/models")).models);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    show(byId("model-facts"), error.message);
  }
}

function setModels(all) {
  byId("write-link").hidden = !all.some(({ kind }) => kind === "generate");
  models = all.filter(({ reads }) => reads === "strings"); // pictures and numbers cannot be typed as a name
  byId("model-name").replaceChildren(...models.map(({ name }) => create("option", { value: name }, name)));
  byId("model-name").value = (models.find((model) => model.default) ?? models[0])?.name ?? "";
  byId("model-choice").hidden = models.length < 2;
  showModel();
}

export function showModel() {
  const model = selectedModel();
  showCopy();
  if (!model) return show(byId("model-facts"), "This server has no model that reads text.");
  byId("abstain-setting").hidden = writes();
  byId("file-form").hidden = !canExplain(); // tables are for the same models
  showLevels(model);
  const { name, reference, accuracy, parameters, bytes, labels } = model;
  const right =
    accuracy === null ? "" : `On ${copy().thing}s that it had not seen, ${percent(accuracy)} of its answers were right. `;
  show(
    byId("model-facts"),
    create("strong", {}, name),
    `: ${reference} ${right}`,
    `${figure(parameters)} parameters in ${fileSize(bytes)}.`,
  );
  const listed =
    labels.slice(0, LABELS).join(", ") + (labels.length > LABELS ? ` and ${labels.length - LABELS} more` : "");
  show(
    byId("model-labels"),
    model.answers === "label"
      ? `It answers with one of ${count(labels.length, "label")}, whatever the ${copy().thing}: ${listed}.`
      : "",
  );
  byId("card-text").replaceChildren();
  if (byId("card").open) openCard();
}

/** Offer the levels that can be explained and whose shares can be estimated; the first is that of the labels. */
function showLevels({ levels = [], estimates }) {
  for (const id of ["level", "reading-level"])
    byId(id).replaceChildren(...levels.map((level, place) => create("option", { value: place ? level : "" }, level)));
  byId("reading-level-setting").hidden = levels.length < 2;
  byId("level-setting").hidden = !estimates || levels.length < 2;
  byId("by-setting").hidden = byId("estimate-shares").hidden = !estimates;
}

export const openCard = () => showCard(selectedModel().name);
