// A grid of decoded pictures on a page without a kernel: two sliders choose one of them, and so does a click.

function walk(root) {
  const { rows, columns, reach } = root.dataset, sheet = root.querySelector("img"), counts = [Number(columns), Number(rows)];
  const names = root.dataset.numbers.split(" "), at = counts.map((n) => (n - 1) / 2);
  const picture = make("canvas", { role: "img", "aria-label": "the chosen picture" }), mark = make("i", { "aria-hidden": "true" });
  const sliders = names.map((name, i) => {
    const range = make("input", { type: "range", min: 0, max: counts[i] - 1, step: 1, value: at[i] }), output = make("output");
    range.addEventListener("input", () => { at[i] = Number(range.value); draw(); });
    range.addEventListener("dblclick", () => { at[i] = (counts[i] - 1) / 2; draw(); });
    return { range, output, node: make("label", { class: "slider" }, `number ${name}`, range, output) };
  });
  function draw() {
    const [width, height] = [sheet.naturalWidth / counts[0], sheet.naturalHeight / counts[1]];
    [picture.width, picture.height] = [width, height];
    picture.getContext("2d").drawImage(sheet, at[0] * width, at[1] * height, width, height, 0, 0, width, height);
    Object.assign(mark.style, { left: `${(100 * at[0]) / counts[0]}%`, top: `${(100 * at[1]) / counts[1]}%`, width: `${100 / counts[0]}%`, height: `${100 / counts[1]}%` });
    sliders.forEach(({ range, output }, i) => {
      const last = counts[i] - 1, v = (reach * (2 * at[i] - last)) / last, text = `${v < 0 ? "−" : ""}${Math.abs(v).toFixed(2)}`;
      range.value = at[i];
      range.style.setProperty("--part", at[i] / last);
      range.setAttribute("aria-valuetext", `${text} standard deviations`);
      put(output, text);
    });
  }
  const place = sheet.parentElement;
  place.append(mark);
  place.addEventListener("pointerdown", (event) => {
    const box = place.getBoundingClientRect(), part = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    names.forEach((_, i) => { at[i] = Math.min(Math.max(Math.floor(part[i] * counts[i]), 0), counts[i] - 1); });
    draw();
  });
  place.before(make("div", { class: "shown" }, picture, ...sliders.map(({ node }) => node)));
  sheet.decode().then(draw, () => {});
}

function walks() {
  for (const root of document.querySelectorAll(".hackbook-walk[data-rows]:not([data-on])")) {
    root.dataset.on = "";
    walk(root);
  }
}
walks();
