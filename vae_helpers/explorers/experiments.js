// ---- what moves in the explorers of notebooks 07 to 09, by the name of their Python class

EXPLORERS.RateDistortionExplorer = ({ beta }, { controls, panels, snapshots }) => {
  const { rows, test: { kl, recon } } = snapshots[controls[0].options.indexOf(beta)], { xlim } = panels[0];
  const total = number(recon + beta * kl, 1);
  const words = `dashed: slope ${beta ? "−" : ""}${beta}; where it\ncrosses rate 0, recon + β·KL = ${total}`;
  const marks = [
    curve(xlim, xlim.map((x) => recon - beta * (x - kl)), RED, { width: 1.5, dash: true }),
    points([kl], [recon], RED, { size: 16, hollow: true }),
    text(45, 190, words, { color: RED, align: "right" }),
  ];
  const readout = `β = ${beta}: rate (KL) ${number(kl, 1)}, distortion (recon) ${number(recon, 1)}; ` +
    `recon + KL = ${number(recon + kl, 1)}, recon + β·KL = ${total} nats per test image`;
  return { marks: [marks, rowsOf(rows)], readout };
};

EXPLORERS.CollapseExplorer = ({ noise }, { controls, panels, eigenvalues, dims, written }) => {
  const values = Array.from(eigenvalues), used = values.slice(0, dims), shown = Math.min(20, values.length);
  const sigma2 = written[controls[0].options.indexOf(noise)];
  const active = used.filter((value) => value > noise).length;
  const kl = used.map((value) => 0.5 * Math.log(Math.max(value, noise) / noise));
  const sum = (terms) => terms.reduce((total, term) => total + term, 0);
  const log_px = -0.5 * sum(values.map((value, k) => {
    const variance = k < dims ? Math.max(value, noise) : noise; // of the model in this direction
    return Math.log(2 * Math.PI) + Math.log(variance) + value / variance;
  }));
  const right = panels[0].xlim[1], top = panels[0].ylim[1], high = panels[1].ylim[1];
  const bars = values.slice(0, shown).map((value, k) => bar(k + 0.6, 0, 0.8, Math.min(value, noise), GREY));
  const line = [];
  for (let k = 0; k < shown && values[k] > noise; k++)
    bars.push(bar(k + 0.6, noise, 0.8, values[k] - noise, k < dims ? BLUE : ORANGE, { opacity: k < dims ? 1 : 0.5 }));
  const beside = noise > values[0] ? noise - 0.05 * top : Math.max(noise, values[Math.max(shown - 5, 0)]) + 0.05 * top;
  const say = (y, words, color) => line.push(text(right - 0.5, y, words, { color, align: "right" }));
  line.push(curve([0.3, right], [noise, noise], RED));
  say(beside, `σ² = ${sigma2}`, RED);
  say(0.95 * top, "blue: what an active dimension carries", BLUE_WORDS);
  if (shown > dims && values[dims] > noise) say(0.87 * top, "orange: no latent dimension left for it", ORANGE_WORDS);
  const small = { align: "center", size: 11 };
  const heights = kl.slice(0, active).map((height, k) => bar(k + 0.6, 0, 0.8, height, BLUE));
  kl.forEach((height, k) => heights.push(k < active
    ? text(k + 1, height + 0.04 * high, number(height), { color: BLUE_WORDS, ...small })
    : text(k + 1, 0.04 * high, "0", { color: RED, ...small })));
  const readout = `σ² = ${sigma2}: ${active} of ${dims} latent dimensions active, ${dims - active} collapsed; ` +
    `KL ${number(sum(kl))} nats in all; exact log p(x) ${number(log_px, 1)} nats per image`;
  return { marks: [[...bars, ...line], heights], readout };
};

EXPLORERS.BoundExplorer = ({ mu, log_var, k }, { controls, eps }) => {
  const x = 1, floor = -5, log_px = logNormal(x, 0, 2), variance = Math.exp(log_var), sigma = Math.sqrt(variance);
  const ks = controls[2].options, most = ks.at(-1), n = eps.length / most, chosen = ks.indexOf(k);
  const logs = ks.map(() => []); // for each K: every group's logarithm of the mean of its first K weights
  for (let group = 0; group < n; group++) {
    let total = -Infinity;
    for (let j = 0; j < most; j++) {
      const z = mu + sigma * eps[group * most + j];
      total = logaddexp(total, logNormal(z, 0, 1) + logNormal(x, z, 1) - logNormal(z, mu, variance));
      const i = ks.indexOf(j + 1);
      if (i >= 0) logs[i].push(total - Math.log(j + 1));
    }
  }
  const bound = logs.map((values) => values.reduce((sum, value) => sum + value, 0) / n);
  const error = logs.map((values, i) =>
    Math.sqrt(values.reduce((sum, value) => sum + (value - bound[i]) ** 2, 0) / (n - 1) / n));
  const places = [...ks.keys()];
  const marks = [
    area(places, bound.map((b, i) => b - error[i]), bound.map((b, i) => b + error[i]), BLUE, { opacity: 0.3 }),
    curve(places, bound, BLUE),
    points(places, bound, BLUE, { size: 5 }),
  ];
  const words = `K = ${k}: ${number(bound[chosen])}, below this axis`;
  marks.push(bound[chosen] > floor
    ? points([chosen], [bound[chosen]], RED, { size: 16, hollow: true })
    : text(6.2, floor + 0.2, words, { color: RED, align: "right" }));
  const q = density(mu, variance);
  const name = text(mu + 0.25, Math.min(Math.max(...q) + 0.05, 1.42), "q(z|x)", { color: BLUE_WORDS });
  const z = [...eps.slice(0, k)].map((e) => mu + sigma * e);
  const draws = points(z, z.map(() => 0.03), RED, { size: 6, opacity: 0.7 });
  const elbo = -0.5 * (Math.log(2 * Math.PI) + (x - mu) ** 2 + variance) - klToPrior(mu, log_var);
  const known = k === 1 ? ` (K = 1 is the ELBO, exactly ${number(elbo, 3)})` : "";
  const readout = `K = ${k}: bound ${number(bound[chosen], 3)} ± ${number(error[chosen], 3)} nats${known}; ` +
    `gap to log p(x) ${number(log_px - bound[chosen], 3)}`;
  return { marks: [[curve(GRID, q, BLUE), name, draws], marks], readout };
};

EXPLORERS.SymptomExplorer = ({ guess }, { panels, controls, answer, replies, verdicts, place, ...drawn }) => {
  const i = controls[0].options.indexOf(guess) - 1, guessed = i >= 0, right = guess === answer;
  const words = guessed
    ? text(...place, verdicts[i], { color: right ? BLUE_WORDS : RED, bold: true })
    : text(...place, "guess first", { color: "#666666" });
  const plot = [...(guessed ? drawn.wrong : []), ...drawn.right, words];
  const readout = guessed
    ? `${right ? "✔" : "✘"} ${replies[i]}`
    : "No guess yet: the answer, and what the broken program does, appear after it.";
  return { marks: [plot, guessed ? drawn.pictures : drawn.hidden].slice(0, panels.length), readout };
};
