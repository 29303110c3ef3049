// The pad of the app: what is drawn becomes the ink per pixel of a picture like those of training, as the value of the component.

const { shape, box, pen } = props;
let asked = 0;
function send(strokes) {
  clearTimeout(asked);
  asked = setTimeout(() => {
    const ink = strokes.length ? Array.from(inked(strokes, shape, { box, pen }), (v) => Number(v.toFixed(4))) : [];
    props.value = JSON.stringify(ink);
    trigger("change");
  }, 60);
}
const sheet = pad(shape, pen, "A pad to draw on. By keyboard: upload a picture or choose an example.", send);
const button = (text, act) => {
  const node = make("button", { type: "button" }, text);
  node.addEventListener("click", act);
  return node;
};
element.querySelector(".sheet").append(sheet.canvas, make("div", { class: "tools" }, button("Clear", sheet.clear), button("Undo", sheet.undo)));
new MutationObserver(sheet.draw).observe(document.body, { attributeFilter: ["class"] });
