// Both clips are halves of one video: the canvas shows the left one up to the line, then the right.
for (const root of document.querySelectorAll(".clips")) {
  const canvas = root.querySelector("canvas");
  const film = root.querySelector("video");
  const place = root.querySelector("input");
  const told = root.querySelector("output");
  const play = root.querySelector('[data-do="play"]');
  const frames = JSON.parse(root.querySelector("script").textContent);
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  let line = 0.5;
  place.max = String(frames.length - 1);

  const number = () => {
    let low = 0;
    let high = frames.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (frames[middle][0] <= film.currentTime + frames[0][0] + 1e-3) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  const draw = () => {
    const x = Math.round(line * width);
    if (x > 0) pen.drawImage(film, 0, 0, x, height, 0, 0, x, height);
    if (x < width) pen.drawImage(film, width + x, 0, width - x, height, x, 0, width - x, height);
    pen.fillStyle = "white";
    pen.fillRect(x - 1, 0, 2, height);
    const now = number();
    const [time, psnr, ssim] = frames[now];
    place.value = String(now);
    told.textContent = `frame ${now}, ${time.toFixed(3)} s: ${psnr}` + (ssim === null ? "" : `, SSIM ${ssim.toFixed(4)}`);
  };

  const go = (frame) => {
    film.pause();
    const next = frames[frame + 1];
    const until = next ? next[0] : frames[frame][0] + 0.02;
    // The middle of a frame's time, so that rounding never shows its neighbour.
    film.currentTime = (frames[frame][0] + until) / 2 - frames[0][0];
  };

  const move = (share) => {
    line = Math.min(1, Math.max(0, share));
    canvas.setAttribute("aria-valuenow", String(Math.round(100 * line)));
    draw();
  };

  const run = () => {
    draw();
    if (!film.paused) requestAnimationFrame(run);
  };

  film.addEventListener("loadeddata", draw);
  film.addEventListener("seeked", draw);
  film.addEventListener("play", () => {
    play.textContent = "Pause";
    run();
  });
  film.addEventListener("pause", () => {
    play.textContent = "Play";
  });
  play.addEventListener("click", () => (film.paused ? film.play() : film.pause()));
  root.querySelector('[data-do="back"]').addEventListener("click", () => go(Math.max(0, number() - 1)));
  root
    .querySelector('[data-do="on"]')
    .addEventListener("click", () => go(Math.min(frames.length - 1, number() + 1)));
  place.addEventListener("input", () => go(Number(place.value)));
  const drag = (event) => {
    const box = canvas.getBoundingClientRect();
    move((event.clientX - box.left) / box.width);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) drag(event);
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    if (step) {
      event.preventDefault();
      move(line + step);
    }
  });
}
