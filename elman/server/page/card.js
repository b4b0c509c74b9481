/* Card: the card of a model, as the service makes it from its own file. */

import { byId, create, show } from "./dom.js";
import { ServiceError, call } from "./server.js";

/** Show the card of a model, unless it is shown already. */
export async function showCard(name) {
  if (byId("card-text").childElementCount) return;
  try {
    const card = await (await call(`v1/models/${encodeURIComponent(name)}/card`)).text();
    // The only markup that the page accepts: the service makes it from its own file, with HTML in that file disabled.
    // Columns are aligned with inline styles, which the content policy forbids: use classes instead.
    const tidy = card.replace(/ style="text-align:(left|center|right)"/g, ' class="$1"');
    byId("card-text").replaceChildren(document.createRange().createContextualFragment(tidy));
    adaptCard(byId("card-text"));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    show(byId("card-text"), error.message);
  }
}

/** Put the card's headings below those of the page, and its tables into frames that scroll. */
function adaptCard(card) {
  for (const heading of card.querySelectorAll("h1, h2, h3"))
    heading.replaceWith(create(`h${Number(heading.tagName[1]) + 2}`, {}, ...heading.childNodes));
  for (const table of card.querySelectorAll("table")) {
    const frame = create("div", { class: "table", role: "region", "aria-label": "Figures", tabindex: "0" });
    table.replaceWith(frame);
    frame.append(table);
  }
}
