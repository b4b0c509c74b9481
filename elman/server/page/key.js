/* Key: the dialog that asks for the API key of the service. */

import { byId, show } from "./dom.js";
import { ServiceError, setKeyPrompt } from "./server.js";

/** Ask for the key; resolve to what was typed, or reject if the dialog is closed without a key. */
function promptForKey(isRejected) {
  return new Promise((resolve, reject) => {
    const dialog = byId("key");
    dialog.returnValue = "";
    show(byId("key-why"), isRejected ? "The server rejected that key." : "");
    dialog.addEventListener(
      "close",
      () => {
        const typed = byId("key-value").value.trim();
        byId("key-value").value = "";
        if (dialog.returnValue === "use" && typed) resolve(typed);
        else reject(new ServiceError("The server does not answer without its key. Keep typing to be asked again."));
      },
      { once: true },
    );
    dialog.showModal();
  });
}

export function listenToKey() {
  setKeyPrompt(promptForKey);
  byId("key")
    .querySelector("form")
    .addEventListener("submit", (event) => {
      event.preventDefault();
      byId("key").close("use");
    });
}
