// From the pixels of a picture to the graph's input, by the kernels the student was trained with: `fit` and
// `Preprocess.resize` of distill/preprocess.py, over the taps of distill/resampling.py. Change them together; a test
// holds one against the other. A canvas's own scaling is of no use here: each browser has another kernel.
//
// Shapes: H W pixels in, h w pixels out.
// A source is `{height, width, channels, rows(first, count)}`; `rows` gives the bytes of some of its lines, of which the
// first three channels of a pixel are read.

const SUPPORT = { bilinear: 1, bicubic: 2 }; // half the width of a kernel, in pixels of the coarser grid
const PADDING = 114; // grey of all three channels
const STRIP = 2 ** 20; // pixels read at a time: phones refuse a canvas of a whole photograph

/** A picture as the graph wants it, bytes (height, width, 3).
 *
 * `contract` is the file's metadata: `picture_height` and `picture_width` of the prepared picture, how others become such
 * (`fit`), its `crop` as shares (top, left, height, width), and `height`, `width` and `interpolation` of the graph's input.
 */
export function preprocess(source, contract) {
  const prepared = fit(source, contract.picture_height, contract.picture_width, contract.fit);
  const [top, left, height, width] = contract.crop;
  return resize(
    prepared,
    taps(top * prepared.height, height * prepared.height, contract.height, contract.interpolation),
    taps(left * prepared.width, width * prepared.width, contract.width, contract.interpolation),
  );
}

/** A picture brought to one size, as a source: by "crop" its largest centred box of that shape, resized; by "stretch"
 * all of it; by "pad" all of it in its own shape, centred on grey; by "pad_corner" the same in the upper left corner. */
export function fit(source, height, width, how) {
  const whole = { top: 0, left: 0, height: source.height, width: source.width };
  const shown = how === "crop" ? centred(source, { height, width }) : whole;
  const padding = how === "pad" || how === "pad_corner";
  const filled = padding ? centred({ height, width }, source) : { top: 0, left: 0, height, width };
  if (how === "pad_corner") filled.top = filled.left = 0;
  const rows = taps(shown.top, shown.height, filled.height, "bilinear");
  const bytes = resize(source, rows, taps(shown.left, shown.width, filled.width, "bilinear"));
  if (!padding) return pixels(bytes, height, width, 3);
  const padded = new Uint8ClampedArray(height * width * 3).fill(PADDING);
  const line = filled.width * 3;
  for (let row = 0; row < filled.height; row++) {
    padded.set(bytes.subarray(row * line, (row + 1) * line), ((filled.top + row) * width + filled.left) * 3);
  }
  return pixels(padded, height, width, 3);
}

/** The largest part of one size that has the shape of another, centred. */
function centred(size, shape) {
  const height = Math.min(size.height, Math.max(1, round((size.width * shape.height) / shape.width)));
  const width = Math.min(size.width, Math.max(1, round((size.height * shape.width) / shape.height)));
  return { top: Math.floor((size.height - height) / 2), left: Math.floor((size.width - width) / 2), height, width };
}

/** Bytes (height, width, channels) as a source. */
export function pixels(bytes, height, width, channels) {
  const line = width * channels;
  return { height, width, channels, rows: (first, count) => bytes.subarray(first * line, (first + count) * line) };
}

/** For each of `count` output pixels of an axis the input pixels it is made of: the first of them, and their weights.
 *
 * The kernel is widened by the reduction where it reduces; pixels outside the stretch from `start` on weigh nothing.
 */
export function taps(start, length, count, interpolation) {
  const support = SUPPORT[interpolation];
  const scale = Math.max(1, length / count);
  return Array.from({ length: count }, (_, out) => {
    const centre = start + (out + 0.5) * (length / count);
    const first = Math.max(Math.floor(start), Math.floor(centre - support * scale + 0.5));
    const last = Math.min(Math.ceil(start + length), Math.ceil(centre + support * scale)) - 1;
    const weights = [];
    for (let pixel = first; pixel <= last; pixel++) {
      const inside = pixel + 0.5 > start && pixel + 0.5 < start + length;
      weights.push(inside ? weigh(Math.abs(centre - pixel - 0.5) / scale, interpolation) : 0);
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

function weigh(distance, interpolation) {
  if (interpolation === "bilinear") return Math.max(0, 1 - distance);
  const a = -0.5; // Keys' cubic
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return distance < 2 ? ((distance - 5) * distance + 8) * distance * a - 4 * a : 0;
}

/** Bytes (h, w, 3) from a source under the taps of its rows (h) and columns (w). */
export function resize(source, rows, columns) {
  return new Uint8ClampedArray(scaled(source, rows, columns).map(round));
}

/** The same on the same scale, not rounded. */
export function scaled(source, rows, columns) {
  const narrow = new Float64Array(source.height * columns.length * 3);
  const top = Math.min(...rows.map(({ first }) => first));
  const bottom = Math.max(...rows.map(({ first, weights }) => first + weights.length));
  const strip = Math.max(1, Math.floor(STRIP / source.width));
  for (let first = top; first < bottom; first += strip) {
    const count = Math.min(strip, bottom - first);
    across(source.rows(first, count), source, count, columns, narrow, first);
  }
  return down(narrow, rows, columns.length * 3);
}

/** Resize some lines along their columns, into `narrow` (H, w, 3) from line `into` on. */
function across(bytes, { width, channels }, lines, columns, narrow, into) {
  let place = into * columns.length * 3;
  for (let line = 0; line < lines; line++) {
    for (const { first, weights } of columns) {
      let from = (line * width + first) * channels;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (const weight of weights) {
        red += weight * bytes[from];
        green += weight * bytes[from + 1];
        blue += weight * bytes[from + 2];
        from += channels;
      }
      narrow[place++] = red;
      narrow[place++] = green;
      narrow[place++] = blue;
    }
  }
}

/** Resize lines of `width` values along the rows. */
function down(narrow, rows, width) {
  const values = new Float64Array(rows.length * width);
  rows.forEach(({ first, weights }, row) => {
    const sums = values.subarray(row * width, (row + 1) * width);
    weights.forEach((weight, tap) => {
      const from = (first + tap) * width;
      for (let column = 0; column < width; column++) sums[column] += weight * narrow[from + column];
    });
  });
  return values;
}

/** To the nearest whole number, halves to the even one, as torch and Python round: halves are common where a picture is
 * reduced to half its size. */
export function round(value) {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}
