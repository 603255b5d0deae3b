// What the explorers share: numbers from Python, panels with axes, marks drawn on them, sliders, one render function.
//
// Python sends what stands still (controls, panels, weights, codes) once, as the trait `data`. What moves is computed
// here: each explorer is one function, EXPLORERS[name](values, data) -> { marks, readout }, with one list of marks a
// panel. The Python class of the same name has the same `update`; a test holds the two equal.

const EXPLORERS = {};
const INK = "#222222", BLUE = "#3f90da", ORANGE = "#e76300", RED = "#bd1f01", GREY = "#94a4a2";
const BLUE_WORDS = "#1f6fb8", ORANGE_WORDS = "#b84e00"; // the same colours, dark enough to read: contrast 4.5 or more
const DIGIT_COLORS = [
  "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
];

// ---- numbers

const ARRAYS = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array, float64: Float64Array };

// Arrays arrive as { dtype, bytes }: a DataView from the kernel, base64 text in a saved page.
function unpack(value) {
  if (Array.isArray(value)) return value.map(unpack);
  if (value === null || typeof value !== "object") return value;
  if (!("dtype" in value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]));
  const { dtype, bytes } = value;
  const view = typeof bytes === "string" ? Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)) : bytes;
  const buffer = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  return dtype === "float16" ? fromFloat16(new Uint16Array(buffer)) : new ARRAYS[dtype](buffer);
}

function fromFloat16(halves) {
  const power = Array.from({ length: 32 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const exponent = (halves[i] >> 10) & 31, fraction = halves[i] & 1023;
    values[i] = (halves[i] & 0x8000 ? -1 : 1) * (exponent ? 1024 + fraction : fraction) * power[exponent];
  }
  return values;
}

// A number as the read-outs write it: a real minus sign, and no negative zero.
function number(x, digits = 2) {
  const text = x.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

const linspace = (low, high, n) => Array.from({ length: n }, (_, i) => low + (i * (high - low)) / (n - 1));
// Arrays of points hold x, y, x, y, …
const xs = (pairs) => pairs.filter((_, i) => i % 2 === 0), ys = (pairs) => pairs.filter((_, i) => i % 2 === 1);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

// ---- marks: what can be drawn on a panel, as plain data; each has its drawing function in DRAW

const curve = (x, y, color, { width = 2, dash = false } = {}) => ({ type: "curve", x, y, color, width, dash });
const area = (x, low, high, color, { opacity = 0.45 } = {}) => ({ type: "area", x, low, high, color, opacity });
const points = (x, y, color, { size = 4, opacity = 1, hollow = false } = {}) =>
  ({ type: "points", x, y, color, size, opacity, hollow });
const text = (x, y, words, { color = INK, align = "left", size = 12, bold = false } = {}) =>
  ({ type: "text", x, y, words, color, align, size, bold });
const ellipse = (x, y, rx, ry, { color = INK, width = 2, dash = false } = {}) =>
  ({ type: "ellipse", x, y, rx, ry, color, width, dash });
const bar = (x, y, width, height, color, { opacity = 1 } = {}) =>
  ({ type: "bar", x, y, width, height, color, opacity });
const picture = (pixels, x, y, width, height, { columns = 28 } = {}) =>
  ({ type: "picture", pixels, x, y, width, height, columns });

function path(panel, x, y) {
  panel.ctx.beginPath();
  for (let i = 0; i < x.length; i++) panel.ctx.lineTo(panel.x(x[i]), panel.y(y[i]));
}

function stroke(ctx, { color, width, dash }) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash ? [5, 4] : []);
  ctx.stroke();
  ctx.setLineDash([]);
}

