// What the page shows: for each picture what a student sees, in the way of its kind of answers.

import * as kind from "./answers.js";
import { NoFace } from "./faces.js";
import { make, perCent, spoken } from "./lines.js";
import { loadModel } from "./model.js";

const $ = (id) => document.getElementById(id);
const gallery = []; // {name, answers} of pictures to compare with
const seen = []; // {list, answers}, to be compared again when the gallery grows

let model;
let queue = Promise.resolve(); // one picture after another, or their times would be of each other

const FITS = { crop: "cover", stretch: "fill", pad: "contain", pad_corner: "contain" }; // in the words of CSS

/** A picture in the frame the student sees, as it is fitted into it. */
function thumbnail(file, { picture_height: height, picture_width: width, fit }) {
  const image = make("img", { alt: "", src: URL.createObjectURL(file) });
  image.style.aspectRatio = `${width} / ${height}`;
  image.style.objectFit = FITS[fit];
  if (fit.startsWith("pad")) image.style.background = "rgb(114 114 114)";
  if (fit === "pad_corner") image.style.objectPosition = "left top";
  const done = () => URL.revokeObjectURL(image.src);
  image.addEventListener("load", done);
  image.addEventListener("error", done);
  return image;
}

/** The photograph with the face's box and landmarks over it, and below it the face as the student sees it. */
function found(file, { height, width, face, crop }) {
  const share = (place, size) => `${(100 * (place + 0.5)) / size}%`;
  const [left, top, right, bottom] = face.box;
  const frame = make("div", { class: "box" }, make("span", { text: `face ${perCent(face.score)}` }));
  frame.style.cssText = `left: ${share(left, width)}; top: ${share(top, height)}; --hue: 205deg`;
  frame.style.width = `${(100 * (right - left)) / width}%`;
  frame.style.height = `${(100 * (bottom - top)) / height}%`;
  const points = face.landmarks.map(([x, y]) => {
    const point = make("div", { class: "point" });
    point.style.cssText = `left: ${share(x, width)}; top: ${share(y, height)}`;
    return point;
  });
  const photograph = thumbnail(file, { picture_height: height, picture_width: width, fit: "stretch" });
  const whole = make("div", { class: "whole", "data-face": JSON.stringify(face) }, photograph, frame, ...points);
  return [whole, drawn(crop)];
}

/** A source of three channels as an element. */
function drawn({ height, width, rows }) {
  const canvas = make("canvas", { class: "crop", height, width });
  const image = new ImageData(width, height);
  image.data.fill(255);
  rows(0, height).forEach((value, place) => (image.data[4 * Math.floor(place / 3) + (place % 3)] = value));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

async function show(file) {
  const { contract } = model;
  const article = make("article", { "data-file": file.name });
  const list = make("div", { class: "answers" });
  try {
    const result = await model.answer(file);
    const { answers, resize, network, face } = result;
    const find = face ? `, ${face.find.toFixed(1)} ms to find the face` : "";
    const time = `${network.toFixed(1)} ms in the network, ${resize.toFixed(1)} ms to resize${find}`;
    const plain = () => [thumbnail(file, contract), ...(kind.draw?.(answers, contract) ?? [])];
    article.append(make("div", { class: "picture" }, ...(face ? found(file, result) : plain())));
    article.append(make("h2", { text: file.name }), make("p", { class: "time", text: time }));
    article.dataset.network = network;
    if (kind.remembers) seen.push({ list, answers });
    list.append(...kind.show(answers, contract, gallery));
  } catch (error) {
    article.append(make("h2", { text: file.name }));
    const unread = `This browser cannot read it as a picture (${error.message}).`;
    list.append(make("p", { class: "problem", text: error instanceof NoFace ? error.message : unread }));
  }
  article.append(list);
  $("results").prepend(article);
}

async function remember(file) {
  try {
    const { answers, crop } = await model.answer(file);
    const name = file.name.replace(/\.[^.]*$/, "");
    gallery.push({ name, answers });
    $("known").append(make("li", {}, crop ? drawn(crop) : thumbnail(file, model.contract), make("span", { text: spoken(name) })));
  } catch (error) {
    $("known").append(make("li", { class: "problem", text: `${file.name}: cannot be used (${error.message})` }));
  }
  for (const { list, answers } of seen) list.replaceChildren(...kind.show(answers, model.contract, gallery));
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

// A picture dropped beside its zone would replace the page.
for (const event of ["dragover", "drop"]) addEventListener(event, (dropped) => dropped.preventDefault());
try {
  $("state").textContent = "Loading the student\u2026";
  model = await loadModel();
  const { contract } = model;
  document.title = $("title").textContent = contract.title;
  const upright = contract.detector ? "found in a photograph, turned upright and " : "";
  const resized = `${upright}resized (${contract.interpolation}) to ${contract.width} \u00d7 ${contract.height} pixels`;
  $("about").textContent = kind.about(contract, resized);
  $("runtime").textContent = `${contract.title} in ${contract.runtime}`;
  $("faces").hidden = !kind.remembers;
  listen($("faces"), remember);
  listen($("pictures"), show);
  $("state").hidden = true;
  $("page").hidden = false;
} catch (error) {
  $("state").textContent = `The student cannot be loaded: ${error.message}`;
}
