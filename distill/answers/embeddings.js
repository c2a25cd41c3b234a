// Embeddings in the page: the nearest of the faces it was given before.

import { SHOWN, cosine, line, make } from "./lines.js";

export const remembers = true;

export function about({ dimensions, far_thresholds: thresholds, detector }, resized) {
  const [first] = Object.entries(thresholds ?? {});
  const rule = first ? ` From ${cosine(first[1])} on, the line across a bar, two count as one person (FAR ${first[0]}).` : "";
  const known = `Turns a face, ${resized}, into an embedding of ${dimensions} dimensions: the larger the cosine, the more alike.`;
  const cut = detector ? "" : " It finds no faces: give pictures that are cut and aligned as those it was trained on.";
  return `${known}${rule}${cut}`;
}

/** The faces of the gallery that are most alike; answers are of length 1, so a product is a cosine. */
export function show([embedding], contract, gallery) {
  if (!gallery.length) return [make("p", { text: "Add faces you know above to see which is nearest." })];
  const threshold = Object.values(contract.far_thresholds ?? {})[0];
  const order = gallery
    .map(({ name, answers: [known] }) => ({ name, value: known.reduce((sum, x, d) => sum + x * embedding[d], 0) }))
    .sort((a, b) => b.value - a.value);
  const lines = order.slice(0, SHOWN).map(({ name, value }) => line(name, value, cosine, value >= threshold, threshold));
  return [make("ol", {}, ...lines)];
}
