// An example on a page, and a list of classes to choose from: what the panels that show examples share.
// Values from the data reach the page as text, or as the source of an image or a sound, never as HTML.

function table(rows, named = "") {
  const cells = ([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value));
  return make("table", { class: named }, ...rows.map(cells));
}

// How an example is shown, by its kind.
const SHOW = {
  image: (e) => make("img", {
    src: e.source, width: e.width, height: e.height, alt: "", class: e.enlarged ? "enlarged" : "",
  }),
  sound: (e) => make("div", { class: "sound" },
    make("img", { src: e.curve, alt: "" }), make("audio", { src: e.source, controls: "" })),
  curve: (e) => make("img", { src: e.curve, alt: "", class: "curve" }),
  text: (e) => make("p", { class: "text" }, e.text),
  table: (e) => table(e.rows),
};

// A list of classes to choose from: type to filter it, arrows to move, Enter to choose.
function picker(names, choose, close, label = "change to: type a class") {
  const id = unique();
  const list = make("ul", { role: "listbox", id, "aria-label": "classes" });
  const input = make("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": id,
    "aria-label": label, autocomplete: "off", spellcheck: "false",
    placeholder: "type a class; arrows move, Enter chooses, Esc leaves",
  });
  let found = [], active = 0;
  const option = (n, i) => {
    const node = make("li", { role: "option", id: `${id}-${i}` }, names[n]);
    node.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(n); });
    return node;
  };
  function mark(i) {
    active = (i + found.length) % (found.length || 1);
    [...list.children].forEach((node, j) => node.setAttribute("aria-selected", j === active));
    input.setAttribute("aria-activedescendant", found.length ? `${id}-${active}` : "");
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }
  function filter(order) {
    const typed = input.value.trim().toLowerCase();
    function rank(n) {
      const name = names[n].toLowerCase();
      if (name === typed) return 0;
      if (name.startsWith(typed)) return 1;
      return name.includes(typed) ? 2 : 3;
    }
    found = order.filter((n) => rank(n) < 3);
    if (typed) found.sort((a, b) => rank(a) - rank(b));
    list.replaceChildren(...found.map(option));
    mark(0);
  }
  let order = [];
  input.addEventListener("input", () => filter(order));
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step && !(input.value && /Left|Right/.test(event.key))) mark(active + step);
    else if (event.key === "Enter") { if (found.length) choose(found[active]); }
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  const node = make("div", { class: "picker", hidden: "" }, input, list);
  return {
    node,
    open(first) {
      order = first;
      input.value = "";
      node.hidden = false;
      filter(order);
      input.focus({ preventScroll: true });
      node.scrollIntoView({ block: "nearest" });
    },
    close() { node.hidden = true; },
  };
}
