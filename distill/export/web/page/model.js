// The student in this browser: a picture's file goes in, its answers come out. No picture leaves the page.

import * as ort from "./ort.wasm.bundle.min.mjs";
import { preprocess } from "./preprocess.js";

/** Load the student that lies beside this page; its `contract` is what model.json says of it. */
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
  await run(new Uint8Array(contract.height * contract.width * 3)); // the first run is slow, and tells of no other
  return {
    contract,
    /** `answers` to a picture's file, an array for each output, and how long the `resize` and the `network` took, in milliseconds. */
    async answer(file) {
      const picture = await read(file);
      const started = performance.now();
      const input = new Uint8Array(preprocess(picture, contract).buffer);
      picture.close();
      const ready = performance.now();
      const answers = await run(input);
      return { answers, resize: ready - started, network: performance.now() - ready };
    },
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
