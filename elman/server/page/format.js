/* Formats: numbers as people read them. No DOM. */

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
