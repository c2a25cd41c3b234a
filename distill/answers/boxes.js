// Boxes in the page: drawn over the picture, and listed.

import { line, make, perCent, spoken } from "./lines.js";

export const remembers = false;

const SURE = 0.3; // scores from which a box is shown
const SAME = 0.6; // intersection over union from which two boxes of a class are of one thing
const COLOURS = 12; // as many hues, far apart for classes that follow one another

export function about({ classes }, resized) {
  return `Finds things of ${classes.length} ${classes.length === 1 ? "class" : "classes"} in a picture, ${resized}.`;
}

/** Each thing once, the surest first: of boxes of one class that overlap, the less sure go. */
export function found([boxes, scores], { classes }) {
  const candidates = [];
  scores.forEach((score, place) => {
    if (score < SURE) return;
    const k = Math.floor(place / classes.length);
    candidates.push({ score, c: place % classes.length, box: boxes.slice(4 * k, 4 * k + 4) });
  });
  const kept = [];
  for (const one of candidates.sort((a, b) => b.score - a.score)) {
    if (!kept.some((other) => other.c === one.c && overlap(other.box, one.box) > SAME)) kept.push(one);
  }
  return kept;
}

function overlap(a, b) {
  const area = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return both / (area(a) + area(b) - both);
}

/** Over the picture, a frame around each thing; the surest on top. */
export function draw(answers, contract) {
  return found(answers, contract).map(({ box, c, score }, place, things) => {
    const [left, top, right, bottom] = box.map((edge) => 100 * Math.min(1, Math.max(0, edge)));
    const label = make("span", { text: `${spoken(contract.classes[c])} ${perCent(score)}` });
    const frame = make("div", { class: "box", "data-name": contract.classes[c] }, label);
    frame.style.cssText = `left: ${left}%; top: ${top}%; width: ${right - left}%; height: ${bottom - top}%`;
    frame.style.zIndex = things.length - place;
    frame.style.setProperty("--hue", `${(360 / COLOURS) * ((5 * c) % COLOURS)}deg`);
    return frame;
  });
}

export function show(answers, contract) {
  const things = found(answers, contract);
  if (!things.length) return [make("p", { text: `Nothing is found with ${perCent(SURE)} or more.` })];
  return [make("ol", {}, ...things.map(({ c, score }) => line(contract.classes[c], score, perCent, true)))];
}
