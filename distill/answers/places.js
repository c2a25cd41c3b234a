// Where a photograph was taken, in the page: the likeliest cells with their coordinates; no map is fetched.

import { SHOWN, line, make, perCent } from "./lines.js";

export const remembers = false;

export function about({ classes }, resized) {
  return `Guesses where a photograph, ${resized}, was taken, among ${classes.length} cells of the Earth. Do not use it on photographs of people who did not agree to be located.`;
}

/** The likeliest cells, each by the place of its mean photograph; and how far such guesses lay off. */
export function show([answers], contract) {
  const order = answers.map((value, c) => ({ value, c })).sort((a, b) => b.value - a.value);
  const shown = order.slice(0, SHOWN);
  const lines = shown.map(({ value, c }, k) => line(place(contract, c), value, perCent, k === 0));
  const group = (contract.sure_from ?? []).filter((start) => start <= order[0].value).length - 1;
  const held = group < 0 ? [] : [make("p", { text: `Nine in ten guesses as sure lay within ${contract.radii[group].toFixed(0)} km.` })];
  return [make("ol", {}, ...lines), ...held];
}

const place = ({ latitudes, longitudes }, c) => `${degrees(latitudes[c], "N", "S")} ${degrees(longitudes[c], "E", "W")}`;
const degrees = (value, positive, negative) => `${Math.abs(value).toFixed(3)}\u00b0 ${value < 0 ? negative : positive}`;
