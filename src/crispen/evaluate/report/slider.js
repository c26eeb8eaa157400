"use strict";
/* Two pictures with a divider. Every .slider on the page has its own line, zoom and choice. */
for (const root of document.querySelectorAll(".slider")) {
  const WIDTH = +root.dataset.width, HEIGHT = +root.dataset.height, SHARE = +root.dataset.share;
  const LEVELS = [0, 1, 2, 4];
  const one = (query) => root.querySelector(query), all = (query) => root.querySelectorAll(query);
  const clamp = (v, low, high) => Math.min(Math.max(v, low), Math.max(low, high));
  const stage = one(".stage"), range = one(".split-range"), pictures = all(".sources img");
  let split = 0.5, zoom = 0, centre = { x: WIDTH / 2, y: HEIGHT / 2 }, drag = null;
  const views = [{ box: stage, window: null }];
  const layers = '<img class="right" alt=""><img class="left" alt=""><div class="split"></div>';

  stage.innerHTML = layers;
  for (const box of all(".inset")) {
    const { left, top, side } = box.dataset;
    const window = { left: +left, top: +top, side: +side };
    box.innerHTML = layers;
    views.push({ box, window });
    box.addEventListener("click", () => {
      centre = { x: window.left + window.side / 2, y: window.top + window.side / 2 };
      setZoom(Math.max(2, zoom));
    });
  }
  for (const image of all(".stage img, .inset img")) {
    image.style.width = WIDTH + "px";
    image.style.height = HEIGHT + "px";
  }

  function place(view, factor, x, y) {
    // x, y: the picture's corner in the box; the line is at the same fraction of every box.
    const at = split * view.box.clientWidth, cut = (at - x) / factor;
    for (const image of view.box.querySelectorAll("img"))
      image.style.transform = "translate(" + x + "px," + y + "px) scale(" + factor + ")";
    view.box.querySelector(".left").style.clipPath =
      "inset(0 " + clamp(WIDTH - cut, 0, WIDTH) + "px 0 0)";
    view.box.querySelector(".split").style.left = at + "px";
  }
  function draw() {
    const high = innerHeight * SHARE, fit = Math.min(root.clientWidth / WIDTH, high / HEIGHT);
    stage.style.height = Math.min(HEIGHT * fit, high) + "px";
    stage.style.maxWidth = zoom ? "" : WIDTH * fit + "px";
    const w = stage.clientWidth, h = stage.clientHeight, factor = zoom || w / WIDTH;
    const x = WIDTH * factor <= w ? (w - WIDTH * factor) / 2
      : clamp(w / 2 - centre.x * factor, w - WIDTH * factor, 0);
    const y = HEIGHT * factor <= h ? (h - HEIGHT * factor) / 2
      : clamp(h / 2 - centre.y * factor, h - HEIGHT * factor, 0);
    stage.classList.toggle("crisp", factor >= 2);
    place(views[0], factor, x, y);
    for (const view of views.slice(1)) {
      const scale = view.box.clientWidth / view.window.side;
      place(view, scale, -view.window.left * scale, -view.window.top * scale);
    }
  }
  function setSplit(value) {
    split = clamp(value, 0, 1);
    range.value = split * 100;
    draw();
  }
  function setZoom(value) {
    zoom = value;
    for (const button of all("[data-zoom]"))
      button.setAttribute("aria-pressed", String(+button.dataset.zoom === zoom));
    draw();
  }
  const step = (by) =>
    setZoom(LEVELS[clamp(LEVELS.indexOf(zoom) + by, 0, LEVELS.length - 1)]);
  for (const button of all("[data-zoom]"))
    button.addEventListener("click", () => setZoom(+button.dataset.zoom));

  const share = (event) => (event.clientX - stage.getBoundingClientRect().left) / stage.clientWidth;
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    const near = Math.abs(share(event) - split) * stage.clientWidth < 40;
    drag = zoom === 0 || near ? { line: true } : { x: event.clientX, y: event.clientY, from: centre };
    if (drag.line) setSplit(share(event));
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (drag.line) return setSplit(share(event));
    const halfX = stage.clientWidth / zoom / 2, halfY = stage.clientHeight / zoom / 2;
    const x = drag.from.x - (event.clientX - drag.x) / zoom;
    const y = drag.from.y - (event.clientY - drag.y) / zoom;
    centre = {
      x: clamp(x, Math.min(halfX, WIDTH / 2), WIDTH - halfX),
      y: clamp(y, Math.min(halfY, HEIGHT / 2), HEIGHT - halfY),
    };
    draw();
  });
  for (const end of ["pointerup", "pointercancel"])
    stage.addEventListener(end, () => { drag = null; });
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && zoom === 0 && (event.deltaY > 0 || root.dataset.scrolls)) return;
    event.preventDefault();
    step(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  range.addEventListener("input", () => setSplit(range.value / 100));
  // If it is the only one on the page, the keys work wherever the focus is.
  const listener = root.dataset.scrolls ? root : window;
  listener.addEventListener("keydown", (event) => {
    if (event.target.matches?.("select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") step(1);
    else if (event.key === "-") step(-1);
    else if (event.target !== range && event.key === "ArrowLeft") setSplit(split - 0.02);
    else if (event.target !== range && event.key === "ArrowRight") setSplit(split + 0.02);
  });
  for (const hand of ["left", "right"]) {
    const choose = one(".choose-" + hand);
    const show = () => {
      for (const image of all("img." + hand)) image.src = pictures[choose.value].src;
    };
    choose.addEventListener("change", show);
    show();
  }
  new ResizeObserver(draw).observe(root);
  addEventListener("resize", draw);
  draw();
}
