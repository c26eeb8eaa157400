"use strict";
/* Values at the pointer, or at the position of the arrow keys. */
for (const figure of document.querySelectorAll(".chart")) {
  const facts = JSON.parse(figure.querySelector("script").textContent);
  const svg = figure.querySelector("svg[role=img]"), cursor = figure.querySelector(".cursor");
  const line = cursor.querySelector("line"), reading = figure.querySelector(".reading");
  const steps = [...new Set(facts.series.flatMap((s) => s.points.map((p) => p[0])))];
  steps.sort((a, b) => a - b);
  let at = -1;

  const near = (values, x) => values.reduce(
    (best, value, i) => Math.abs(value - x) < Math.abs(values[best] - x) ? i : best, 0);
  function show(x) {
    const rows = [];
    let where = "";
    for (const series of facts.series) {
      const i = near(series.points.map((p) => p[0]), x);
      if (Math.abs(series.points[i][0] - x) > 12) continue;
      where = series.xs[i];
      const row = document.createElement("span");
      row.className = "t" + series.color;
      row.textContent = series.label + " " + series.points[i][2];
      rows.push(row);
    }
    reading.replaceChildren(facts.x + " " + where, ...rows);
    for (const end of ["x1", "x2"]) line.setAttribute(end, x);
    cursor.removeAttribute("hidden");
  }
  function hide() {
    cursor.setAttribute("hidden", "");
    reading.replaceChildren();
    at = -1;
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    at = near(steps, (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width);
    show(steps[at]);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    at = Math.min(Math.max(at + by, 0), steps.length - 1);
    show(steps[at]);
  });
}
