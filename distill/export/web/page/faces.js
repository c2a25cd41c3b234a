// Which face of a photograph is shown to the student, and the face brought to its place: distill/faces/choice.py,
// distill/preprocess/landmarks.py and distill/data/prepared/alignment.py in JavaScript. Change them together; a test
// holds one against the other.

import { pixels, round, scaled, taps } from "./preprocess.js";

const PROMINENT = 2; // a face that is more than so many times smaller than the largest stands in the background

/** One of the faces that were found, or an error that says why there is none; `facts` is what model.json says. */
export function choose({ faces, best }, { height, width }, facts) {
  if (!faces.length) throw new NoFace(`No face is found (best score ${best.toFixed(2)}).`);
  const sure = faces.filter(({ score }) => score >= facts.least_score);
  if (!sure.length) throw new NoFace(`The face is doubtful: score ${faces[0].score.toFixed(2)}, below ${facts.least_score}.`);
  const area = ({ box: [left, top, right, bottom] }) => round((right - left) * (bottom - top));
  let order = sure.sort((a, b) => area(b) - area(a));
  if (facts.face !== "largest") {
    const away = ({ box: [left, top, right, bottom] }) =>
      Math.hypot((left + right) / 2 - (width - 1) / 2, (top + bottom) / 2 - (height - 1) / 2);
    const most = area(order[0]);
    order = order.filter((one) => area(one) * PROMINENT ** 2 >= most).sort((a, b) => away(a) - away(b));
  }
  const [left, top, right, bottom] = order[0].box;
  const size = Math.min(right - left, bottom - top);
  if (size < facts.least_size) throw new NoFace(`The face is small: ${size.toFixed(0)} pixels, below ${facts.least_size}.`);
  const turned = turn(order[0].landmarks);
  if (turned > facts.largest_turn) throw new NoFace(`The face is turned away, by about ${turned.toFixed(0)} degrees.`);
  return order[0];
}

export class NoFace extends Error {}

/** Degrees that a face is turned to a side, from its landmarks, as `Faces.turns` estimates them. */
function turn([left, right, nose, leftMouth, rightMouth]) {
  const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const eyes = middle(left, right);
  const mouth = middle(leftMouth, rightMouth);
  const down = [mouth[0] - eyes[0], mouth[1] - eyes[1]];
  const length = Math.max(Math.hypot(...down), 1e-9);
  const across = (from, to) => Math.abs(((to[1] - from[1]) * down[0] - (to[0] - from[0]) * down[1]) / length);
  return (Math.atan2(across(eyes, nose), across(left, right) / 2) * 180) / Math.PI;
}

/** The rotation, scale and shift {a, b, x, y}, (column, row) to (a column - b row + x, b column + a row + y), that bring
 * landmarks to where they are wanted, by least squares; of `wanted` those count that are not null. */
export function similarity(landmarks, wanted) {
  const known = wanted.map((point, k) => ({ from: landmarks[k], to: point })).filter(({ to }) => to);
  const mean = (which, axis) => known.reduce((sum, one) => sum + one[which][axis], 0) / known.length;
  const [from, to] = ["from", "to"].map((which) => [mean(which, 0), mean(which, 1)]);
  const sums = { same: 0, turned: 0, spread: 0 };
  for (const one of known) {
    const [px, py, qx, qy] = [one.from[0] - from[0], one.from[1] - from[1], one.to[0] - to[0], one.to[1] - to[1]];
    sums.same += px * qx + py * qy;
    sums.turned += px * qy - py * qx;
    sums.spread += px * px + py * py;
  }
  if (!(sums.spread > 0)) throw new NoFace("The landmarks of the face lie on one place.");
  const [a, b] = [sums.same / sums.spread, sums.turned / sums.spread];
  return { a, b, x: to[0] - a * from[0] + b * from[1], y: to[1] - b * from[0] - a * from[1] };
}

/** A source under that transform, as a source of (height, width) pixels; what lies outside is black. */
export function warp(source, { a, b, x: shiftX, y: shiftY }, height, width) {
  const squared = a * a + b * b;
  const place = (column, row) => [
    (a * (column - shiftX) + b * (row - shiftY)) / squared,
    (a * (row - shiftY) - b * (column - shiftX)) / squared,
  ];
  const corners = [place(0, 0), place(width - 1, 0), place(0, height - 1), place(width - 1, height - 1)];
  const reduction = Math.max(1, 1 / Math.sqrt(squared));
  const [left, right] = span(corners.map(([x]) => x), source.width, reduction);
  const [top, bottom] = span(corners.map(([, y]) => y), source.height, reduction);
  const wide = Math.max(1, round((right - left) / reduction));
  const tall = Math.max(1, round((bottom - top) / reduction));
  const rows = taps(top, bottom - top, tall, "bilinear");
  const part = scaled(source, rows, taps(left, right - left, wide, "bilinear"));
  const bytes = new Uint8ClampedArray(height * width * 3);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = place(column, row);
      if (x < -0.5 || x > source.width - 0.5 || y < -0.5 || y > source.height - 0.5) continue;
      const across = Math.min(wide - 1, Math.max(0, ((x - left + 0.5) / (right - left)) * wide - 0.5));
      const down = Math.min(tall - 1, Math.max(0, ((y - top + 0.5) / (bottom - top)) * tall - 0.5));
      const [x0, y0] = [Math.floor(across), Math.floor(down)];
      const [x1, y1] = [Math.min(wide - 1, x0 + 1), Math.min(tall - 1, y0 + 1)];
      const [right1, down1] = [across - x0, down - y0];
      for (let channel = 0; channel < 3; channel++) {
        const at = (line, place) => part[(line * wide + place) * 3 + channel];
        const upper = at(y0, x0) * (1 - right1) + at(y0, x1) * right1;
        const lower = at(y1, x0) * (1 - right1) + at(y1, x1) * right1;
        bytes[(row * width + column) * 3 + channel] = round(upper * (1 - down1) + lower * down1);
      }
    }
  }
  return pixels(bytes, height, width, 3);
}

/** First and end of the pixels of an axis that any of the places is read from, kernels included. */
function span(places, size, reduction) {
  const reach = 2 * reduction + 1;
  const first = Math.min(Math.max(0, Math.floor(Math.min(...places) - reach)), size - 1);
  return [first, Math.max(first + 1, Math.min(size, Math.ceil(Math.max(...places) + reach) + 1))];
}
