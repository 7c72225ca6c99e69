// The class's board: members' files in, bowls and their law out, with the numbers of frontier.py.
// The runs that belong to the experiment come from the page, written there by book/build/board.py.
"use strict";

const BOARD = JSON.parse(document.getElementById("board-data").textContent);
const RUNS = new Map(
  BOARD.rows.map((row, place) => [
    row[0],
    { ...Object.fromEntries(BOARD.columns.map((name, i) => [name, row[i]])), cost: BOARD.costs[place] },
  ]),
);
const NUMBERS = ["N", "N_total", "D", "budget"]; // known of each run before it is trained
const NEEDED = ["id", ...NUMBERS, "L"];
const APART = 0.01; // nats, as in runs.append
const NEAR = 7; // sizes in a local fit, as in frontier.isoflop
const DRAWS = 1000;
const RECORDED = "the recorded class";

// --- files: every line is looked at, what is whole is kept ----------------------------------------

// Records of a CSV text with the line on which each begins; a field may hold commas in quotes.
function records(text) {
  const found = [];
  let [fields, field, quoted, line, start] = [[], "", false, 1, 1];
  const end = () => {
    fields.push(field);
    if (fields.length > 1 || fields[0]) found.push({ line: start, fields });
    [fields, field] = [[], ""];
  };
  const clean = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  for (let i = 0; i < clean.length; i++) {
    const c = clean[i];
    if (c === "\n") line += 1;
    if (quoted) {
      if (c !== '"') field += c;
      else if (clean[i + 1] === '"') field += clean[++i];
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ",") {
      fields.push(field);
      field = "";
    } else if (c === "\n") {
      end();
      start = line;
    } else field += c;
  }
  if (field || fields.length) end();
  return found;
}

const AGAIN = "let the member run the same command and send its file again";

// What is wrong with the whole file, or nothing.
function unreadable(text, head) {
  if (!text.trim()) return `is empty; ${AGAIN}`;
  const missing = NEEDED.filter((name) => !head.includes(name));
  if (!missing.length) return "";
  const first = text.split("\n")[0];
  if (first.includes(";") && first.includes("budget"))
    return `line 1: columns stand between semicolons, as a spreadsheet saves them; send the file as \`sweep --out\` wrote it`;
  if (!head.includes("id") && !head.includes("L"))
    return `line 1: "${first.slice(0, 40).replace(/[^\x20-\x7e]/g, "?")}" is not the head of a table of runs; send the file that \`sweep ${BOARD.experiment} --out\` wrote`;
  return `line 1: no column ${missing.join(", ")}; send the file as \`sweep --out\` wrote it`;
}

// What is wrong with a row, as [column, value, remedy], or nothing.
function wrong(row, fields, width) {
  if (fields.length !== width) {
    const what = fields.length < width ? "the line is cut short" : "the line has commas too many";
    return ["", `${fields.length} of ${width} fields`, `${what}; ${AGAIN}`];
  }
  const known = RUNS.get(row.id);
  if (!known) return ["id", row.id, `is no run of ${BOARD.experiment}; it does not count`];
  for (const name of NUMBERS) {
    const value = Number(row[name]);
    if (!row[name].trim() || !Number.isFinite(value)) return [name, row[name], `is no number; ${AGAIN}`];
    if (Math.abs(value / known[name] - 1) > 1e-9)
      return [name, row[name], `is not the ${known[name]} of this run: the line was changed or cut; ${AGAIN}`];
  }
  const none = /^\s*(nan|none)?\s*$/i.test(row.L);
  const L = none ? NaN : Number(row.L);
  if ((row.error ?? "").trim())
    return ["error", row.error, "the run failed; let another member train the same share"];
  if (none) return ["L", row.L || "nothing", `is no loss, and error does not say why; ${AGAIN}`];
  if (!(Number.isFinite(L) && L > 0)) return ["L", row.L, `is no loss; ${AGAIN}`];
  return null;
}

