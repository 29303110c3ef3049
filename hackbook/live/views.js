// The teaching pictures of a training run: filters, activations, weights, gradients, predictions.

const VIEWS = {
  filters: "Filters",
  activations: "Activations",
  weights: "Weights",
  gradients: "Gradients",
  predictions: "Predictions",
};
const ABOUT = {
  filters: "weights of the first layer",
  activations: "outputs of the layers for one example",
  weights: "distribution of each layer's weights",
  gradients: "gradient norm of each layer",
  predictions: "predictions for a few validation examples",
};

function place(rows) {
  const node = make("div", { class: "pixels" });
  node.style.aspectRatio = `${rows[0]?.length ?? 1} / ${rows.length || 1}`;
  return node;
}

// All small pictures are drawn on one canvas above their places: a canvas for each would slow down every frame.
function inked(paper) {
  const sheet = make("canvas", { class: "ink", "aria-hidden": "true" });
  let spots = [],
    image = null;

  function measure() {
    const from = paper.getBoundingClientRect(),
      scale = window.devicePixelRatio || 1;
    const across = from.left + paper.clientLeft - paper.scrollLeft,
      down = from.top + paper.clientTop - paper.scrollTop;
    spots = [...paper.querySelectorAll(".pixels")].map((node) => {
      const { left, top, right, bottom } = node.getBoundingClientRect();
      return [left - across, top - down, right - across, bottom - down].map((v) => Math.round(v * scale));
    });
    const [width, height] = [2, 3].map((i) => Math.max(0, ...spots.map((spot) => spot[i])));
    if (!width || !height) {
      sheet.remove();
      spots = [];
      return;
    }
    Object.assign(sheet, { width, height }); // empty again
    image = new ImageData(width, height);
    Object.assign(sheet.style, { width: `${width / scale}px`, height: `${height / scale}px` });
    paper.append(sheet);
  }

  function paint(images) {
    // in one write: each write costs the browser more than its pixels
    if (!spots.length) return;
    const dots = new Uint32Array(image.data.buffer);
    spots.forEach(([left, top, right, bottom], n) => {
      const rows = images[n],
        ink = rows.map((row) =>
          row.map((v) => {
            const [r, g, b] = Array.isArray(v) ? v : [255 - v, 255 - v, 255 - v];
            return (255 << 24) | (b << 16) | (g << 8) | r;
          }),
        );
      const across = Array.from({ length: right - left }, (_, x) => Math.floor((x * rows[0].length) / (right - left)));
      let last = null;
      for (let y = top; y < bottom; y++) {
        const row = ink[Math.floor(((y - top) * rows.length) / (bottom - top))],
          at = y * sheet.width + left;
        if (row === last) dots.copyWithin(at, at - sheet.width, at - sheet.width + across.length);
        else
          across.forEach((j, x) => {
            dots[at + x] = row[j];
          });
        last = row;
      }
    });
    sheet.getContext("2d").putImageData(image, 0, 0);
  }
  return { measure, paint };
}

const figure = (rows, caption, title = caption, kind = "") =>
  make("figure", { class: kind, title }, Array.isArray(rows?.[0]) ? place(rows) : "", make("figcaption", {}, caption));
const parted = (caption = "") => caption.match(/^(.*) (\d+)$/)?.slice(1) ?? [caption, ""]; // "conv2d 3"

function tiles(p) {
  return make(
    "div",
    { class: "tiles" },
    ...p.images.map((rows, i) =>
      figure(rows, parted(p.captions?.[i])[1] || p.captions?.[i] || "", p.captions?.[i] ?? ""),
    ),
  );
}

function strips(p) {
  // a strip of pictures for each layer
  const found = new Map();
  p.images.forEach((rows, i) => {
    const [layer, n] = parted(p.captions?.[i]);
    if (!found.has(layer)) found.set(layer, []);
    found.get(layer).push(figure(rows, "", n ? `${layer} ${n}` : layer));
  });
  return make(
    "div",
    { class: "strips" },
    ...[...found].map(([layer, all]) =>
      make(
        "div",
        {},
        make("span", { class: "of", title: layer }, layer),
        make("div", { class: `strip${all.length > 1 ? "" : " one"}` }, ...all),
      ),
    ),
  );
}

// Pictures of the same number, sizes and captions as before are painted into their places.
const form = (p) => JSON.stringify([p.captions, p.images?.map((rows) => [rows.length, rows[0]?.length])]);
const alike = (p, before) => ["filters", "activations"].includes(p.kind) && form(p) === form(before);

