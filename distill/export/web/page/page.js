// What the page shows: for each picture what a student sees, in the way of its kind of answers.

import * as kind from "./answers.js";
import { make, spoken } from "./lines.js";
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

async function show(file) {
  const { contract } = model;
  const article = make("article", { "data-file": file.name });
  const list = make("div", { class: "answers" });
  try {
    const { answers, resize, network } = await model.answer(file);
    const time = `${network.toFixed(1)} ms in the network, ${resize.toFixed(1)} ms to resize`;
    const picture = make("div", { class: "picture" }, thumbnail(file, contract), ...(kind.draw?.(answers, contract) ?? []));
    article.append(picture, make("h2", { text: file.name }), make("p", { class: "time", text: time }));
    article.dataset.network = network;
    if (kind.remembers) seen.push({ list, answers });
    list.append(...kind.show(answers, contract, gallery));
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
    gallery.push({ name, answers });
    $("known").append(make("li", {}, thumbnail(file, model.contract), make("span", { text: spoken(name) })));
  } catch (error) {
    $("known").append(make("li", { class: "problem", text: `${file.name}: cannot be read (${error.message})` }));
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
  const resized = `resized (${contract.interpolation}) to ${contract.width} \u00d7 ${contract.height} pixels`;
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