function read(name, text) {
  const file = { name, text, runs: [], problems: [], times: 1, head: [] };
  const [first, ...rest] = records(text);
  file.head = (first?.fields ?? []).map((field) => field.trim());
  const whole = unreadable(text, file.head);
  if (whole) {
    file.problems.push(whole);
    return file;
  }
  for (const { line, fields } of rest) {
    const row = Object.fromEntries(file.head.map((column, i) => [column, fields[i] ?? ""]));
    const found = wrong(row, fields, file.head.length);
    if (found) {
      const [column, value, remedy] = found;
      file.problems.push(`line ${line}${column && `, column ${column}`}: ${value} ${column ? "" : "– "}${remedy}`);
    } else file.runs.push({ id: row.id, L: Number(row.L), row });
  }
  if (!rest.length) file.problems.push(`line 1 is its only line: it holds no run; ${AGAIN}`);
  return file;
}

// --- the class: files joined by run ----------------------------------------------------------------

let files = [];

// Take a file in: the same text twice counts once; a file that was broken gives way to its namesake.
function take(name, text) {
  if (name !== RECORDED) files = files.filter((file) => file.name !== RECORDED);
  const same = files.find((file) => file.text === text);
  if (same) {
    same.times += 1;
    return;
  }
  const file = read(name, text);
  const place = files.findIndex((other) => other.name === name && other.problems.length);
  if (place >= 0) files[place] = file;
  else files.push(file);
}

// Each run once, as the first file has it; what two files disagree on is left out and named.
function join() {
  const came = new Map();
  for (const file of files) {
    file.fresh = 0;
    for (const run of file.runs) {
      if (!came.has(run.id)) {
        came.set(run.id, []);
        file.fresh += 1;
      }
      came.get(run.id).push({ ...run, file: file.name });
    }
  }
  const [merged, disputed] = [new Map(), []];
  for (const id of RUNS.keys()) {
    const all = came.get(id);
    if (!all) continue;
    const losses = all.map(({ L }) => L);
    if (Math.max(...losses) - Math.min(...losses) > APART) disputed.push({ id, all });
    else merged.set(id, all[0]);
  }
  return { merged, disputed };
}

// The shares of n members, as sweep.share deals them: the costliest run to whoever has least.
function shares(n) {
  const [load, dealt] = [Array(n).fill(0), Array.from({ length: n }, () => [])];
  const order = [...RUNS.values()].sort((x, y) => y.cost - x.cost || (x.id < y.id ? -1 : 1));
  for (const { id, cost } of order) {
    const least = load.indexOf(Math.min(...load));
    load[least] += cost;
    dealt[least].push(id);
  }
  return dealt;
}

// --- bowls, their bottoms and the line through them, as in frontier.py ------------------------------

const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => sum(values) / values.length;

// The matrix (k, n) that turns n values at x into the k coefficients of least squares.
function solver(x, k) {
  const X = x.map((t) => Array.from({ length: k }, (_, j) => t ** j));
  const rows = Array.from({ length: k }, (_, i) => [
    ...Array.from({ length: k }, (_, j) => sum(X.map((row) => row[i] * row[j]))),
    ...X.map((row) => row[i]),
  ]);
  for (let i = 0; i < k; i++) {
    const best = rows.slice(i).reduce((p, row, j) => (Math.abs(row[i]) > Math.abs(rows[p][i]) ? i + j : p), i);
    [rows[i], rows[best]] = [rows[best], rows[i]];
    rows[i] = rows[i].map((value) => value / rows[i][i]);
    rows.forEach((row, j) => {
      if (j === i) return;
      const factor = row[i];
      rows[j] = row.map((value, c) => value - factor * rows[i][c]);
    });
  }
  return rows.map((row) => row.slice(k));
}

const times = (matrix, y) => matrix.map((row) => sum(row.map((value, i) => value * y[i])));

