
// ---- what moves in the explorers of a trained model, by the name of their Python class

const ACTIVATIONS = {
  relu: (a) => Math.max(a, 0),
  tanh: Math.tanh,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  softplus: (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
  none: (a) => a,
};

// The decoder's mean image at z: each layer is weight · values + bias, then its activation.
function mean(layers, z) {
  let values = z;
  for (const { weight, bias, activation } of layers) {
    const inputs = values, activate = ACTIVATIONS[activation];
    values = new Float32Array(bias.length);
    for (let i = 0, k = 0; i < values.length; i++) {
      let sum = bias[i];
      for (let j = 0; j < inputs.length; j++) sum += weight[k++] * inputs[j];
      values[i] = activate(sum);
    }
  }
  return values.map((value) => clamp(value, 0, 1));
}

const name = (x, y, digit) => text(x, y, String(digit), { align: "center", size: 18, bold: true });
const named = (places) => Array.from(xs(places), (x, digit) => name(x, places[2 * digit + 1], digit));

const frame = (left, top) => // the edge of a picture of 28 × 28
  curve([left, left + 28, left + 28, left, left], [top, top, top + 28, top + 28, top], RED);
const ring = (z1, z2) => // the place on a plane that the controls move
  [["white", 24], [INK, 20]].map(([color, size]) => points([z1], [z2], color, { size, hollow: true }));

EXPLORERS.LatentExplorer = ({ z1, z2, draw }, { layers, codes, labels, uniform }) => {
  let nearest = 0, least = Infinity;
  for (let i = 0; i < labels.length; i++) {
    const distance = (codes[2 * i] - z1) ** 2 + (codes[2 * i + 1] - z2) ** 2;
    if (distance < least) [nearest, least] = [i, distance];
  }
  const decoded = mean(layers, [z1, z2]);
  const marks = [ring(z1, z2), [picture(decoded, 0, 0, 28, 28)]];
  if (uniform) marks.push([picture(decoded.map((p, i) => uniform[784 * draw + i] < p), 0, 0, 28, 28)]);
  const readout = `z = (${number(z1)}, ${number(z2)}); the nearest code, ${number(Math.sqrt(least))} away, ` +
    `is of a ${labels[nearest]}`;
  return { marks, readout };
};

EXPLORERS.ConditionalExplorer = ({ digit, z1, z2 }, { layers, codes, dots }) => {
  const x = xs(codes[digit]), y = ys(codes[digit]), every = Math.ceil(x.length / dots);
  const some = (values) => values.filter((_, i) => i % every === 0);
  const nearest = Math.sqrt(x.reduce((least, a, i) => Math.min(least, (a - z1) ** 2 + (y[i] - z2) ** 2), Infinity));
  const digits = [...Array(10).keys()], place = (i) => [1 + 30 * (i % 5), 12 + 42 * Math.floor(i / 5)];
  const decoded = digits.map((i) => mean(layers, [z1, z2, ...digits.map((j) => Number(i === j))]));
  const marks = [
    [points(some(x), some(y), DIGIT_COLORS[digit], { size: 4, opacity: 0.8 }), ...ring(z1, z2)],
    [picture(decoded[digit], 0, 0, 28, 28)],
    [...decoded.map((pixels, i) => picture(pixels, ...place(i), 28, 28)), frame(...place(digit))],
  ];
  const readout = `digit ${digit} at z = (${number(z1)}, ${number(z2)}); the nearest code of a ${digit} is ` +
    `${number(nearest)} away`;
  return { marks, readout };
};

EXPLORERS.PosteriorExplorer = ({ image, draw }, { layers, x, mu, sigma, eps }) => {
  const [m1, m2] = mu.slice(2 * image, 2 * image + 2), [s1, s2] = sigma.slice(2 * image, 2 * image + 2);
  const z = Array.from({ length: 10 }, (_, i) => [m1 + s1 * eps[2 * i], m2 + s2 * eps[2 * i + 1]]);
  const decoded = z.map((point) => mean(layers, point)), [z1, z2] = z[draw];
  const left = 2 + 28 * (draw % 5), top = 98 + 28 * Math.floor(draw / 5);
  const small = decoded.map((pixels, i) => picture(pixels, 2 + 28 * (i % 5), 98 + 28 * Math.floor(i / 5), 28, 28));
  const outline = (color, width) => ellipse(m1, m2, 2.448 * s1, 2.448 * s2, { color, width });
  const marks = [
    [picture(x.slice(784 * image, 784 * (image + 1)), 0, 0, 28, 28)],
    [
      outline("white", 5),
      outline(INK, 2),
      points(z.map(([a]) => a), z.map(([, b]) => b), INK, { size: 2.5 }),
      points([z1], [z2], RED, { size: 6 }),
    ],
    [picture(decoded[draw], 30, 4, 84, 84), ...small, frame(left, top)],
  ];
  const readout = `μ = (${number(m1)}, ${number(m2)}), σ = (${number(s1, 3)}, ${number(s2, 3)}); ` +
    `this draw is z = (${number(z1)}, ${number(z2)})`;
  return { marks, readout };
};

EXPLORERS.WalkExplorer = ({ t }, { walks }) => {
  const place = 14 + t * 8 * 28, step = Math.round(t * 40);
  const marker = [curve([place, place], [10, 46], RED), text(place, 5, "t", { color: RED, align: "center" })];
  const now = walks.map((walk) => picture(walk.slice(784 * step, 784 * (step + 1)), 9 * 28 + 18, 0, 62, 62));
  const readout = `t = ${number(t, 3)}: ${number(100 * (1 - t), 1)} % of the first code, ${number(100 * t, 1)} % of the second`;
  return { marks: now.map((image) => [...marker, image]), readout };
};

const rowsOf = (rows) => rows.map((pictures, i) =>
  picture(pictures, 60, 32 + 30 * i, pictures.length / 28, 28, { columns: pictures.length / 28 }));

EXPLORERS.BetaExplorer = ({ beta }, { controls, labels, snapshots }) => {
  const now = snapshots[controls[0].options.indexOf(beta)], { test } = now;
  const plane = [
    points(xs(now.codes), ys(now.codes), labels, { size: 3, opacity: 0.6 }),
    ...named(now.names),
    text(-0.97, 0.95, `axes: ${number(-now.limit)} to ${number(now.limit)}`),
  ];
  const readout = `β = ${beta}: rate (KL) ${number(test.kl, 1)}, distortion (reconstruction) ${number(test.recon, 1)}, ` +
    `together ${number(test.loss, 1)} nats per test image; spread of the means ${number(now.spread)}, ` +
    `mean σ ${number(now.sigma, 3)}`;
  return { marks: [plane, rowsOf(now.rows)], readout };
};

EXPLORERS.AggregatedPosteriorExplorer = ({ shown, beta }, { controls, labels, planes }) => {
  const now = planes[2 * controls[1].options.indexOf(beta) + (shown === "samples")], [v1, v2] = now.variance;
  const readout = `β = ${beta}, ${shown}: variance ${number(v1)} in dimension 1, ${number(v2)} in dimension 2`;
  const dots = points(xs(now.codes), ys(now.codes), labels, { size: 3, opacity: 0.6 });
  return { marks: [[dots, ...named(now.names), text(-4, 3.9, `β = ${beta}: ${shown}`)]], readout };
};