const DRAW = {
  curve(panel, mark) {
    path(panel, mark.x, mark.y);
    stroke(panel.ctx, mark);
  },
  area(panel, { x, low, high, color, opacity }) {
    const { ctx } = panel;
    path(panel, x, high);
    for (let i = x.length - 1; i >= 0; i--) ctx.lineTo(panel.x(x[i]), panel.y(low[i]));
    ctx.globalAlpha = opacity;
    ctx.fillStyle = color;
    ctx.fill();
  },
  points(panel, { x, y, color, size, opacity, hollow }) {
    const { ctx } = panel;
    ctx.globalAlpha = opacity;
    for (let i = 0; i < x.length; i++) {
      ctx.beginPath();
      ctx.arc(panel.x(x[i]), panel.y(y[i]), size / 2, 0, 2 * Math.PI);
      ctx.fillStyle = ctx.strokeStyle = typeof color === "string" ? color : DIGIT_COLORS[color[i]];
      ctx.lineWidth = 2.5;
      hollow ? ctx.stroke() : ctx.fill();
    }
  },
  text(panel, { x, y, words, color, align, size, bold }) {
    const { ctx } = panel;
    ctx.font = `${bold ? "bold " : ""}${size}px system-ui, sans-serif`;
    ctx.textAlign = align;
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    ctx.lineWidth = 3;
    ctx.strokeStyle = "white";
    words.split("\n").forEach((line, i, lines) => {
      const place = [panel.x(x), panel.y(y) + (i - (lines.length - 1) / 2) * 1.2 * size];
      ctx.strokeText(line, ...place);
      ctx.fillStyle = color;
      ctx.fillText(line, ...place);
    });
  },
  ellipse(panel, mark) {
    const { x, y, rx, ry } = mark;
    panel.ctx.beginPath();
    panel.ctx.ellipse(panel.x(x), panel.y(y), panel.x(x + rx) - panel.x(x), panel.y(y) - panel.y(y + ry), 0, 0, 7);
    stroke(panel.ctx, mark);
  },
  bar(panel, { x, y, width, height, color, opacity }) {
    const { ctx } = panel;
    ctx.globalAlpha = opacity;
    ctx.fillStyle = color;
    ctx.fillRect(panel.x(x), panel.y(y), panel.x(x + width) - panel.x(x), panel.y(y + height) - panel.y(y));
  },
  // Ink dark on white, pixels square and sharp; `y` is the top edge on panels that count downwards.
  picture(panel, { pixels, x, y, width, height, columns }) {
    const image = new ImageData(columns, pixels.length / columns);
    const top = pixels instanceof Uint8Array ? 1 : 255;
    for (let i = 0; i < pixels.length; i++) image.data.fill(Math.round(255 - top * pixels[i]), 4 * i, 4 * i + 3);
    for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
    const small = (panel.small ??= document.createElement("canvas"));
    [small.width, small.height] = [image.width, image.height];
    small.getContext("2d").putImageData(image, 0, 0);
    panel.ctx.imageSmoothingEnabled = false;
    const [left, above] = [panel.x(x), panel.y(y)];
    panel.ctx.drawImage(small, left, above, panel.x(x + width) - left, panel.y(y + height) - above);
  },
};

// ---- a panel: axes that stand still on one canvas, marks that move on another above it

