/* Requests: waiting, and dropping the answers to older requests. No DOM. */

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
