// Classes that exclude each other in the page.

import { SHOWN, line, make, perCent } from "./lines.js";

export const remembers = false;

export function about({ classes }, resized) {
  return `Tells ${classes.length} classes apart, in a picture ${resized}.`;
}

/** The most probable ones. */
export function show([answers], contract) {
  const order = answers.map((value, c) => ({ value, c })).sort((a, b) => b.value - a.value);
  const lines = order.slice(0, SHOWN).map(({ value, c }, k) => line(contract.classes[c], value, perCent, k === 0));
  return [make("ol", {}, ...lines)];
}