function element(tag, properties = {}, attributes = {}) {
  const node = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

class Panel {
  constructor(spec) {
    Object.assign(this, spec);
    this.canvases = [element("canvas"), element("canvas")];
    this.box = element("div", { className: "box" }, { role: "img", "aria-label": spec.alt });
    this.box.append(...this.canvases);
    this.box.style.aspectRatio = `${spec.width} / ${spec.height}`;
    this.node = element("div", { className: "panel" });
    if (!spec.bare) this.box.style.minHeight = "190px";
    this.node.style.flex = `${spec.width} 1 ${(spec.bare ? 45 : 65) * spec.width}px`; // images wrap below a plane
    this.node.style.maxWidth = `${100 * spec.width}px`;
    this.node.append(element("div", { className: "title", textContent: spec.title }), this.box);
  }

  // Pixels of a place on the axes, and back.
  x(value) { return this.left + ((value - this.xlim[0]) / (this.xlim[1] - this.xlim[0])) * this.w; }
  y(value) { return this.top + ((this.ylim[1] - value) / (this.ylim[1] - this.ylim[0])) * this.h; }
  place({ clientX, clientY }) {
    const { left, top } = this.box.getBoundingClientRect();
    return [
      this.xlim[0] + ((clientX - left - this.left) / this.w) * (this.xlim[1] - this.xlim[0]),
      this.ylim[1] - ((clientY - top - this.top) / this.h) * (this.ylim[1] - this.ylim[0]),
    ];
  }

  // Fit the canvases to the box and the screen's resolution; true when there is something new to draw on.
  fit() {
    const { clientWidth, clientHeight } = this.box, ratio = window.devicePixelRatio;
    const size = `${clientWidth} ${clientHeight} ${ratio}`;
    if (size === this.size || clientWidth < 100) return false; // hidden, or on its way in or out
    this.size = size;
    const [left, top, right, bottom] = this.bare ? [0, 0, 0, 0] : [this.ylabel ? 52 : 34, 8, 10, this.xlabel ? 42 : 24];
    Object.assign(this, { left, top, w: clientWidth - left - right, h: clientHeight - top - bottom });
    if (this.equal) this.w = this.h = Math.min(this.w, this.h);
    for (const canvas of this.canvases) {
      canvas.width = Math.round(clientWidth * ratio);
      canvas.height = Math.round(clientHeight * ratio);
      canvas.getContext("2d").scale(ratio, ratio);
    }
    return true;
  }

  draw(moving) {
    if (this.fit()) {
      this.paint(this.canvases[0], this.marks);
      if (!this.bare) this.axes();
    }
    if (this.size) this.paint(this.canvases[1], moving);
  }

  paint(canvas, marks) {
    const ctx = (this.ctx = canvas.getContext("2d"));
    ctx.clearRect(0, 0, this.box.clientWidth, this.box.clientHeight);
    ctx.save();
    ctx.beginPath();
    ctx.rect(this.left, this.top, this.w, this.h);
    ctx.clip();
    for (const mark of marks) {
      ctx.save();
      DRAW[mark.type](this, mark);
      ctx.restore();
    }
    ctx.restore();
  }

  axes() {
    const { ctx, left, top, w, h } = this, bottom = top + h;
    ctx.strokeStyle = ctx.fillStyle = INK;
    ctx.lineWidth = 1;
    ctx.font = "12px system-ui, sans-serif";
    ctx.beginPath();
    ctx.moveTo(left, top);
    ctx.lineTo(left, bottom);
    ctx.lineTo(left + w, bottom);
    for (const [value] of this.xticks) (ctx.moveTo(this.x(value), bottom), ctx.lineTo(this.x(value), bottom + 4));
    for (const [value] of this.yticks) (ctx.moveTo(left, this.y(value)), ctx.lineTo(left - 4, this.y(value)));
    ctx.stroke();
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (const [value, name] of this.xticks) ctx.fillText(name, this.x(value), bottom + 7);
    ctx.fillText(this.xlabel, left + w / 2, bottom + 24);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const [value, name] of this.yticks) ctx.fillText(name, left - 7, this.y(value));
    ctx.translate(8, top + h / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText(this.ylabel, 0, 0);
    ctx.rotate(Math.PI / 2);
    ctx.translate(-8, -top - h / 2);
  }
}

// ---- controls: native inputs, so that keyboards, touch and screen readers know them

const OURS = { "data-lm-suppress-shortcuts": "true" }; // JupyterLab leaves the keys pressed here to us

// `set(values, done)` gives the model new values; `done` says that a movement has ended and Python may know.
function slider(control, get, set) {
  const options = control.options, id = `${control.name}-${Math.random().toString(36).slice(2)}`;
  const range = options ? [0, options.length - 1, 1] : [control.low, control.high, control.step];
  const input = element("input", { type: "range", id }, { min: range[0], max: range[1], step: range[2], ...OURS });
  const shown = element("span", { className: "value" }, { "aria-hidden": "true" }); // aria-valuetext says the same
  const change = (done) => () => set({ [control.name]: options ? options[input.value] : Number(input.value) }, done);
  input.addEventListener("input", change(false));
  input.addEventListener("change", change(true));
  const node = element("div", { className: "control" });
  node.append(element("label", { textContent: control.label, htmlFor: id }), input, shown);
  const show = () => {
    const value = get(control.name), words = options ? String(value) : number(value, control.digits);
    if (words === shown.textContent) return; // leave the page alone where nothing changes
    input.value = options ? options.indexOf(value) : value;
    shown.textContent = words;
    input.setAttribute("aria-valuetext", words);
  };
  return { node, show };
}

function buttons(control, get, set) {
  const long = control.options.some((option) => String(option).length > 20); // sentences: one below the other
  const node = element("fieldset", { className: long ? "control sentences" : "control" });
  const name = `${control.name}-${Math.random().toString(36).slice(2)}`;
  const inputs = control.options.map((option) => {
    const input = element("input", { type: "radio", name }, OURS);
    input.addEventListener("change", () => set({ [control.name]: option }, true));
    const label = element("label");
    label.append(input, ` ${option}`);
    node.append(label);
    return input;
  });
  node.prepend(element("legend", { textContent: control.label }));
  return { node, show: () => inputs.forEach((input, i) => (input.checked = get(control.name) === control.options[i])) };
}

// Let pointer and arrow keys move the two controls that a panel names; with `picks`, the nearest of these places.
function steer(panel, controls, get, set) {
  const { box, steers, picks } = panel;
  const within = ({ low, high }, value) => clamp(value, low, high);
  const [horizontal, vertical] = steers.map((name) => controls.find((control) => control.name === name));
  const move = (x, y, done) => {
    if (!picks) return set({ [steers[0]]: within(horizontal, x), [steers[1]]: within(vertical, y) }, done);
    const distance = picks.x.map((px, i) => (px - x) ** 2 + (picks.y[i] - y) ** 2);
    set({ [steers[0]]: distance.indexOf(Math.min(...distance)) }, done);
  };
  for (const [name, value] of Object.entries({ role: "application", tabindex: 0, ...OURS })) box.setAttribute(name, value);
  box.classList.add("steered");
  let dragging = false;
  box.addEventListener("pointerdown", (event) => {
    dragging = true;
    box.setPointerCapture(event.pointerId);
    move(...panel.place(event), false);
  });
  box.addEventListener("pointermove", (event) => dragging && move(...panel.place(event), false));
  for (const end of ["pointerup", "pointercancel"])
    box.addEventListener(end, () => dragging && ((dragging = false), set({}, true)));
  box.addEventListener("keydown", (event) => {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    if (!arrow) return;
    event.preventDefault();
    const size = event.shiftKey ? 10 : 1;
    const step = (control, by) => within(control, get(control.name) + by * size * control.step);
    if (picks) set({ [steers[0]]: step(horizontal, arrow[0] + arrow[1]) }, true);
    else set({ [steers[0]]: step(horizontal, arrow[0]), [steers[1]]: step(vertical, arrow[1]) }, true);
  });
}

// ---- one explorer in the page

function render({ model, el }) {
  const data = unpack(model.get("data")), update = EXPLORERS[data.explorer];
  const get = (name) => model.get(name);
  // While something is dragged the model changes here only; at its end one message tells Python.
  const set = (values, done) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    if (done) model.save_changes();
  };
  const controls = data.controls.map((control) => (control.buttons ? buttons : slider)(control, get, set));
  const panels = data.panels.map((spec) => new Panel(spec));
  for (const panel of panels) if (panel.steers) steer(panel, data.controls, get, set);
  const readout = element("output", { className: "readout" }, { "aria-live": "polite" });
  const root = element("div", { className: "vae-explorer" }, {
    role: "group", "aria-label": data.label,
  });
  const top = element("div", { className: "controls" });
  const middle = element("div", { className: data.stacked ? "panels stacked" : "panels" });
  top.append(...controls.map(({ node }) => node));
  middle.append(...panels.map(({ node }) => node));
  root.append(top, middle, readout);
  el.append(root);

  let waiting = 0;
  const draw = () => {
    waiting = 0;
    const values = Object.fromEntries(data.controls.map(({ name }) => [name, get(name)]));
    const now = update(values, data);
    panels.forEach((panel, i) => panel.draw(now.marks[i]));
    controls.forEach(({ show }) => show());
    if (readout.textContent !== now.readout) readout.textContent = now.readout;
  };
  const redraw = () => (waiting ||= requestAnimationFrame(draw));
  for (const { name } of data.controls) model.on(`change:${name}`, redraw);
  const observer = new ResizeObserver(redraw);
  for (const panel of panels) observer.observe(panel.box);
  return () => {
    observer.disconnect();
    for (const { name } of data.controls) model.off(`change:${name}`, redraw);
  };
}
