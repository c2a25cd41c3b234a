// What every kind of answers is shown with: names, bars and numbers.

export const SHOWN = 5; // classes that exclude each other, or faces

/** An element with text, classes and children; text is never read as markup. */
export function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Names as they read best: without underscores, and without the WordNet number that breeds begin with. */
export const spoken = (name) => name.replace(/^n\d{8}-/, "").replaceAll("_", " ");

/** A line with a bar: a name, and what the model says (0 to 1). `counts` brings it out; `threshold` is from where it
 * does, if there is a line to cross. */
export function line(name, value, digits, counts, threshold) {
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
export const perCent = (value) => `${(100 * value).toFixed(1)}\u202f%`;
export const cosine = (value) => value.toFixed(3).replace("-", "\u2212");
