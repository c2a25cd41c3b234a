// Classes that exclude each other in the page.

import { SHOWN, line, make, perCent } from "./lines.js";

export const remembers = false;

export function about({ classes, thresholds }, resized) {
  const rule = thresholds ? ` A likeliest class below ${perCent(thresholds[0])} counts as none of these.` : "";
  return `Tells ${classes.length} classes apart, in a picture ${resized}.${rule}`;
}

/** The most probable ones; and that it is none of these, where the likeliest has less than the file's threshold. */
export function show([answers], contract) {
  const order = answers.map((value, c) => ({ value, c })).sort((a, b) => b.value - a.value);
  const least = contract.thresholds?.[order[0].c] ?? 0;
  const known = order[0].value >= least;
  const shown = order.slice(0, SHOWN);
  const lines = shown.map(({ value, c }, k) => line(contract.classes[c], value, perCent, known && k === 0));
  const none = make("p", { class: "none", text: `None of these: the likeliest has less than ${perCent(least)}.` });
  return [...(known ? [] : [none]), make("ol", {}, ...lines)];
}
