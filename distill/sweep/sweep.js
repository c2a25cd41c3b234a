"use strict";
// Everything is drawn already; this shows values, lights up one student in all plots, and hides series.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.body.classList.add("script");

  const light = (name) => {
    for (const one of all("[data-name]")) one.classList.toggle("lit", one.dataset.name === name);
  };

  for (const figure of all("figure")) {
    const output = figure.querySelector("output");
    const hint = output.textContent;
    for (const mark of all(".mark", figure)) {
      const show = () => {
        light(mark.dataset.name);
        output.textContent = mark.getAttribute("aria-label");
      };
      const leave = () => {
        light(null);
        output.textContent = hint;
      };
      mark.addEventListener("pointerenter", show);
      mark.addEventListener("focus", show);
      mark.addEventListener("click", show);
      mark.addEventListener("blur", leave);
      mark.addEventListener("pointerleave", (event) => {
        if (event.pointerType === "mouse" && document.activeElement !== mark) leave();
      });
    }
    const hidden = new Set();
    for (const button of all(".legend button", figure)) {
      button.addEventListener("click", () => {
        const pressed = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(pressed));
        const series = button.dataset.series ?? "compared";
        if (pressed) hidden.delete(series);
        else hidden.add(series);
        for (const one of all("svg [data-series]", figure)) {
          const gone = hidden.has(one.dataset.series) || (hidden.has("compared") && one.classList.contains("compared"));
          one.style.display = gone ? "none" : "";
        }
      });
    }
  }

  for (const row of all("tr[data-name]")) {
    row.addEventListener("pointerenter", () => light(row.dataset.name));
    row.addEventListener("pointerleave", () => light(null));
  }

  const axes = all("[data-axis]");
  for (const button of axes) {
    button.addEventListener("click", () => {
      document.body.classList.toggle("linear-axis", button.dataset.axis === "linear");
      for (const one of axes) one.setAttribute("aria-pressed", String(one === button));
    });
  }
})();
