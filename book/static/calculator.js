// The calculator: the numbers of planning.py in the browser, without a server.
// A law's constants come from the page, written there by book/build/calculator.py.
"use strict";

const LAWS = JSON.parse(document.getElementById("calculator-laws").textContent);
const SMALLEST = 1e7; // FLOPs, as in planning.py
const FIELDS = ["flops", "devices", "days", "peak", "utilisation", "inference", "unique"];

// --- laws of the loss: N parameters, D tokens, U of them different ------------------------------

const LOSS = {
  Chinchilla: (p) => {
    const loss = (N, D) => p.E + p.A * N ** -p.alpha + p.B * D ** -p.beta;
    loss.tokens = (N, L) => {
      const left = L - p.E - p.A * N ** -p.alpha;
      return left > 0 ? (p.B / left) ** (1 / p.beta) : Infinity;
    };
    return loss;
  },
  SizeDataLaw: (p) => (N, D) => ((p.N_c / N) ** (p.alpha_N / p.alpha_D) + p.D_c / D) ** p.alpha_D,
  OvertrainingLaw: (p) => (N, D) =>
    p.E + (p.a * (D / N) ** p.eta + p.b * (D / N) ** -p.eta) * (6 * N * D) ** -p.eta,
  RepeatedDataLaw: (p) => {
    const [a, b] = [p.beta / (p.alpha + p.beta), p.alpha / (p.alpha + p.beta)];
    const G = ((p.alpha * p.A) / (p.beta * p.B)) ** (1 / (p.alpha + p.beta));
    return (N, D, U) => {
      const seen = Math.min(U, D);
      const tokens = seen * (1 + p.R_D * (1 - Math.exp((1 - D / seen) / p.R_D)));
      const base = Math.min(N, G * (U * G) ** (a / b));
      const size = base * (1 + p.R_N * (1 - Math.exp((1 - N / base) / p.R_N)));
      return p.E + p.A * size ** -p.alpha + p.B * tokens ** -p.beta;
    };
  },
};

// The best size in closed form, where a law has one: hundreds of resampled fits stay cheap.
const CLOSED = {
  Chinchilla: (p, C) => {
    const G = ((p.alpha * p.A) / (p.beta * p.B)) ** (1 / (p.alpha + p.beta));
    return G * (C / 6) ** (p.beta / (p.alpha + p.beta));
  },
  SizeDataLaw: (p, C) => {
    const ratio = p.alpha_N / p.alpha_D;
    return ((ratio * p.N_c ** ratio * C) / (6 * p.D_c)) ** (1 / (1 + ratio));
  },
  OvertrainingLaw: (p, C) => (C / (6 * (p.b / p.a) ** (1 / (2 * p.eta)))) ** 0.5,
};

// Least of f between low and high: a grid, then ever smaller grids, then a parabola.
function least(f, low, high) {
  let [centre, width] = [low, (high - low) / 512];
  for (let i = 1; i <= 512; i++) if (f(low + i * width) < f(centre)) centre = low + i * width;
  if (centre === low || centre >= high - width / 2) return NaN;
  for (let round = 0; round < 6; round++, width /= 8) {
    const middle = centre;
    for (let i = -16; i <= 16; i++) {
      const x = middle + (width * i) / 16;
      if (f(x) < f(centre)) centre = x;
    }
  }
  const step = 1e-3;
  const [left, here, right] = [f(centre - step), f(centre), f(centre + step)];
  const bend = left - 2 * here + right;
  const shift = bend > 0 ? (0.5 * step * (left - right)) / bend : 0;
  return centre + Math.max(-step, Math.min(step, shift));
}

