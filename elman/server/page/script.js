/* The page: a name in, bars and letters out. This file connects its parts.

   The page talks only to the server that it came from. Names and files stay in the page's memory: they are in no
   address, cookie or storage, and become text on the page, never markup. */

import { byId } from "./dom.js";
import { estimateAgain, listenToFiles } from "./files.js";
import { listenToKey } from "./key.js";
import { listenToLetters } from "./letters.js";
import { listenToList, pasteNames, predictList } from "./many.js";
import { loadModels, openCard, selectedModel, showModel } from "./model.js";
import { fitName, listenToName, predictName } from "./name.js";
import { listenToShares } from "./shares.js";
import { listenToWorld } from "./world.js";

// The parts

function predictAgain() {
  predictName();
  predictList(); // after a delay: a slider passes many values on its way
}

function listenToSettings() {
  byId("name").addEventListener("paste", pasteNames);
  byId("abstain").addEventListener("input", () => {
    byId("abstain-shown").textContent = `${byId("abstain").value} %`;
    predictAgain();
  });
  byId("examples").addEventListener("click", ({ target }) => {
    const example = target.closest("button");
    if (!example) return;
    byId("name").value = example.textContent;
    byId("name").focus();
    fitName();
    predictName();
  });
}

function listenToModel() {
  byId("model-name").addEventListener("change", () => {
    showModel();
    predictAgain();
    estimateAgain();
  });
  byId("card").addEventListener("toggle", () => byId("card").open && openCard());
}

listenToName();
listenToSettings();
listenToLetters();
listenToWorld();
listenToList();
listenToFiles();
listenToShares();
listenToModel();
listenToKey();
loadModels().then(() => selectedModel()?.pronounces && predictAgain()); // before, the names were asked of another route
fitName();
if (byId("name").value) predictName(); // browsers restore what was typed when they go back to a page