// The curve through the sizes nearest to the lowest, and its bottom; NaN if that is at an end.
function bottom(x, y, degree = 3) {
  const k = x.length;
  const lowest = y.indexOf(Math.min(...y));
  const near = Math.min(NEAR, k);
  const start = Math.max(0, Math.min(lowest - Math.floor(near / 2), k - near));
  const window = x.slice(start, start + near);
  const centre = mean(window);
  const order = Math.min(degree, near - 1) + 1;
  const c = times(solver(window.map((value) => value - centre), order), y.slice(start, start + near));
  const [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = c;
  const curve = (at) => c0 + (at - centre) * (c1 + (at - centre) * (c2 + (at - centre) * c3));
  const t = -c1 / (c2 + Math.sqrt(c2 * c2 - 3 * c1 * c3));
  const inside = k >= 3 && lowest > 0 && lowest < k - 1 && centre + t > x[0] && centre + t < x[k - 1];
  const residuals = window.map((value, i) => y[start + i] - curve(value));
  return { at: inside ? centre + t : NaN, curve, window, residuals, spare: near - order };
}

function between(at, x, y) {
  const i = Math.max(1, x.findIndex((value) => value >= at));
  return y[i - 1] + ((at - x[i - 1]) / (x[i] - x[i - 1])) * (y[i] - y[i - 1]);
}

// Least squares of y on x: slope and value at x = 0.
function straight(x, y) {
  const [mx, my] = [mean(x), mean(y)];
  const slope = sum(x.map((value, i) => (value - mx) * (y[i] - my))) / sum(x.map((value) => (value - mx) ** 2));
  return { slope, start: my - slope * mx };
}

// Points as {N, N_total, D, budget, L} to one bowl per budget: of several runs of a size the lowest.
function bowls(points, size) {
  const budgets = [...new Set(points.map((point) => point.budget))].sort((x, y) => x - y);
  return budgets.map((C) => {
    const best = new Map();
    for (const point of points.filter(({ budget }) => budget === C))
      if (!(best.get(point[size])?.L <= point.L)) best.set(point[size], point);
    const kept = [...best.values()].sort((x, y) => x[size] - y[size]);
    const [x, d, y] = [size, "D", "L"].map((name) => kept.map((point) => Math.log(point[name])));
    return { C, x, d, y, ...bottom(x, y) };
  });
}

// Uniform numbers from a seed (mulberry32), and normal ones from them.
function normal(seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

// Laws through the bottoms of noisy bowls, with what else scatters the bottoms around their line.
function resampled(used, law) {
  const spare = sum(used.all.map((bowl) => bowl.spare));
  if (!spare) return [];
  const noise = Math.sqrt(sum(used.all.flatMap((bowl) => bowl.residuals.map((r) => r * r))) / spare);
  const sigma = noise * BOARD.student[spare - 1];
  const draw = normal(1);
  const sizes = Array.from({ length: DRAWS }, () =>
    used.inside.map((bowl) => bottom(bowl.x, bowl.y.map((y) => y + sigma * draw())).at),
  );
  const off = used.inside.map((bowl) => bowl.at - law.a.slope * Math.log(bowl.C) - law.a.start);
  const explained = used.inside.map((_, j) => {
    const found = sizes.map((row) => row[j]).filter(Number.isFinite);
    const middle = mean(found);
    return mean(found.map((value) => (value - middle) ** 2));
  });
  const beyond = used.inside.length < 3 ? 0 : sum(off.map((r) => r * r)) / (off.length - 2) - mean(explained);
  const excess = Math.sqrt(Math.max(0, beyond));
  const laws = [];
  for (const row of sizes) {
    const seen = row
      .map((at, j) => [used.inside[j], at + excess * draw()])
      .filter(([, at]) => Number.isFinite(at));
    if (seen.length > 1) laws.push(through(seen));
  }
  return laws;
}

// The power laws of size and data through bottoms, given as pairs of a bowl and the place of its bottom.
function through(seen) {
  const C = seen.map(([bowl]) => Math.log(bowl.C));
  const tokens = seen.map(([bowl, at]) =>
    between(Math.max(bowl.x[0], Math.min(at, bowl.x.at(-1))), bowl.x, bowl.d),
  );
  return { a: straight(C, seen.map(([, at]) => at)), b: straight(C, tokens) };
}

function quantile(values, q) {
  const sorted = [...values].sort((x, y) => x - y);
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
}

// Everything that a set of points says: bowls, bottoms, law and its interval (with `sure`).
function fit(points, size, sure) {
  const all = bowls(points, size);
  const inside = all.filter((bowl) => Number.isFinite(bowl.at));
  if (inside.length < 2) return { all, inside, law: null, draws: [] };
  const law = through(inside.map((bowl) => [bowl, bowl.at]));
  return { all, inside, law, draws: sure ? resampled({ all, inside }, law) : [] };
}

const ends = (draws, get) => (draws.length ? [0.025, 0.975].map((q) => quantile(draws.map(get), q)) : null);

// --- what the page shows ---------------------------------------------------------------------------

const byId = (id) => document.getElementById(`board-${id}`);

const SUFFIXES = [[1e9, "B"], [1e6, "M"], [1e3, "k"]];

function compact(x) {
  const [size, suffix] = SUFFIXES.find(([size]) => x >= size * 0.9995) ?? [1, ""];
  return `${Number((x / size).toPrecision(3))}${suffix && " " + suffix}`;
}

const power = (C) => C.toExponential().replace("e+", "e");
const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const several = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

// An empty plane over logarithmic x and given y, with ticks, axes and their names.
function plane(holder, { x, y, xTicks, yTicks, names, height }) {
  const W = Math.max(320, Math.min(1000, holder.clientWidth || 760));
  const font = W < 500 ? 16 : Math.max(20, W / 38);
  const [H, left, right, foot] = [Math.max(height * W, 300), 4.1 * font, 3.6 * font, 3.4 * font];
  const X = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (W - left - right);
  const Y = (value) => H - foot - ((value - y[0]) / (y[1] - y[0])) * (H - foot - font);
  const parts = [];
  const text = (at, down, words, how = "") => parts.push(`<text x="${at}" y="${down}" ${how}>${escaped(words)}</text>`);
  for (const [at, words] of xTicks) {
    parts.push(`<line x1="${X(at)}" x2="${X(at)}" y1="${H - foot}" y2="${H - foot + 6}"/>`);
    text(X(at), H - foot + 1.3 * font, words, 'text-anchor="middle"');
  }
  for (const [at, words] of yTicks) {
    parts.push(`<line class="grid" x1="${left}" x2="${W - right}" y1="${Y(at)}" y2="${Y(at)}"/>`);
    text(left - 0.4 * font, Y(at) + 0.35 * font, words, 'text-anchor="end"');
  }
  parts.push(`<polyline points="${left},${font} ${left},${H - foot} ${W - right},${H - foot}"/>`);
  text((left + W - right) / 2, H - 0.5 * font, names[0], 'text-anchor="middle"');
  text(-(H - foot) / 2, font, names[1], 'text-anchor="middle" transform="rotate(-90)"');
  return {
    font,
    text: (at, up, words, how) => text(X(at), Y(up), words, how),
    dot: (at, up, how, r = font / 3.2) => parts.push(`<circle class="${how}" cx="${X(at).toFixed(1)}" cy="${Y(up).toFixed(1)}" r="${r.toFixed(1)}"/>`),
    line: (points, how, kind = "polyline") =>
      parts.push(`<${kind} class="${how}" points="${points.map(([a, b]) => `${X(a).toFixed(1)},${Y(b).toFixed(1)}`).join(" ")}"/>`),
    show: (says) => {
      holder.innerHTML = `<svg viewBox="0 0 ${W} ${H}" style="font-size:${font}px" role="img" aria-label="${escaped(says)}">${parts.join("")}</svg>`;
    },
  };
}

const grid = (low, high, n) => Array.from({ length: n + 1 }, (_, i) => low + ((high - low) * i) / n);
const BUDGETS = [...new Set([...RUNS.values()].map(({ budget }) => budget))].sort((x, y) => x - y);

// Loss over size: recorded runs faint, the class's in the colour of their budget, curve and bottom.
function drawBowls(found, points, size, behind) {
  const shown = [...RUNS.values(), ...points];
  const sizes = shown.map((point) => Math.log(point[size]));
  const losses = shown.map(({ L }) => L);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const plot = plane(byId("bowls"), {
    x: [Math.min(...sizes) - 0.15, Math.max(...sizes) + 0.15],
    y: [low - 0.14 * (high - low), high + 0.03 * (high - low)],
    xTicks: [2e3, 1e4, 5e4, 2e5].filter((N) => Math.log(N) > Math.min(...sizes)).map((N) => [Math.log(N), compact(N)]),
    yTicks: grid(1, 4, 15).filter((L) => L > low && L < high).map((L) => [L, L.toFixed(1)]),
    names: [`${size}, parameters`, "L, nats per byte"],
    height: 0.66,
  });
  if (behind) for (const run of RUNS.values()) plot.dot(Math.log(run[size]), run.L, "behind");
  for (const C of BUDGETS) {
    const colour = `budget-${BUDGETS.indexOf(C)}`;
    const bowl = found.all.find((each) => each.C === C);
    const rightmost = Math.max(...[...RUNS.values()].filter(({ budget }) => budget === C).map((run) => Math.log(run[size])));
    const last = [...RUNS.values()].filter((run) => run.budget === C && Math.log(run[size]) === rightmost);
    plot.text(rightmost + 0.12, Math.max(...last.map(({ L }) => L)), power(C), `class="${colour} name" dy="0.3em"`);
    if (!bowl) continue;
    if (bowl.x.length > 2)
      plot.line(grid(bowl.window[0], bowl.window.at(-1), 80).map((at) => [at, Math.exp(bowl.curve(at))]), `${colour} curve`);
    for (const point of points.filter(({ budget }) => budget === C)) plot.dot(Math.log(point[size]), point.L, colour);
    if (Number.isFinite(bowl.at)) {
      plot.dot(bowl.at, Math.exp(bowl.curve(bowl.at)), "bottom", plot.font / 2);
      plot.text(bowl.at, Math.exp(bowl.curve(bowl.at)), compact(Math.exp(bowl.at)), 'class="value" text-anchor="middle" dy="1.6em"');
    }
  }
  plot.show(
    `Loss over ${size} at four budgets; ${points.length} runs of the class. ` +
      (found.inside.map((bowl) => `At ${power(bowl.C)} FLOPs the bottom lies at ${compact(Math.exp(bowl.at))} parameters.`).join(" ") || "No bowl has a bottom yet."),
  );
}

// Best size and data over the budget, their straight lines, and the bands of the resampled ones.
function drawLine(found, known, behind) {
  const shown = [...found.inside, ...known.inside];
  const heights = shown.flatMap((bowl) => [bowl.at, between(bowl.at, bowl.x, bowl.d)]);
  const [x, y] = [[Math.log(2e10), Math.log(1.6e12)], [Math.min(...heights) - 0.7, Math.max(...heights) + 0.9]];
  const plot = plane(byId("line"), {
    x,
    y,
    xTicks: BUDGETS.map((C) => [Math.log(C), power(C)]),
    yTicks: [1e4, 1e5, 1e6].map((N) => [Math.log(N), compact(N)]),
    names: ["budget C, exact FLOPs", "best N, best D"],
    height: 0.6,
  });
  const bottoms = ({ inside }, how) =>
    inside.forEach((bowl) => {
      plot.dot(Math.log(bowl.C), bowl.at, how || "size");
      plot.dot(Math.log(bowl.C), between(bowl.at, bowl.x, bowl.d), how || "data");
    });
  if (behind) bottoms(known, "behind");
  for (const [key, how, letter] of [["a", "size", "N"], ["b", "data", "D"]]) {
    if (!found.law) break;
    const at = grid(...x, 24);
    const value = (law, C) => law[key].slope * C + law[key].start;
    if (found.draws.length) {
      const band = at.map((C) => ends(found.draws, (law) => value(law, C)));
      plot.line([...at.map((C, i) => [C, band[i][0]]), ...at.map((C, i) => [C, band[i][1]]).reverse()], `${how} band`, "polygon");
    }
    plot.line(x.map((C) => [C, value(found.law, C)]), `${how} curve`);
    const says = `${letter} ∝ C^${found.law[key].slope.toFixed(2)}`;
    plot.text(x[1], value(found.law, Math.log(BUDGETS.at(-2))), says, `class="${how} name" text-anchor="end" dy="2em"`);
  }
  bottoms(found, "");
  plot.show(found.law ? `Best size and data over the budget, with straight lines: ${words(found)}` : "Best size over the budget; no line yet.");
}

// The law in a sentence.
function words(found) {
  const one = (key) => {
    const band = ends(found.draws, (law) => law[key].slope);
    return `${key} = ${found.law[key].slope.toFixed(3)}${band ? ` (${band[0].toFixed(2)} – ${band[1].toFixed(2)})` : ""}`;
  };
  const { length } = found.inside;
  const few = length < BUDGETS.length ? `; from ${length} of ${BUDGETS.length} bowls` : "";
  return `N ∝ C^a, ${one("a")}; D ∝ C^b, ${one("b")}${few}`;
}

function cell(row, text, value, head) {
  const made = document.createElement(head ? "th" : "td");
  if (head) made.scope = "row";
  made.textContent = text;
  if (value !== undefined) made.dataset.value = Number(value).toPrecision(12);
  row.append(made);
  return made;
}

function listMinima(found, size) {
  byId("size-head").textContent = `best ${size}`;
  byId("minima").replaceChildren(
    ...found.all.map((bowl) => {
      const row = document.createElement("tr");
      const good = Number.isFinite(bowl.at);
      cell(row, power(bowl.C), bowl.C, true);
      if (good) {
        const [N, D, L] = [bowl.at, between(bowl.at, bowl.x, bowl.d), bowl.curve(bowl.at)].map(Math.exp);
        cell(row, compact(N), N);
        cell(row, compact(D), D);
        cell(row, L.toFixed(4), L);
      } else {
        cell(row, "no bottom: sizes on both sides are missing").colSpan = 3;
      }
      cell(row, bowl.x.length, bowl.x.length);
      return row;
    }),
  );
}

function listFiles(disputed) {
  byId("came").replaceChildren(
    ...files.map((file) => {
      const row = document.createElement("tr");
      cell(row, file.name, undefined, true);
      cell(row, file.runs.length);
      const remarks = [];
      if (file.times > 1) remarks.push(`came ${file.times} times, no harm`);
      const others = new Set(
        disputed.filter(({ all }) => all.some((run) => run.file === file.name)).flatMap(({ all }) => all.map((run) => run.file)),
      );
      others.delete(file.name);
      if (others.size) remarks.push(`disagrees with ${[...others].join(", ")}`);
      else if (file.runs.length && !file.fresh) remarks.push("all its runs had come before, no harm");
      if (file.problems.length) remarks.push(several(file.problems.length, "problem"));
      cell(row, remarks.join("; ") || "whole");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Remove";
      button.setAttribute("aria-label", `Remove ${file.name}`);
      button.addEventListener("click", () => {
        files = files.filter((other) => other !== file);
        update(`${file.name} removed. `);
        byId("files").focus();
      });
      cell(row, "").append(button);
      return row;
    }),
  );
}

function listProblems(disputed) {
  const lines = files.flatMap((file) => file.problems.map((problem) => `${file.name}: ${problem}.`));
  for (const { id, all } of disputed)
    lines.push(`Run ${id}: ${all.map(({ file, L }) => `${L.toFixed(4)} in ${file}`).join(", ")}; they differ by more than ${APART} nats, so it is left out until one of the files is removed.`);
  const list = document.createElement("ul");
  for (const line of lines) list.append(Object.assign(document.createElement("li"), { textContent: line }));
  if (lines.join() === byId("problems").dataset.lines) return; // said already
  byId("problems").dataset.lines = lines.join();
  byId("problems").replaceChildren(...(lines.length ? [list] : []));
}

// Members whose share is not all there; null if the page was not told how many there are.
function absent(merged) {
  const n = Number(byId("members").value);
  const good = Number.isInteger(n) && n >= 1 && n <= RUNS.size;
  const complaint = byId("members").value && !good ? `a whole number from 1 to ${RUNS.size}` : "";
  byId("members").setAttribute("aria-invalid", complaint ? "true" : "false");
  byId("members-says").textContent = complaint;
  if (!good) return null;
  return shares(n).flatMap((ids, i) => (ids.every((id) => merged.has(id)) ? [] : [i + 1]));
}

function listMissing(merged, late) {
  const missing = [...RUNS.values()].filter(({ id }) => !merged.has(id));
  const n = byId("members").value;
  const of = new Map(late ? shares(Number(n)).flatMap((ids, i) => ids.map((id) => [id, i + 1])) : []);
  byId("missing").hidden = !missing.length;
  byId("missing-says").textContent = `${several(missing.length, "run")} missing`;
  const lines = missing.map(
    ({ id, budget, N, seed }) => `${id}: C = ${power(budget)}, N = ${N}, seed ${seed}${of.has(id) ? `, share ${of.get(id)}/${n}` : ""}`,
  );
  byId("missing-runs").replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
}

function status(merged, disputed, late) {
  if (!files.length)
    return "No file has come yet. Each member's file holds a share of the 56 runs; try the board with the recorded class.";
  const here = files.some((file) => file.name === RECORDED) ? `This is ${RECORDED}, not yours` : `${several(files.length, "file")}`;
  const n = byId("members").value;
  const members = !late ? "" : late.length ? `; of ${n} shares not all there: ${late.join(", ")}` : `; all ${n} shares are there`;
  const broken = files.filter((file) => file.problems.length).length;
  return (
    `${here}: ${merged.size} of ${RUNS.size} runs${members}.` +
    (broken ? ` ${several(broken, "file")} with problems, named here.` : "") +
    (disputed.length ? ` ${several(disputed.length, "run")} on which files disagree.` : "")
  );
}

const command = (size) =>
  `python -c "from scalinglab import fit, runs; f = fit.isoflop(runs.read('class.csv'), N='${size}'); print(f.a, f.low['a'], f.high['a'])"`;

function update(before = "") {
  const { merged, disputed } = join();
  const points = [...merged.values()].map(({ id, L }) => ({ ...RUNS.get(id), L }));
  const size = document.querySelector("input[name=board-size]:checked").value;
  const behind = byId("behind").checked;
  const found = fit(points, size, true);
  const late = absent(merged);
  drawBowls(found, points, size, behind);
  drawLine(found, fit([...RUNS.values()], size, false), behind);
  listMinima(found, size);
  listFiles(disputed);
  listProblems(disputed);
  listMissing(merged, late);
  byId("result").hidden = !points.length;
  byId("arrived").hidden = !files.length;
  byId("write").disabled = !merged.size;
  byId("recorded").disabled = files.length > 0;
  byId("clear").disabled = !files.length;
  const law = byId("law");
  law.textContent = found.law ? words(found) : points.length ? "No line yet: it needs the bottoms of two bowls." : "";
  for (const key of ["a", "b"]) law.dataset[key] = found.law ? found.law[key].slope.toPrecision(12) : "";
  law.dataset.ends = JSON.stringify(ends(found.draws, (each) => each.a.slope));
  byId("interval").hidden = !found.law;
  byId("command").textContent = command(size);
  byId("says").textContent = before + status(merged, disputed, late);
  byId("tells").textContent = byId("says").textContent;
}

// --- what the teacher does --------------------------------------------------------------------------

async function receive(list) {
  const chosen = await Promise.all([...list].map(async (file) => [file.name, await file.text()]));
  chosen.sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }));
  for (const [name, text] of chosen) take(name, text);
  update();
}

