// Pictures as `run.predict` reads them: gray by ITU-R 601, resized with the triangle filter as Pillow does, on a black border.

const even = (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));   // as Python rounds

// Which pixels of `from` make each pixel of `to`, and their weights in whole numbers of 22 bits.
function filterOf(from, to) {
  const scale = from / to, reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach + 0.5)), end = Math.min(from, Math.trunc(center + reach + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) => Math.max(0, 1 - Math.abs((k + first - center + 0.5) / reach)));
    const total = weights.reduce((a, b) => a + b, 0) || 1;
    return [first, weights.map((w) => Math.trunc(0.5 + (w / total) * 2 ** 22))];
  });
}

// Resize along one direction: each of `lines` lines has `from` pixels, `step` apart.
function resized(bytes, channels, [height, width], to, across) {
  const [lines, from] = across ? [height, width] : [width, height];
  if (from === to) return bytes;
  const out = new Uint8ClampedArray(lines * to * channels), weights = filterOf(from, to);
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < to; i++)
      for (let c = 0; c < channels; c++) {
        const [first, own] = weights[i];
        let sum = 2 ** 21;
        for (let k = 0; k < own.length; k++) {
          const at = across ? line * from + first + k : (first + k) * lines + line;
          sum += own[k] * bytes[at * channels + c];
        }
        out[(across ? line * to + i : i * lines + line) * channels + c] = Math.floor(sum / 2 ** 22);
      }
  return out;
}

// The largest size within `height` × `width` that keeps the proportions of a picture.
function within([high, wide], [height, width]) {
  if (wide / high === width / height) return [height, width];
  return wide / high > width / height ? [even((high / wide) * width), width] : [height, even((wide / high) * height)];
}

// RGBA bytes of a picture as bytes of shape (height, width, channels).
function fitted(rgba, size, [height, width], channels) {
  const bytes = new Uint8ClampedArray(size[0] * size[1] * channels);
  for (let i = 0; i < size[0] * size[1]; i++) {
    const [r, g, b] = rgba.subarray(4 * i, 4 * i + 3);
    if (channels === 3) bytes.set([r, g, b], 3 * i);
    else bytes[i] = (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
  }
  const inner = within(size, [height, width]);
  if (Math.min(...inner) < 1) throw Error("The picture is too narrow: nothing of it is left in the network's size.");
  const flat = resized(bytes, channels, size, inner[1], true);
  const small = resized(flat, channels, [size[0], inner[1]], inner[0], false);
  const out = new Uint8ClampedArray(height * width * channels);
  const [top, left] = [even((height - inner[0]) / 2), even((width - inner[1]) / 2)];
  for (let y = 0; y < inner[0]; y++) out.set(small.subarray(y * inner[1] * channels, (y + 1) * inner[1] * channels), ((top + y) * width + left) * channels);
  return out;
}

// A file, upright and on white where it is transparent.
async function pictureIn(file, shape, channels) {
  let image;
  try {
    image = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    throw Error("This file is no picture that the browser can read; try a PNG or a JPEG.");
  }
  const canvas = make("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, image.width, image.height);
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return fitted(data, [image.height, image.width], shape, channels);
}
