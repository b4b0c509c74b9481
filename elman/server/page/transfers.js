/* Transfers: the body and the headers of an annotated file. No DOM. */

import { count, figure } from "./format.js";
import { UnreachableError } from "./server.js";

/** Return the body of a response; `onProgress` gets the number of bytes received so far. */
export async function readBody(response, onProgress) {
  const parts = [];
  let bytes = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
    parts.push(value);
    onProgress((bytes += value.length));
  }
}

export function readFileName(response) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = header.match(/filename\*=UTF-8''([^;]+)/i);
  return encoded ? decodeURIComponent(encoded[1]) : header.match(/filename="([^"]+)"/)?.[1];
}

/** Return how many rows the file has; empty if the headers do not say. */
export function describeRows(response) {
  const [rows, abstained] = ["X-Elman-Rows", "X-Elman-Abstained"].map((name) => response.headers.get(name));
  if (rows === null) return "";
  return `${count(Number(rows), "row")}, ${figure(Number(abstained))} abstained. `;
}

export function describeTransferError(error) {
  if (error instanceof UnreachableError)
    return "The connection closed: the server has stopped, or the file is larger than it accepts.";
  if (error instanceof TypeError) return "The download stopped before its end; nothing was saved."; // from fetch
  return error.message;
}
