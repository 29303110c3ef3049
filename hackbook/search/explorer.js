// Sliders over a finished search: Python answers each move with the predicted score and a picture.

function choice(spec, tell) {
  const id = unique(),
    select = make("select", { id }, ...spec.choices.map((text, i) => make("option", { value: i }, text)));
  select.addEventListener("change", () => tell(spec.name, Number(select.value), 0));
  const node = make("div", { class: "slider" }, make("label", { for: id }, words(spec.name)), select);
  return { node, heard() {}, update: (v) => (select.value = v) };
}

function render({ model, el }) {
  const specs = model.get("controls");
  const tell = (name, value, seq) => model.send({ do: "set", name, value, seq });
  const said = make("p", { class: "said", role: "status" });
  const controls = new Map(specs.map((s) => [s.name, s.choices ? choice(s, tell) : slider(s, tell, (text) => put(said, text))]));
  const texts = Object.fromEntries(["answer", "basis", "nearest", "warning"].map((k) => [k, make("p", { class: k })])),
    picture = make("img", { alt: "" });
  const panel = make(
    "div",
    { class: "hackbook-live hackbook-explore", role: "group", "aria-label": "predicted score of a setting" },
    make(
      "div",
      { class: "both" },
      make("div", { class: "hackbook-desk" }, make("div", { class: "sliders" }, ...[...controls.values()].map((c) => c.node)), said),
      make("div", {}, make("div", { class: "told", role: "status" }, ...Object.values(texts)), picture),
    ),
  );
  function update() {
    const page = model.get("page");
    for (const [name, control] of controls) {
      control.update(page.values[name]);
      const off = !page.asked.includes(name);
      control.node.classList.toggle("off", off);
      control.node.title = off ? `not asked with the present values: ${page.when[name]}` : "";
      for (const input of control.node.querySelectorAll("input, select")) input.disabled = off;
    }
    for (const [k, node] of Object.entries(texts)) {
      put(node, page[k]);
      show(node, page[k]);
    }
    set(picture, "src", page.picture);
    set(picture, "alt", page.alt);
  }
  function hear(message) {
    if (message.kind !== "ack") return;
    put(said, "");
    controls.get(message.name)?.heard(true, message.value, message.seq);
  }
  model.on("change:page", update);
  model.on("msg:custom", hear);
  const unshield = shield(panel);
  panel.addEventListener("keydown", (event) => {
    if (plain(event)) event.stopPropagation();
  });
  el.append(panel);
  update();
  return () => {
    model.off("change:page", update);
    model.off("msg:custom", hear);
    unshield();
  };
}

export default { render };
