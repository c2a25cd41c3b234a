// Attributes in the page: every class by itself.

import { line, make, perCent } from "./lines.js";

export const remembers = false;

export function about({ classes }, resized) {
  const rule = "The line across a bar is the probability from which one counts as present.";
  return `Looks for ${classes.length} attributes, in a picture ${resized}. ${rule}`;
}

/** What is present at the file's thresholds first, the rest folded away. */
export function show([answers], contract) {
  const thresholds = contract.thresholds ?? contract.classes.map(() => 0.5);
  const order = answers.map((value, c) => ({ value, c, present: value >= thresholds[c] }));
  order.sort((a, b) => b.present - a.present || b.value - a.value);
  const lines = order.map((one) => line(contract.classes[one.c], one.value, perCent, one.present, thresholds[one.c]));
  const present = order.filter((one) => one.present).length;
  const absent = make("details", {}, make("summary", { text: `${lines.length - present} not seen` }));
  absent.append(make("ul", {}, ...lines.slice(present)));
  absent.open = present === 0;
  return present ? [make("ul", {}, ...lines.slice(0, present)), absent] : [absent];
}
