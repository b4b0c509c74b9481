// node classify.mjs languages.onnx Nakamura Müller
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web/wasm";
import { classify, open } from "./elman.mjs";

ort.env.wasm.numThreads = 1; // a name is too short for several
const [file, ...names] = process.argv.slice(2);
const model = await open(ort, new Uint8Array(await readFile(file)));
for (const [place, { top, reason }] of (await classify(model, names)).entries()) {
  const best = top.map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`);
  console.log(`${names[place]}: ${reason ?? best.join(", ")}`);
}
