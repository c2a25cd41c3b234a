// What the page shows: for each picture the classes a student sees, or the nearest of the faces it was given before.

import { loadModel } from "./model.js";

const SHOWN = 5; // classes that exclude each other, or faces
const $ = (id) => document.getElementById(id);
const gallery = []; // {name, embedding}
const seen = []; // {list, embedding}, to be searched again when the gallery grows

let model;
let queue = Promise.resolve(); // one picture after another, or their times would be of each other

/** An element with text, classes and children; text is never read as markup. */
function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Names as they read best: without underscores, and without the WordNet number that breeds begin with. */
const spoken = (name) => name.replace(/^n\d{8}-/, "").replaceAll("_", " ");

/** A line with a bar: a name, and what the model says (0 to 1). `counts` brings it out; `threshold` is from where it
 * does, if there is a line to cross. */
function line(name, value, digits, counts, threshold) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span", { class: "filled" }));
  bar.firstChild.style.width = share(value);
  if (threshold !== undefined) {
    bar.append(make("span", { class: "threshold" }));
    bar.lastChild.style.left = share(threshold);
  }
  return make(
    "li",
    { class: counts ? "counts" : "", "data-name": name, "data-value": value },
    make("span", { class: "mark", text: counts ? "\u2713" : "" }),
    make("span", { class: "name", text: spoken(name) }),
    make("span", { class: "value", text: digits(value) }),
    bar,
  );
}

const share = (value) => `${100 * Math.min(1, Math.max(0, value))}%`;
const perCent = (value) => `${(100 * value).toFixed(1)}\u202f%`;
const cosine = (value) => value.toFixed(3).replace("-", "\u2212");

/** Every class by itself: what is present at the file's thresholds first, the rest folded away. */
function attributeLines(answers, contract) {
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

/** The most probable of classes that exclude each other. */
function classLines(answers, contract) {
  const order = answers.map((value, c) => ({ value, c })).sort((a, b) => b.value - a.value);
  const lines = order.slice(0, SHOWN).map(({ value, c }, k) => line(contract.classes[c], value, perCent, k === 0));
  return [make("ol", {}, ...lines)];
}

/** The faces of the gallery that are most alike; answers are of length 1, so a product is a cosine. */
function faceLines(embedding, contract) {
  if (!gallery.length) return [make("p", { text: "Add faces you know above to see which is nearest." })];
  const threshold = Object.values(contract.far_thresholds ?? {})[0];
  const order = gallery
    .map(({ name, embedding: known }) => ({ name, value: known.reduce((sum, x, d) => sum + x * embedding[d], 0) }))
    .sort((a, b) => b.value - a.value);
  const lines = order.slice(0, SHOWN).map(({ name, value }) => line(name, value, cosine, value >= threshold, threshold));
  return [make("ol", {}, ...lines)];
}

const FITS = { crop: "cover", stretch: "fill", pad: "contain" }; // in the words of CSS

/** A picture in the frame the student sees, as it is fitted into it. */
function thumbnail(file, { picture_height: height, picture_width: width, fit }) {
  const image = make("img", { alt: "", src: URL.createObjectURL(file) });
  image.style.aspectRatio = `${width} / ${height}`;
  image.style.objectFit = FITS[fit];
  if (fit === "pad") image.style.background = "rgb(114 114 114)";
  const done = () => URL.revokeObjectURL(image.src);
  image.addEventListener("load", done);
  image.addEventListener("error", done);
  return image;
}

async function show(file) {
  const { contract } = model;
  const article = make("article", { "data-file": file.name });
  const list = make("div", { class: "answers" });
  try {
    const { answers, resize, network } = await model.answer(file);
    const time = `${network.toFixed(1)} ms in the network, ${resize.toFixed(1)} ms to resize`;
    article.append(thumbnail(file, contract), make("h2", { text: file.name }), make("p", { class: "time", text: time }));
    article.dataset.network = network;
    if (contract.gives === "embedding") {
      seen.push({ list, embedding: answers });
      list.append(...faceLines(answers, contract));
    } else {
      list.append(...(contract.gives === "softmax" ? classLines : attributeLines)(answers, contract));
    }
  } catch (error) {
    article.append(make("h2", { text: file.name }));
    list.append(make("p", { class: "problem", text: `This browser cannot read it as a picture (${error.message}).` }));
  }
  article.append(list);
  $("results").prepend(article);
}

async function remember(file) {
  try {
    const { answers } = await model.answer(file);
    const name = file.name.replace(/\.[^.]*$/, "");
    gallery.push({ name, embedding: answers });
    $("known").append(make("li", {}, thumbnail(file, model.contract), make("span", { text: spoken(name) })));
  } catch (error) {
    $("known").append(make("li", { class: "problem", text: `${file.name}: cannot be read (${error.message})` }));
  }
  for (const { list, embedding } of seen) list.replaceChildren(...faceLines(embedding, model.contract));
}

/** Files from a zone's button, or dropped on it, go to `take` one by one. */
function listen(zone, take) {
  const input = zone.querySelector("input");
  const all = (files) => {
    for (const file of files) queue = queue.then(() => take(file));
  };
  input.addEventListener("change", () => {
    all([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  });
  for (const event of ["dragenter", "dragover"]) {
    zone.addEventListener(event, (drag) => {
      drag.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (drop) => {
    drop.preventDefault();
    zone.classList.remove("over");
    all([...drop.dataTransfer.files]);
  });
}

/** What the student takes and gives, in a few sentences. */
function describe({ gives, classes, dimensions, far_thresholds: thresholds, height, width, interpolation }) {
  const resized = `resized (${interpolation}) to ${width} \u00d7 ${height} pixels`;
  if (gives === "softmax") return `Tells ${classes.length} classes apart, in a picture ${resized}.`;
  if (gives === "probabilities") {
    const rule = "The line across a bar is the probability from which one counts as present.";
    return `Looks for ${classes.length} attributes, in a picture ${resized}. ${rule}`;
  }
  const [first] = Object.entries(thresholds ?? {});
  const rule = first ? ` From ${cosine(first[1])} on, the line across a bar, two count as one person (FAR ${first[0]}).` : "";
  const known = `Turns a face, ${resized}, into an embedding of ${dimensions} dimensions: the larger the cosine, the more alike.`;
  return `${known}${rule} It finds no faces: give pictures that are cut and aligned as those it was trained on.`;
}

// A picture dropped beside its zone would replace the page.
for (const event of ["dragover", "drop"]) addEventListener(event, (dropped) => dropped.preventDefault());
try {
  $("state").textContent = "Loading the student\u2026";
  model = await loadModel();
  const { contract } = model;
  document.title = $("title").textContent = contract.title;
  $("about").textContent = describe(contract);
  $("runtime").textContent = `${contract.title} in ${contract.runtime}`;
  $("faces").hidden = contract.gives !== "embedding";
  listen($("faces"), remember);
  listen($("pictures"), show);
  $("state").hidden = true;
  $("page").hidden = false;
} catch (error) {
  $("state").textContent = `The student cannot be loaded: ${error.message}`;
}
