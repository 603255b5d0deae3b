
// ---- what moves in the explorers of the mathematics (notebooks 02 to 04), by the name of their Python class

const GRID = linspace(-20, 20, 2001), STEP = 0.02, ZEROS = GRID.map(() => 0);
const logNormal = (z, mu, variance) => -0.5 * (Math.log(2 * Math.PI * variance) + (z - mu) ** 2 / variance);
const logaddexp = (a, b) => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
const klToPrior = (mu, log_var) => 0.5 * (Math.exp(log_var) + mu ** 2 - 1 - log_var);
const density = (mu, variance) => GRID.map((z) => Math.exp(logNormal(z, mu, variance)));
const integral = (values) => values.reduce((sum, value) => sum + value, 0) * STEP;

EXPLORERS.GaussianKLExplorer = ({ mu, log_var }) => {
  const q = density(mu, Math.exp(log_var));
  const integrand = GRID.map((z, i) => q[i] * (logNormal(z, mu, Math.exp(log_var)) - logNormal(z, 0, 1)));
  const plus = integrand.map((value) => Math.max(value, 0)), minus = integrand.map((value) => Math.min(value, 0));
  const gain = integral(plus), loss = integral(minus), exact = klToPrior(mu, log_var);
  const marks = [
    [curve(GRID, q, BLUE), text(mu + 0.15, Math.min(Math.max(...q), 1.55) + 0.07, "q(z)", { color: BLUE_WORDS })],
    [area(GRID, ZEROS, plus, BLUE), area(GRID, minus, ZEROS, RED)],
  ];
  const readout = `blue area ${number(gain, 3)} − red area ${number(-loss, 3)} = ${number(gain + loss, 3)}; ` +
    `closed form ${number(exact, 3)} nats`;
  return { marks, readout };
};

EXPLORERS.TwoBumpsExplorer = ({ mu, sigma }) => {
  const logP = GRID.map((z) => logaddexp(logNormal(z, -2, 0.25), logNormal(z, 2, 0.25)) - Math.log(2));
  const q = density(mu, sigma ** 2), clue = GRID.map((z, i) => logNormal(z, mu, sigma ** 2) - logP[i]);
  const kls = [integral(clue.map((c, i) => q[i] * c)), integral(clue.map((c, i) => -Math.exp(logP[i]) * c))];
  const bars = kls.map((kl, i) => bar(i - 0.3, 0, 0.6, Math.min(kl, 8), [BLUE, ORANGE][i]));
  const values = kls.map((kl, i) =>
    text(i, Math.min(kl, 8) + 0.3, number(kl, 2) + (kl > 8 ? " (cut)" : ""), { align: "center" }));
  const name = text(mu + 0.1, Math.max(...q) + 0.03, "q(z)", { color: BLUE_WORDS });
  const readout = `KL(q‖p) = ${number(kls[0], 3)} nats, KL(p‖q) = ${number(kls[1], 3)} nats`;
  return { marks: [[curve(GRID, q, BLUE), name], [...bars, ...values]], readout };
};

EXPLORERS.ElboExplorer = ({ mu, var: variance }) => {
  const x = 1, floor = -5, log_px = logNormal(x, 0, 2);
  const recon = 0.5 * (Math.log(2 * Math.PI) + (x - mu) ** 2 + variance);
  const kl = klToPrior(mu, Math.log(variance));
  const elbo = -recon - kl, gap = log_px - elbo, top = Math.max(elbo, floor);
  const bars = [bar(-0.22, floor, 0.44, top - floor, BLUE), bar(-0.22, top, 0.44, log_px - top, RED, { opacity: 0.5 })];
  const words = elbo > floor ? "ELBO" : `ELBO ${number(elbo, 1)}:\nbelow this axis`;
  bars.push(text(0.26, Math.max((top + floor) / 2, floor + 0.25), words, { color: BLUE_WORDS }));
  if (gap > 0.15) bars.push(text(0.26, (log_px + top) / 2, "gap =\nKL(q(z|x)‖p(z|x))", { color: RED }));
  const name = text(mu + 0.1, Math.min(0.4 / Math.sqrt(variance) + 0.04, 1.24), "q(z|x)", { color: BLUE_WORDS });
  const touch = gap < 1e-9 ? ": they touch, q is the posterior" : "";
  const readout = `ELBO ${number(elbo, 4)} + gap ${number(gap, 4)} = log p(x) ${number(log_px, 4)}${touch}`;
  return { marks: [[curve(GRID, density(mu, variance), BLUE), name], bars], readout };
};

EXPLORERS.ReparameterizationExplorer = ({ mu1, mu2, log_var1, log_var2 }, { eps, letters }) => {
  const mu = [mu1, mu2], sigma = [Math.exp(log_var1 / 2), Math.exp(log_var2 / 2)];
  const z = (pairs) => [xs(pairs).map((e) => mu[0] + sigma[0] * e), ys(pairs).map((e) => mu[1] + sigma[1] * e)];
  const [a, b] = z(letters);
  const names = [..."abcdef"].map((letter, i) => text(a[i] + 0.2, b[i] + 0.2, letter, { bold: true }));
  const cloud = [points(...z(eps), GREY, { size: 3 }), points(a, b, BLUE, { size: 7 }), ...names];
  const centre = [curve([mu1 - 0.3, mu1 + 0.3], [mu2, mu2], RED), curve([mu1, mu1], [mu2 - 0.3, mu2 + 0.3], RED)];
  const readout = `μ = (${number(mu1)}, ${number(mu2)}), σ = (${number(sigma[0])}, ${number(sigma[1])}); ` +
    "ε has not changed";
  return { marks: [[], [...cloud, ...centre]], readout };
};

EXPLORERS.BaselineExplorer = ({ b }, { z }) => {
  const line = linspace(-2, 4, 200), estimate = (draw) => (draw ** 2 - b) * (draw - 1);
  const marks = [curve(line, line.map(estimate), ORANGE), points(z, z.map(estimate), BLUE, { size: 5 })];
  return { marks: [marks], readout: `b = ${number(b, 1)}: one-sample variance 30 − 8b + b² = ${number(30 - 8 * b + b ** 2)}` };
};

EXPLORERS.SwappedCrossEntropyExplorer = ({ x }) => {
  const p = linspace(-12, 12, 601).map((logit) => 1 / (1 + Math.exp(-logit)));
  const losses = [
    p.map((p) => -(x * Math.log(p) + (1 - x) * Math.log(1 - p))),
    p.map((p) => -(p * Math.log(x) + (1 - p) * Math.log(1 - x))),
  ];
  const best = losses.map((loss) => loss.indexOf(Math.min(...loss))), flat = Math.abs(x - 0.5) < 1e-6;
  const marks = losses.map((loss, i) => curve(p, loss, [BLUE, ORANGE][i]));
  for (const i of flat ? [0] : [0, 1])
    marks.push(points([p[best[i]]], [losses[i][best[i]]], [BLUE, ORANGE][i], { size: 11 }));
  const other = flat ? "every p is as good" : `least at p = ${number(p[best[1]])}`;
  return { marks: [marks], readout: `x = ${number(x)}: least at p = ${number(p[best[0]])}; exchanged: ${other}` };
};
