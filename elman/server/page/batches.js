/* Batches: a long list of names in several requests, within what the service accepts. No DOM. */

const CHARACTERS = 100_000; // of the names in a request, well below the limits of services
const TOO_LARGE = ["too_many_names", "body_too_large", "name_too_long"];

/** Names in a request: few enough to show progress, and fewer once a service accepts fewer. */
export const limits = { names: 500, characters: CHARACTERS };

/** Return a prediction for each name.

    `predict` returns those of some names; before each of several batches, `onProgress` gets how many are done. */
export async function predictAll(names, predict, onProgress) {
  const predictions = [];
  for (const batch of splitIntoBatches(names)) {
    if (batch.length < names.length) onProgress(predictions.length);
    predictions.push(...(await predictBatch(batch, predict)));
  }
  return predictions;
}

export function* splitIntoBatches(names) {
  let batch = [];
  let characters = 0;
  for (const name of names) {
    if (batch.length >= limits.names || (batch.length && characters + name.length > limits.characters)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(name);
    characters += name.length;
  }
  yield batch;
}

/** Predict a batch; if the service rejects it as too large, predict its halves, in the end single names. */
async function predictBatch(names, predict) {
  try {
    return await predict(names);
  } catch (error) {
    if (!TOO_LARGE.includes(error.code)) throw error;
    if (names.length === 1) return [{ label: null, probability: null, abstained: true, reason: error.message }];
    const half = names.length >> 1;
    if (error.code === "too_many_names") limits.names = Math.min(limits.names, half);
    const first = await predictBatch(names.slice(0, half), predict);
    return [...first, ...(await predictBatch(names.slice(half), predict))];
  }
}
