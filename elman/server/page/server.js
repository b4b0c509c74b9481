/* Server: requests to the service that the page came from, and to no other. No DOM. */

import { capitalise } from "./words.js";

/** An error with a message for people and the service's code for it. */
export class ServiceError extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** The service cannot be reached; trying again may help. */
export class UnreachableError extends ServiceError {}

let key = null; // in memory only
let keyRequest = null; // one dialog at a time, however many requests wait for the key
let promptForKey = null;

/** Set the function that asks for the API key. It gets whether the last key was rejected, and returns a promise. */
export function setKeyPrompt(prompt) {
  promptForKey = prompt;
}

function requestKey(isRejected) {
  keyRequest ??= promptForKey(isRejected)
    .then((typed) => {
      key = typed;
    })
    .finally(() => {
      keyRequest = null;
    });
  return keyRequest;
}

/** Return a successful response. Wait while the service is busy, and ask for the key if it needs one. */
export async function call(path, { signal, body, onWait } = {}) {
  for (;;) {
    const sent = key;
    const response = await send(path, { signal, body });
    if (response.ok) return response;
    if (response.status === 429) {
      const seconds = Math.min(Number(response.headers.get("Retry-After")) || 1, 60);
      onWait?.(`The server is busy. Elman tries again in ${seconds} s.`);
      await sleep(seconds * 1000, signal);
      onWait?.("");
    } else if (response.status === 401) {
      if (sent === key) await requestKey(sent !== null); // otherwise another request has set a newer key
      signal?.throwIfAborted();
    } else throw await readError(response);
  }
}

async function send(path, { signal, body }) {
  const headers = key === null ? {} : { Authorization: `Bearer ${key}` };
  const isJson = body !== undefined && !(body instanceof FormData);
  if (isJson) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
      signal,
      headers,
      method: body === undefined ? "GET" : "POST",
      body: isJson ? JSON.stringify(body) : body,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new UnreachableError("The server does not answer. What you typed is kept.");
  }
}

async function readError(response) {
  const answer = await response.json().catch(() => null);
  const message = answer?.error?.message ?? `the server answered with an error, status ${response.status}`;
  return new ServiceError(capitalise(message.endsWith(".") ? message : `${message}.`), answer?.error?.code);
}

/** Return the JSON of a successful response. The answer to an aborted request is dropped, however late it arrives. */
export async function callJson(path, body, options) {
  const answer = await (await call(path, { ...options, body })).json();
  options?.signal?.throwIfAborted();
  return answer;
}

/** Drop a promise's ServiceError, which the page shows already; any other error is a bug. */
export const ignoreServiceErrors = (promise) =>
  promise.catch((error) => {
    if (!(error instanceof ServiceError)) throw error;
  });

// Waiting, and dropping the answers to older requests

/** Resolve after some milliseconds; reject if the signal is aborted first. */
export function sleep(milliseconds, signal) {
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

/** Return a function that runs a task and aborts its previous run, whose result and errors are dropped. */
export function runLatest(task) {
  let controller = new AbortController();
  return async (...args) => {
    controller.abort();
    const own = (controller = new AbortController());
    try {
      await task(own.signal, ...args);
    } catch (error) {
      if (!own.signal.aborted) throw error;
    }
  };
}
