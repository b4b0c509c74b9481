/* Name: the answer to the name that is typed, after every key press. */

import { byId, create, markCuts, show, toElements } from "./dom.js";
import { createBars, hideLetters, showBars, showLetters } from "./letters.js";
import { ask, canExplain, hasModels, loadModels, selectedModel } from "./model.js";
import { ServiceError, UnreachableError, callJson, ignoreServiceErrors, runLatest, sleep } from "./server.js";
import { describeAnswer, describeDoubts, listLevels, widthOf } from "./words.js";
import { hideWorld, showWorld } from "./world.js";

const PAUSE = 700; // milliseconds without a key press before the answer is read out: not every letter is news
const ROWS = 5; // bars of the most likely labels
const GROUPS = 3; // bars of each level above
const RETRY = 2000; // milliseconds before an unreachable server is tried again

let announcement = 0; // the timer of the next one
let requests = 0; // how many were sent; answers carry the number of their request

export const predictName = () => ignoreServiceErrors(predictLatest());

const predictLatest = runLatest(async (signal) => {
  const name = byId("name").value;
  const number = ++requests;
  clearTimeout(announcement);
  if (!name.trim()) return showNothing();
  byId("one").toggleAttribute("data-waiting", true);
  let isAnswered = false;
  try {
    const onWait = (message) => show(byId("trouble"), message);
    const [prediction] = await ask([name], countAsked(selectedModel()), { signal, onWait });
    show(byId("trouble"));
    showAnswer(prediction, number);
    isAnswered = true;
    if (!hasModels()) loadModels(); // the server was unreachable, or its key unknown, when the page was opened
    // The explanation is requested after the answer, not at the same time: it must never delay the next answer.
    if (!canExplain() || !prediction.top.length) return hideLetters();
    const about = { name, model: selectedModel()?.name, level: byId("reading-level").value || undefined };
    const explanation = await callJson("v1/explain", about, { signal, onWait });
    showLetters(explanation, new Set(prediction.unknown));
  } catch (error) {
    if (!signal.aborted) showError(error, signal, isAnswered);
    throw error;
  }
});

const ALL = 1000; // the most labels that the service lists

/** Return how many labels to ask for: all of them for the map. */
const countAsked = (model) => (hasCountries(model) ? Math.min(ALL, model.labels.length) : ROWS);

const hasCountries = (model) => Object.keys(model?.countries ?? {}).length > 0;

function showError(error, signal, isAnswered) {
  if (!(error instanceof ServiceError)) throw error;
  if (isAnswered) hideLetters();
  else hideAnswer("trouble"); // the answer on the page belongs to another name
  byId("welcome").hidden = true;
  const isUnreachable = error instanceof UnreachableError;
  show(byId("trouble"), error.message, isUnreachable ? " Elman keeps trying." : "");
  if (isUnreachable) sleep(RETRY, signal).then(predictName, () => {}); // a key press tries at once and ends this wait
}

function showNothing() {
  show(byId("trouble"));
  hideAnswer("empty");
  byId("welcome").hidden = false;
}

function hideAnswer(state) {
  byId("one").dataset.state = state;
  byId("one").removeAttribute("data-waiting");
  byId("spoken").textContent = "";
  byId("answer").hidden = true;
  hideLetters();
  hideWorld();
}

function showAnswer(prediction, number) {
  const isFirst = byId("answer").hidden;
  byId("one").dataset.state = prediction.reason === null ? "answered" : "abstained";
  byId("one").removeAttribute("data-waiting");
  byId("welcome").hidden = true;
  byId("answer").hidden = false;
  byId("sentence").replaceChildren(...toElements(describeAnswer(prediction)));
  byId("doubts").replaceChildren(...describeDoubts(prediction, selectedModel()).map(toItem));
  showBars(prediction.top.slice(0, ROWS), isFirst);
  showPlaces(prediction, selectedModel());
  byId("answer").dataset.question = number;
  announcement = setTimeout(() => {
    const places = [byId("sentence"), ...byId("doubts").children];
    byId("spoken").textContent = places.map((place) => place.textContent).join(" ");
  }, PAUSE);
}

/** Show the sums of regions, and the map, of a model that has them. */
function showPlaces(prediction, model) {
  const { top } = prediction;
  const levels = top.length ? listLevels(prediction) : [];
  byId("levels").hidden = !levels.length;
  byId("levels").replaceChildren(
    ...levels.map(([level, groups]) =>
      create("div", {}, create("h3", {}, `By ${level}`), createBars(groups.slice(0, GROUPS))),
    ),
  );
  if (top.length && hasCountries(model)) showWorld(top, model.countries);
  else hideWorld();
}

/** Make the letters of a long name smaller, and mark where even then it is cut. */
export function fitName() {
  byId("name-field").style.setProperty("--letters", Math.max(1, widthOf(byId("name").value)));
  markCuts(byId("name-field"), byId("name"));
}

export function listenToName() {
  byId("reading-level").addEventListener("change", predictName);
  byId("name").addEventListener("input", () => {
    fitName();
    predictName();
  });
  for (const event of ["scroll", "focus", "blur", "keyup", "pointerup"])
    byId("name").addEventListener(event, fitName, { passive: true });
  addEventListener("resize", fitName);
}

function toItem(sentence) {
  const item = document.createElement("li");
  item.append(...toElements(sentence));
  return item;
}
