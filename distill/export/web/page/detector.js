// A face detector in this browser: distill/faces/detector.py and decoding.py in JavaScript. Change them together; a test
// holds one against the other.
//
// A face is `{score, box, landmarks}`: left, top, right, bottom and five (x, y) in pixels of the upright photograph, the
// centre of whose first pixel is (0, 0).

import { resize, round, taps } from "./preprocess.js";

const STRIDES = [8, 16, 32];
const SIDES = { 8: [16, 32], 16: [64, 128], 32: [256, 512] }; // of RetinaFace's boxes in pixels, by stride

/** The faces in a photograph, the surest first, and the `best` score of any place in it.
 *
 * `facts` is what model.json says of the detector; `run` takes floats (1, 3, height, width) and their shape to the outputs,
 * `{columns, rows, data}` each.
 */
export async function detect(source, facts, run) {
  const largest = facts.fixed ? Math.min(facts.fixed[0] / source.height, facts.fixed[1] / source.width) : 1;
  const scale = Math.min(1, facts.side / Math.max(source.height, source.width), largest);
  const [height, width] = [source.height, source.width].map((size) => Math.max(1, round(size * scale)));
  const [tall, wide] = facts.fixed ?? [height, width].map((size) => Math.ceil(size / facts.multiple) * facts.multiple);
  const rows = taps(0, source.height, height, "bilinear");
  const bytes = resize(source, rows, taps(0, source.width, width, "bilinear"));
  const outputs = await run(shown(bytes, width, tall, wide, facts), [1, 3, tall, wide]);
  const found = LAYOUTS[facts.layout](outputs, tall, wide);
  const best = found.reduce((most, { score }) => Math.max(most, score), 0);
  const kept = apart(found.filter(({ score }) => score >= facts.least), facts.overlap);
  const ratio = [source.width / width, source.height / height];
  const back = (place, axis) => (place + 0.5) * ratio[axis] - 0.5;
  const faces = kept.map(({ score, box, landmarks }) => ({
    score,
    box: box.map((edge, k) => back(edge, k % 2)),
    landmarks: landmarks.map((point) => point.map(back)),
  }));
  return { faces, best };
}

/** Bytes (h, width, 3) as the detector wants them: floats (3, tall, wide), black below and to the right. */
function shown(bytes, width, tall, wide, { bgr, mean, scale }) {
  const floats = new Float32Array(3 * tall * wide);
  for (let channel = 0; channel < 3; channel++) {
    const plane = floats.subarray(channel * tall * wide, (channel + 1) * tall * wide).fill(-mean[channel] * scale);
    for (let from = bgr ? 2 - channel : channel, pixel = 0; from < bytes.length; from += 3, pixel++) {
      plane[Math.floor(pixel / width) * wide + (pixel % width)] = (bytes[from] - mean[channel]) * scale;
    }
  }
  return floats;
}

/** The outputs with so many columns, the finest stride first. */
const having = (outputs, columns) => outputs.filter((one) => one.columns === columns).sort((a, b) => b.rows - a.rows);
const row = ({ columns, data }, number) => Array.from(data.subarray(number * columns, (number + 1) * columns));
const cell = (number, stride, wide) => {
  const across = Math.ceil(wide / stride);
  return [number % across, Math.floor(number / across)];
};
const points = (values, place) => Array.from({ length: 5 }, (_, k) => [place(values[2 * k], 0), place(values[2 * k + 1], 1)]);

function yunet(outputs, tall, wide) {
  const [ones, boxes, landmarks] = [1, 4, 10].map((columns) => having(outputs, columns));
  const share = (value) => Math.min(1, Math.max(0, value));
  return STRIDES.flatMap((stride, k) =>
    Array.from(ones[2 * k].data, (one, number) => {
      const at = cell(number, stride, wide);
      const [x, y, width, height] = row(boxes[k], number);
      const [left, top] = [at[0] + x - Math.exp(width) / 2, at[1] + y - Math.exp(height) / 2];
      return {
        score: Math.sqrt(share(one) * share(ones[2 * k + 1].data[number])),
        box: [left, top, left + Math.exp(width), top + Math.exp(height)].map((edge) => edge * stride),
        landmarks: points(row(landmarks[k], number), (value, axis) => (at[axis] + value) * stride),
      };
    }),
  );
}

function scrfd(outputs, tall, wide) {
  const [scores, boxes, landmarks] = [1, 4, 10].map((columns) => having(outputs, columns));
  const anchors = scores.length === STRIDES.length ? 2 : 1;
  return scores.flatMap(({ data }, k) => {
    const stride = STRIDES[0] * 2 ** k;
    return Array.from(data, (score, number) => {
      const [x, y] = cell(Math.floor(number / anchors), stride, wide);
      const [left, top, right, bottom] = row(boxes[k], number);
      return {
        score,
        box: [x - left, y - top, x + right, y + bottom].map((edge) => edge * stride),
        landmarks: points(row(landmarks[k], number), (value, axis) => ([x, y][axis] + value) * stride),
      };
    });
  });
}

function retinaface(outputs, tall, wide) {
  const [[boxes], [confidences], [landmarks]] = [4, 2, 10].map((columns) => having(outputs, columns));
  // Some files are exported without their last step, the softmax.
  const shares = Array.from({ length: confidences.rows }, (_, number) => row(confidences, number));
  const whole = shares.every(([other, face]) => Math.abs(other + face - 1) <= 1e-3);
  const counts = STRIDES.map((stride) => 2 * Math.ceil(tall / stride) * Math.ceil(wide / stride));
  return STRIDES.flatMap((stride, k) => {
    const begin = counts.slice(0, k).reduce((sum, count) => sum + count, 0);
    return Array.from({ length: counts[k] }, (_, number) => {
      const [other, face] = shares[begin + number];
      const side = SIDES[stride][number % 2];
      const centre = cell(Math.floor(number / 2), stride, wide).map((place) => (place + 0.5) * stride);
      const [x, y, width, height] = row(boxes, begin + number);
      const half = [width, height].map((value) => (side * Math.exp(value * 0.2)) / 2);
      const middle = [centre[0] + x * 0.1 * side, centre[1] + y * 0.1 * side];
      return {
        score: whole ? face : 1 / (1 + Math.exp(other - face)),
        box: [middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]],
        landmarks: points(row(landmarks, begin + number), (value, axis) => centre[axis] + value * 0.1 * side),
      };
    });
  });
}

const LAYOUTS = { yunet, scrfd, retinaface };

/** Those that no surer one overlaps by more than that IoU, the surest first. */
function apart(found, overlap) {
  const kept = [];
  for (const one of found.sort((a, b) => b.score - a.score)) {
    if (!kept.some((other) => shared(other.box, one.box) > overlap)) kept.push(one);
  }
  return kept;
}

function shared(a, b) {
  const area = ([left, top, right, bottom]) => Math.max(0, right - left) * Math.max(0, bottom - top);
  const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return both / (area(a) + area(b) - both);
}