// Tiles as large as possible, in as many columns as show all of them at once.
function fit(paper, size) {
  const grid = paper.querySelector(".tiles"),
    n = grid?.children.length;
  if (!n) return;
  const [width, height] = size,
    [across, down] = (grid.querySelector(".pixels")?.style.aspectRatio || "1 / 1").split("/").map(Number),
    tall = Math.max(1, down / across), // an example above its reconstruction
    side = (c) => Math.min((width - 8 * (c - 1)) / c, 96);
  let c = 1;
  while (c < n && side(c) > 30 && Math.ceil(n / c) * (side(c) * tall + 22) - 6 > height) c++;
  const most = tall > 1 ? ((height + 6) / Math.ceil(n / c) - 22) / tall : Infinity;
  grid.style.gridTemplateColumns = `repeat(${c}, ${Math.floor(Math.min(side(c), most))}px)`;
}

function bars(layer) {
  const most = Math.max(...layer.counts, 1),
    n = layer.counts.length,
    edges = layer.edges;
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${n} 40`,
      preserveAspectRatio: "none",
      class: "bars",
      role: "img",
      "aria-label": `weights of ${layer.name}, from ${short(edges[0])} to ${short(edges.at(-1))}`,
    },
    ...layer.counts.map((c, i) =>
      svg("rect", { x: i + 0.06, width: 0.88, y: 40 - (38 * c) / most, height: (38 * c) / most }),
    ),
  );
  return make(
    "div",
    { class: "layer" },
    make("span", { class: "of" }, layer.name),
    picture,
    make("span", { class: "ends" }, make("i", {}, short(edges[0], 2)), make("i", {}, short(edges.at(-1), 2))),
  );
}

// A window of a series: what was known, what came, and the bands of its forecast, as in the chart of a run.
function forecast(known, came, bands) {
  const n = known.length + came.length,
    every = [...known, ...came, ...bands.flat()],
    low = Math.min(...every),
    high = Math.max(...every);
  const x = (i) => ((i + 0.5) / n) * 200,
    y = (v) => 96 - (92 * (v - low)) / (high - low || 1);
  const points = (line, from) => line.map((v, i) => `${x(from + i).toFixed(1)},${y(v).toFixed(1)}`);
  const middle = Math.floor(bands.length / 2),
    here = known.length;
  const area = (i) =>
    svg("polygon", { class: "band", points: [...points(bands[i], here), ...points(bands.at(-1 - i), here).reverse()].join(" ") });
  const line = (name, values, from) => svg("polyline", { class: name, points: points(values, from).join(" ") });
  return svg(
    "svg",
    {
      viewBox: "0 0 200 100",
      preserveAspectRatio: "none",
      class: "forecast",
      role: "img",
      "aria-label": `a forecast of ${came.length} steps, the last one ${short(bands[middle].at(-1))}, was ${short(came.at(-1))}`,
    },
    ...Array.from({ length: middle }, (_, i) => area(i)),
    line("known", known, 0),
    line("came", came, here),
    line("middle", bands[middle], here),
  );
}

// A picture with its boxes: dashed where one is, solid where one was found.
function outlined(p, i) {
  const listed = (boxes) => boxes.map((box) => box[4]).join(", ") || "nothing",
    tile = figure(p.images[i], p.captions[i], `found: ${listed(p.found[i])}; there is: ${listed(p.true[i])}`);
  const outline =
    (kind) =>
    ([left, top, right, bottom]) =>
      svg("rect", { class: kind, x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) });
  tile.firstChild.append(
    svg(
      "svg",
      { viewBox: "0 0 1 1", preserveAspectRatio: "none", class: "boxes", role: "img", "aria-label": tile.title },
      ...p.true[i].map(outline("true")),
      ...p.found[i].map(outline("found")),
    ),
  );
  return tile;
}

// A norm with two digits, without an exponent: 0.00032, 1.4, 31M.
function plainly(norm) {
  if (!known(norm)) return "–";
  if (norm > 0 && norm < 1e-6) return "< 0.000001";
  if (norm < 1e4) return Number(norm.toPrecision(2)).toLocaleString("en", { maximumFractionDigits: 7 });
  return norm < 1e15 ? norm.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 2 }) : "> 1000T";
}

const DRAW = {
  filters: tiles,
  activations: strips,
  weights: (p) => make("div", { class: "layers" }, ...p.layers.map(bars)),
  gradients: (p) =>
    make(
      "div",
      { class: "norms" },
      ...p.layers.flatMap((name, i) => {
        const norm = p.norms[i],
          bar = make("span", { class: "bar" }, make("i"));
        const part = known(norm) && norm > 0 ? Math.min(Math.max((Math.log10(norm) + 6) / 8, 0.01), 1) : 0;
        bar.firstChild.style.width = `${part * 100}%`;
        return [
          make("span", { class: "of", title: name }, name),
          bar,
          make("b", {}, plainly(norm)),
        ];
      }),
      make("span", { class: "of axis" }, "norm, log scale"),
      make("span", { class: "axis ends" }, make("i", {}, "0.000001"), make("i", {}, "100")),
    ),
  predictions: (p) => {
    if (p.errors) return tiles(p); // each shows an example above what an autoencoder makes of it
    if (p.found) return make("div", { class: "tiles" }, ...p.images.map((_, i) => outlined(p, i)));
    if (p.bands) return make("div", { class: "forecasts" }, ...p.known.map((known, i) => forecast(known, p.came[i], p.bands[i])));
    const right = (i) => !p.probability || p.truth[i] === p.predicted[i]; // a regression is neither right nor wrong
    const caption = (i) =>
      right(i) && known(p.probability?.[i])
        ? `${p.predicted[i]} ${Math.round(100 * p.probability[i])} %`
        : `${p.predicted[i]}, is ${p.truth[i]}`;
    const title = (i) => {
      const probability = known(p.probability?.[i]) ? ` with ${Math.round(100 * p.probability[i])} %` : "";
      return `${p.predicted[i]}${probability}; truth: ${p.truth[i]}`;
    };
    return make(
      "div",
      { class: "tiles" },
      ...p.truth.map((_, i) => figure(p.images?.[i], caption(i), title(i), right(i) ? "right" : "wrong")),
    );
  },
};

function pictures(page, names) {
  const id = unique();
  const paper = make("div", { class: "picture", id, role: "tabpanel", tabindex: "0" }),
    title = make("summary", { title: "Show or hide the teaching picture" }, "Teaching picture"),
    about = make("span", { class: "about" });
  let last = names[0];
  const tabs = names.map((name, i) => {
    const tab = make(
      "button",
      { type: "button", role: "tab", "aria-controls": id, title: ABOUT[name] ?? "" },
      VIEWS[name] ?? name,
    );
    tab.addEventListener("click", () => choose(name));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const to = (i + step + names.length) % names.length;
      tabs[to].focus();
      choose(names[to]);
    });
    return tab;
  });
  function choose(name) {
    page.store.view = name;
    page.send({ do: "view", name });
    page.all();
  }
  title.addEventListener("click", (event) => {
    event.preventDefault(); // it opens and closes with the view, on all pages
    choose(page.store.view ? null : last);
  });
  const node = make(
    "details",
    { class: "view" },
    title,
    make("div", { class: "tabs" }, make("div", { role: "tablist", "aria-label": "teaching pictures" }, ...tabs), about),
    paper,
  );
  const ink = inked(paper);
  let drawn = null,
    kind = null,
    size = [0, 0];
  function settle() {
    fit(paper, size);
    ink.measure();
    ink.paint(drawn?.images ?? []);
  }
  function measure() {
    size = [paper.clientWidth - 2, paper.clientHeight - 2];
    settle();
  }
  function update() {
    const { view, picture } = page.store;
    if (view) last = view;
    const unfolded = Boolean(view) && !node.open;
    node.open = Boolean(view);
    tabs.forEach((tab, i) => {
      set(tab, "aria-selected", names[i] === view);
      set(tab, "tabindex", names[i] === last ? 0 : -1);
    });
    put(about, ABOUT[view] ?? "");
    if (unfolded) measure();
    if (picture === drawn && kind === view) return;
    const there = picture && picture.kind === view && DRAW[view],
      before = kind === view && drawn?.kind === view ? drawn : null;
    drawn = picture;
    kind = view;
    set(paper, "aria-label", VIEWS[view] ?? "picture");
    if (there && before && alike(picture, before)) {
      ink.paint(picture.images);
      return;
    }
    const wait = () => make("p", { class: "wait" }, "shown after the next batches");
    paper.replaceChildren(there ? DRAW[view](picture) : wait());
    settle();
  }
  return { node, update, measure };
}