const quoted = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

// The merged table with every column that a file has.
function table() {
  const { merged } = join();
  const columns = [...new Set(files.filter((file) => file.runs.length).flatMap((file) => file.head))];
  const lines = [...merged.values()].map(({ row }) => columns.map((name) => quoted(row[name] ?? "")).join(","));
  return [columns.map(quoted).join(","), ...lines, ""].join("\n");
}

function write() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
  link.download = "class.csv";
  link.click();
  URL.revokeObjectURL(link.href);
  byId("says").textContent = `Wrote class.csv with ${several(join().merged.size, "run")}, to where this browser puts downloads.`;
}

byId("files").addEventListener("change", async ({ target }) => {
  await receive(target.files);
  target.value = ""; // so that the same file can be chosen again
});
byId("recorded").addEventListener("click", () => {
  files = [];
  take(RECORDED, [BOARD.columns, ...BOARD.rows].map((row) => row.join(",")).join("\n"));
  update();
});
byId("clear").addEventListener("click", () => {
  files = [];
  update();
  byId("files").focus();
});
byId("write").addEventListener("click", write);
byId("large").hidden = !document.fullscreenEnabled;
byId("large").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : byId("screen").requestFullscreen()));
document.addEventListener("fullscreenchange", () => {
  byId("large").textContent = document.fullscreenElement ? "Leave the full screen" : "Fill the screen";
});
byId("form").addEventListener("submit", (event) => event.preventDefault());
byId("members").addEventListener("input", () => update());
for (const input of document.querySelectorAll("#board-screen input")) input.addEventListener("change", () => update());
window.addEventListener("dragover", (event) => {
  event.preventDefault();
  byId("drop").classList.add("over");
});
window.addEventListener("dragleave", () => byId("drop").classList.remove("over"));
window.addEventListener("drop", (event) => {
  event.preventDefault();
  byId("drop").classList.remove("over");
  receive(event.dataTransfer.files);
});
let width = byId("bowls").clientWidth;
window.addEventListener("resize", () => {
  const before = width;
  width = byId("bowls").clientWidth;
  if (width !== before) update(); // else only a phone's address bar came or went
});
update();