// Root of a falling f between low and high.
function root(f, low, high) {
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (f(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function allocate(law, C, U) {
  const p = law.parameters;
  if (law.form === "AllocationLaw") return { N: p.k_N * C ** p.a, D: p.k_D * C ** p.b, L: NaN };
  const loss = LOSS[law.form](p);
  const closed = CLOSED[law.form];
  const N = closed
    ? closed(p, C)
    : Math.exp(least((x) => loss(Math.exp(x), C / (6 * Math.exp(x)), U), 0, Math.log(C / 6)));
  return { N, D: C / (6 * N), L: loss(N, C / (6 * N), U) };
}

// Share of the budget given away by a model `factor` times as large as the best one.
function waste(law, C, U, best, factor) {
  const N = factor * best.N;
  const L = LOSS[law.form](law.parameters)(N, C / (6 * N), U);
  const enough = root((x) => allocate(law, Math.exp(x), U).L - L, Math.log(C) - 12, Math.log(C));
  return 1 - Math.exp(enough) / C;
}

function tokensFor(loss, N, L) {
  if (loss.tokens) return loss.tokens(N, L);
  const high = Math.log(1e20);
  if (!(loss(N, Math.exp(high)) < L)) return Infinity;
  return Math.exp(root((x) => loss(N, Math.exp(x)) - L, 0, high));
}

// The cheapest way to the loss L when the model also reads and writes `use` tokens.
function lifetime(law, L, use) {
  const loss = LOSS[law.form](law.parameters);
  const cost = (x) => {
    const N = Math.exp(x);
    return N * (6 * tokensFor(loss, N, L) + 2 * use);
  };
  const N = Math.exp(least(cost, Math.log(1e3), Math.log(1e16)));
  const D = tokensFor(loss, N, L);
  return { N, D, C: 6 * N * D + 2 * N * use };
}

function quantile(values, q) {
  const sorted = [...values].sort((x, y) => x - y);
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

// The middle 95 % of the best splits under every resampled fit, or null.
function ends(law, C) {
  if (!law.draws) return null;
  const names = Object.keys(law.parameters);
  const plans = law.draws.map((row) => {
    const parameters = Object.fromEntries(names.map((name, i) => [name, row[i]]));
    return allocate({ ...law, parameters }, C);
  });
  const band = (get) => [0.025, 0.975].map((q) => quantile(plans.map(get), q));
  return { N: band((x) => x.N), D: band((x) => x.D), ratio: band((x) => x.D / x.N), L: band((x) => x.L) };
}

// --- what the page shows -------------------------------------------------------------------------

const SUFFIXES = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]];

function compact(x) {
  if (!Number.isFinite(x)) return "–";
  const [size, suffix] = SUFFIXES.find(([size]) => x >= size * 0.99995) ?? [1, ""];
  return x >= 1e16 ? x.toExponential(3).replace("e+", "e") : `${Number((x / size).toPrecision(4))}${suffix && " " + suffix}`;
}

function parse(text) {
  const found = /^([0-9.]+(?:e[+-]?[0-9]+)?)\s*([kMBT]?)$/i.exec(text.trim().replace(/[_,\s](?=\d)/g, ""));
  if (!found) return NaN;
  const unit = SUFFIXES.find(([, suffix]) => suffix.toLowerCase() === found[2].toLowerCase());
  return Number(found[1]) * (unit ? unit[0] : 1);
}

const byId = (id) => document.getElementById(`calculator-${id}`);
const form = byId("form");

function complain(name, words) {
  byId(name).setAttribute("aria-invalid", words ? "true" : "false");
  byId(`${name}-says`).textContent = words;
  return NaN;
}

// A positive number from a field; an empty field is null, a bad one NaN with a word beside it.
function read(name) {
  const text = byId(name).value;
  complain(name, "");
  if (!text.trim()) return null;
  const value = parse(text);
  return value > 0 && Number.isFinite(value) ? value : complain(name, "a positive number, as 1e21 or 1.4T");
}

function budget() {
  const hardware = form.elements.source.value === "hardware";
  byId("hardware").hidden = !hardware;
  byId("direct").hidden = hardware;
  if (!hardware) {
    const C = read("flops");
    if (C === null) return complain("flops", "a budget is needed, as 1e21");
    return C < SMALLEST ? complain("flops", `too few to train anything; ${C} PF-days are ${(C * 8.64e19).toPrecision(3)}`) : C;
  }
  const [devices, days, peak, utilisation] = ["devices", "days", "peak", "utilisation"].map(read);
  if (utilisation > 1) return complain("utilisation", "a share between 0 and 1, as 0.4 for 40 %");
  if (peak !== null && peak < 1e8) return complain("peak", "in FLOP/s: 312 TFLOP/s are 312e12");
  return devices * days * 86400 * peak * utilisation || NaN;
}

function cell(row, text, { value, below, head } = {}) {
  const made = document.createElement(head ? "th" : "td");
  if (head) made.scope = "row";
  made.textContent = text;
  if (value !== undefined) made.dataset.value = Number(value).toPrecision(12);
  if (below) {
    const small = document.createElement("small");
    small.textContent = below;
    made.append(document.createElement("br"), small);
  }
  row.append(made);
}

function describe(row, law, C, U, use) {
  const repeats = law.form === "RepeatedDataLaw";
  const best = allocate(law, C, repeats ? U : undefined);
  const band = ends(law, C);
  const between = (name, show) => band && `${show(band[name][0])} – ${show(band[name][1])}`;
  const loss = (x) => (Number.isFinite(x) ? x.toFixed(4) : "–");
  const price = (factor) => (Number.isFinite(best.L) ? waste(law, C, repeats ? U : undefined, best, factor) : NaN);
  const percent = (x) => (Number.isFinite(x) ? `${(100 * x).toFixed(1)} %` : "–");
  cell(row, law.name, { head: true, below: law.counts });
  cell(row, compact(best.N), { value: best.N, below: between("N", compact) });
  cell(row, compact(best.D), { value: best.D, below: between("D", compact) });
  cell(row, compact(best.D / best.N), { value: best.D / best.N, below: between("ratio", compact) });
  cell(row, loss(best.L), { value: best.L, below: between("L", (x) => x.toFixed(3)) });
  const [half, twice] = [price(0.5), price(2)];
  cell(row, `${percent(half)} · ${percent(twice)}`, { value: half });
  row.lastChild.dataset.twice = Number(twice).toPrecision(12);
  if (U) cell(row, compact(best.D / U), { value: best.D / U });
  if (use) {
    const life = Number.isFinite(best.L) && !repeats ? lifetime(law, best.L, use) : { N: NaN, D: NaN };
    const epochs = U && Number.isFinite(life.D) ? `, ${compact(life.D / U)} epochs` : "";
    cell(row, compact(life.N), { value: life.N, below: `${compact(life.D)}${epochs}` });
    best.life = life;
  }
  return best;
}

// Lines of equal loss over N and D, the budget, and the best split of every budget.
function drawMap(law, C) {
  const map = byId("map");
  const W = Math.max(320, Math.min(640, map.clientWidth || 640));
  const [H, left, bottom] = [0.66 * W, 62, 46];
  const p = law.parameters;
  const loss = LOSS[law.form](p);
  const best = allocate(law, C);
  const [x0, x1] = [Math.log(best.N) - 4, Math.log(best.N) + 4];
  const [y0, y1] = [Math.log(best.D) - 4, Math.log(best.D) + 4];
  const X = (x) => left + ((x - x0) / (x1 - x0)) * (W - left - 12);
  const Y = (y) => H - bottom - ((y - y0) / (y1 - y0)) * (H - bottom - 12);
  const parts = [];
  const text = (x, y, words, how = "") => parts.push(`<text x="${x}" y="${y}" ${how}>${words}</text>`);
  const line = (points, how) => parts.push(`<polyline class="${how}" points="${points.map(([x, y]) => `${X(x).toFixed(1)},${Y(y).toFixed(1)}`).join(" ")}"/>`);
  const grid = Array.from({ length: 161 }, (_, i) => x0 + ((x1 - x0) * i) / 160);
  const floor = loss(1e300, 1e300);
  for (const k of [0.5, 0.7, 0.85, 1, 1.2, 1.5, 2]) {
    const L = floor + (best.L - floor) * k;
    const points = grid.map((x) => [x, Math.log(tokensFor(loss, Math.exp(x), L))]).filter(([, y]) => y >= y0 && y <= y1);
    if (points.length < 2) continue;
    line(points, k === 1 ? "chosen" : "equal");
    const [x, y] = points.at(-1);
    text(X(x) - 4, Y(y) - 5, L.toFixed(2), 'text-anchor="end" class="label"');
  }
  line([[x0, Math.log(C / 6) - x0], [x1, Math.log(C / 6) - x1]].map(([x, y]) => [x, y]), "budget");
  const path = Array.from({ length: 61 }, (_, i) => Math.log(C) - 8 + (16 * i) / 60);
  const optima = path.map((c) => allocate(law, Math.exp(c))).map(({ N, D }) => [Math.log(N), Math.log(D)]);
  line(optima.filter(([x, y]) => x >= x0 && x <= x1 && y >= y0 && y <= y1), "optima");
  parts.push(`<circle class="best" cx="${X(Math.log(best.N))}" cy="${Y(Math.log(best.D))}" r="6"/>`);
  for (let e = 0; e < 24; e++) {
    const at = e * Math.LN10;
    if (at > x0 && at < x1) {
      parts.push(`<line class="tick" x1="${X(at)}" x2="${X(at)}" y1="${Y(y0)}" y2="${Y(y0) + 5}"/>`);
      text(X(at), Y(y0) + 20, compact(10 ** e), 'text-anchor="middle"');
    }
    if (at > y0 && at < y1) {
      parts.push(`<line class="tick" x1="${left - 5}" x2="${left}" y1="${Y(at)}" y2="${Y(at)}"/>`);
      text(left - 8, Y(at) + 4, compact(10 ** e), 'text-anchor="end"');
    }
  }
  parts.push(`<polyline class="axis" points="${left},12 ${left},${Y(y0)} ${W - 12},${Y(y0)}"/>`);
  text((left + W) / 2, H - 6, "N, parameters", 'text-anchor="middle"');
  text(-(H - bottom) / 2, 14, "D, tokens", 'text-anchor="middle" transform="rotate(-90)"');
  map.innerHTML = `<svg viewBox="0 0 ${W} ${H}" role="img" aria-label="Lines of equal loss over parameters and tokens under ${law.name}; the straight line is the budget; it touches the line of loss ${best.L.toFixed(3)} at ${compact(best.N)} parameters and ${compact(best.D)} tokens.">${parts.join("")}</svg>`;
}

// What the same loss costs at least over training and use, beside the best split of training alone.
function lifeWords({ N, D, life }, C, use) {
  if (!Number.isFinite(life.N)) return " The price of use needs a law of the loss without repetition.";
  const saved = 1 - life.C / (6 * N * D + 2 * N * use);
  const training = 6 * life.N * life.D;
  return (
    ` With ${compact(use)} tokens of use the same loss is cheapest with ${compact(life.N)} parameters on ${compact(life.D)} tokens: ` +
    `${flops(life.C)} FLOPs in all, ${(100 * saved).toFixed(0)} % less; ${flops(training)} of them train it, ` +
    `${Number((training / C).toPrecision(2))} times the budget.`
  );
}

const flops = (C) => C.toPrecision(4).replace("e+", "e");

function update() {
  const C = budget();
  const [use, U] = ["inference", "unique"].map((name) => read(name) || null);
  const rows = byId("rows");
  rows.replaceChildren();
  const usable = Number.isFinite(C);
  byId("result").hidden = !usable;
  byId("epochs").hidden = !U;
  byId("life").hidden = !use;
  byId("says").textContent = usable ? "" : "Waiting for a budget.";
  byId("warns").textContent = "";
  if (!usable) return;
  const plans = LAWS.filter((law) => U || law.form !== "RepeatedDataLaw").map((law) => {
    const row = document.createElement("tr");
    row.dataset.law = law.key;
    return { row, law, best: describe(row, law, C, U, use) };
  });
  plans.sort((one, other) => one.best.N - other.best.N).forEach(({ row }) => rows.append(row));
  remember();
  const chosen = plans.find(({ law }) => law.key === byId("law").value);
  byId("map").hidden = !chosen;
  if (!chosen) {
    byId("says").textContent = `${byId("law").value} counts repeated tokens: enter the unique tokens that there are, or choose another law.`;
    return;
  }
  if (!(chosen.law.form in LOSS)) byId("map").textContent = "No map: this law gives the split, and no loss.";
  else if (chosen.law.form === "RepeatedDataLaw") byId("map").textContent = "No map: this law depends on the unique tokens as well.";
  else drawMap(chosen.law, C);
  const { N, D, L } = chosen.best;
  const loss = Number.isFinite(L) ? `, loss ${L.toFixed(4)} nats per token` : "";
  byId("says").textContent =
    `${flops(C)} FLOPs under ${chosen.law.name}: ${compact(N)} parameters (${chosen.law.counts}), ` +
    `${compact(D)} tokens, ${compact(D / N)} tokens per parameter${loss}.` +
    (use ? lifeWords(chosen.best, C, use) : "");
  const words = [];
  if (U && D > 4 * U)
    words.push(`That reads the ${compact(U)} unique tokens ${compact(D / U)} times; beyond about four times each further time is worth less, and only the law of Muennighoff counts it.`);
  if (C > 1e23) words.push("No law here was fitted to runs of more than about 1e22 FLOPs: this is extrapolation.");
  byId("warns").textContent = words.join(" ");
}

// --- a link carries the inputs ---------------------------------------------------------------------

function remember() {
  const hardware = form.elements.source.value === "hardware";
  const state = new URLSearchParams();
  for (const name of FIELDS) {
    const used = ["inference", "unique"].includes(name) || hardware !== (name === "flops");
    if (used && byId(name).value.trim()) state.set(name, byId(name).value.trim());
  }
  state.set("law", byId("law").value);
  history.replaceState(null, "", `#${state}`);
}

function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const name of FIELDS) if (state.has(name)) byId(name).value = state.get(name);
  if (LAWS.some((law) => law.key === state.get("law"))) byId("law").value = state.get("law");
  if (state.has("devices")) form.elements.source.value = "hardware";
  update();
}

for (const law of LAWS) byId("law").append(new Option(law.name, law.key, law.key === "besiroglu-2024", law.key === "besiroglu-2024"));
form.addEventListener("input", update);
form.addEventListener("submit", (event) => event.preventDefault());
byId("link").addEventListener("click", async () => {
  let words = "Copied: the link holds these inputs.";
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {
    words = "The address of this page holds these inputs: copy it from the browser's address bar.";
  }
  byId("link-says").textContent = words;
});
window.addEventListener("hashchange", recall);
window.addEventListener("resize", update);
recall();
