// The student in this browser: a picture's file goes in, its answers come out. No picture leaves the page.

import * as ort from "./ort.wasm.bundle.min.mjs";
import { detect } from "./detector.js";
import { choose, similarity, warp } from "./faces.js";
import { preprocess } from "./preprocess.js";

/** Load the student that lies beside this page, and the face detector where there is one; its `contract` is what
 * model.json says of it. */
export async function loadModel() {
  const contract = await (await fetch(beside("model.json"))).json();
  ort.env.wasm.wasmPaths = { wasm: beside("ort-wasm-simd-threaded.wasm") };
  // More threads need headers that a plain server does not send.
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(beside(contract.file), { executionProviders: ["wasm"] });
  const run = async (input) => {
    const shape = [1, contract.height, contract.width, 3];
    const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor("uint8", input, shape) });
    return session.outputNames.map((name) => Array.from(outputs[name].data));
  };
  const find = contract.detector && (await loadDetector(contract));
  await run(new Uint8Array(contract.height * contract.width * 3)); // the first run is slow, and tells of no other
  return {
    contract,
    /** `answers` to a picture's file, an array for each output, and how long the `resize` and the `network` took, in
     * milliseconds; with a detector also the photograph's `height` and `width`, the `face` that was found in it, and its
     * `crop`, a source of the prepared size. */
    async answer(file) {
      const picture = await read(file);
      try {
        const face = find && (await find(picture));
        const started = performance.now();
        const crop = face && warp(picture, face.matrix, contract.picture_height, contract.picture_width);
        const input = new Uint8Array(preprocess(crop ?? picture, contract).buffer);
        const ready = performance.now();
        const answers = await run(input);
        const times = { resize: ready - started, network: performance.now() - ready };
        return { answers, ...times, height: picture.height, width: picture.width, face, crop };
      } finally {
        picture.close();
      }
    },
  };
}

/** What finds the face of a photograph, a source: where it is, how it comes to its place (`matrix`), and how long that
 * took (`find`), in milliseconds. */
async function loadDetector({ detector: facts }) {
  const session = await ort.InferenceSession.create(beside(facts.file), { executionProviders: ["wasm"] });
  const run = async (input, shape) => {
    const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", input, shape) });
    return session.outputNames.map((name) => {
      const { dims, data } = outputs[name];
      return { columns: dims.at(-1), rows: data.length / dims.at(-1), data };
    });
  };
  return async (picture) => {
    const started = performance.now();
    const face = choose(await detect(picture, facts, run), picture, facts);
    return { ...face, matrix: similarity(face.landmarks, facts.points), find: performance.now() - started };
  };
}

/** A picture's file as a source of `preprocess`: upright, without colour management, over white where it is transparent,
 * as distill/data/prepared/decode.py reads it. */
async function read(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { height, width } = bitmap;
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return {
    height,
    width,
    channels: 4,
    rows(first, count) {
      Object.assign(canvas, { height: count, width });
      context.fillStyle = "white";
      context.fillRect(0, 0, width, count);
      context.drawImage(bitmap, 0, -first);
      return context.getImageData(0, 0, width, count).data;
    },
    close: () => bitmap.close(),
  };
}

function beside(name) {
  return new URL(name, import.meta.url).href;
}
