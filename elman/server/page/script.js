/* The page: a name in, bars and letters out. This file connects its parts.

   The page talks only to the server that it came from. Names and files stay in the page's memory: they are in no
   address, cookie or storage, and become text on the page, never markup. */

import { byId } from "./dom.js";
import { listenToFiles } from "./file.js";
import { listenToKey, promptForKey } from "./key.js";
import { listenToLetters } from "./letters.js";
import { listenToList, pasteNames, predictList } from "./list.js";
import { loadModels, showCard, showModel } from "./model.js";
import { predictName } from "./name.js";
import { setKeyPrompt } from "./server.js";

function predictAgain() {
  predictName();
  predictList(); // after a delay: a slider passes many values on its way
}

function listenToName() {
  byId("name").addEventListener("input", predictName);
  byId("name").addEventListener("paste", pasteNames);
  byId("abstain").addEventListener("input", () => {
    byId("abstain-shown").textContent = `${byId("abstain").value} %`;
    predictAgain();
  });
  byId("examples").addEventListener("click", ({ target }) => {
    if (target.tagName !== "BUTTON") return;
    byId("name").value = target.textContent;
    byId("name").focus();
    predictName();
  });
}

function listenToModel() {
  byId("model-name").addEventListener("change", () => {
    showModel();
    predictAgain();
  });
  byId("card").addEventListener("toggle", () => byId("card").open && showCard());
}

setKeyPrompt(promptForKey);
listenToName();
listenToLetters();
listenToList();
listenToFiles();
listenToModel();
listenToKey();
loadModels();
if (byId("name").value) predictName(); // browsers restore what was typed when they go back to a page
