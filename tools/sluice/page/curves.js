// Curves: how long a word can still be used, and how far back each network answers right, with what it costs.
// A curve is told from the next by dash, mark and name at its end, not by colour alone.
(function(S) {
"use strict";
const {h, put, $, svg} = S;

// A cell keeps its dash, mark and colour wherever it stands, alone or beside others: a cell without gates the first,
// one with two states the second, another the third; of several of a kind the later ones take what is free.
S.stylesOf = function(cells) {
  const taken = new Set();
  return cells.map(({gates, states}) => {
    const own = !gates.length ? 0 : states.length > 1 ? 1 : 2;
    const style = [own, 3, 2, 1, 0].find((one) => !taken.has(one)) ?? own;
    taken.add(style);
    return style;
  });
};

// x: numbers in order. series: [{name, style, points: [{y, low, high}]}], y in [0, 1] or undefined.
class Chart {
  constructor(id, label, x, series, words) {
    // Distances that double are as far apart as each other.
    const logarithmic = x.length > 2 && x[0] > 0 && x[x.length - 1] >= 16 * x[0];
    Object.assign(this, {x, series, words, at: 0, logarithmic});
    this.readout = h("p", {class: "readout"});
    this.node = h("div", {
      class: "curve",
      id,
      tabindex: 0,
      role: "application",
      "aria-label": `${label}; arrow keys read values`,
      on: {
        keydown: (event) => this.key(event),
        pointermove: (event) => this.point(event),
      }
    });
    this.figure = h("figure", {"aria-label": label}, this.node);
    new ResizeObserver(() => this.draw()).observe(this.figure);
    S.watchChart(this);
    this.show();
  }

  place(i) {
    const first = this.x[0], last = this.x[this.x.length - 1];
    const share = this.x.length < 2 ? 0 :
        this.logarithmic            ? Math.log(this.x[i] / first) / Math.log(last / first) :
                                      (this.x[i] - first) / (last - first);
    return this.left + share * (this.right - this.left);
  }
  height(y) { return this.bottom - y * (this.bottom - this.top); }

  draw() {
    const width = this.node.clientWidth, rem = parseFloat(getComputedStyle(document.documentElement).fontSize),
          tall = Math.round(Math.min(22 * rem, Math.max(13 * rem, width * 0.36)));
    if (!width) return;
    Object.assign(this, {left: 3.2 * rem, right: width - 7 * rem, top: 0.8 * rem, bottom: tall - 2.8 * rem});
    const drawing = svg("svg", {
      class: "drawing",
      width,
      height: tall,
      viewBox: `0 0 ${width} ${tall}`,
      "aria-hidden": "true",
      focusable: "false"
    });
    for (const y of [0, 0.25, 0.5, 0.75, 1]) {
      drawing.append(
          svg("line", {class: "grid", x1: this.left, x2: this.right, y1: this.height(y), y2: this.height(y)}),
          svg("text", {class: "tick", x: this.left - 0.5 * rem, y: this.height(y) + 0.28 * rem, "text-anchor": "end"},
              `${100 * y} %`));
    }
    let last = -1e9;
    this.x.forEach((x, i) => {
      if (this.place(i) - last < 2.2 * rem) return;
      last = this.place(i);
      drawing.append(svg("text", {class: "tick", x: last, y: this.bottom + 1.1 * rem, "text-anchor": "middle"}, x));
    });
    drawing.append(
        svg("text", {class: "tick", x: (this.left + this.right) / 2, y: tall - 0.35 * rem, "text-anchor": "middle"},
            this.words.x + (this.logarithmic ? ", logarithmic" : "")));
    this.series.forEach((one) => this.drawSeries(drawing, one, one.style % 4, rem));
    this.drawNames(drawing, rem);
    drawing.append(this.cursor = svg("line", {class: "cursor", y1: this.top, y2: this.bottom}));
    put(this.node, drawing);
    this.show();
  }

  drawSeries(drawing, one, number, rem) {
    const known = one.points.map((point, i) => ({...point, i})).filter((point) => Number.isFinite(point.y));
    const to = (point, y) => `${this.place(point.i).toFixed(1)} ${this.height(y).toFixed(1)}`;
    const kind = `series-${number}`;
    if (known.some((point) => point.high > point.low)) {
      drawing.append(svg("path", {
        class: `band ${kind}`,
        d: "M" + known.map((p) => to(p, p.high)).join("L") + "L" +
            [...known].reverse().map((p) => to(p, p.low)).join("L") + "Z"
      }));
    }
    drawing.append(svg("path", {class: `line ${kind}`, d: "M" + known.map((p) => to(p, p.y)).join("L")}));
    const sparse = Math.max(1, Math.ceil(known.length / 14));
    known.forEach((point, n) => {
      if (n % sparse && n !== known.length - 1) return;
      const x = this.place(point.i), y = this.height(point.y), r = 0.26 * rem;
      const shapes = [
        `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${- 2 * r} 0`,
        `M${x - r} ${y - r}h${2 * r}v${2 * r}h${- 2 * r}z`,
        `M${x} ${y - 1.25 * r}l${1.2 * r} ${2.2 * r}h${- 2.4 * r}z`,
        `M${x} ${y - 1.3 * r}l${1.3 * r} ${1.3 * r}l${- 1.3 * r} ${1.3 * r}l${- 1.3 * r} ${- 1.3 * r}z`,
      ];
      drawing.append(svg("path", {class: `mark ${kind}`, d: shapes[number]}));
    });
  }

  // Names at the ends of the lines, pushed apart where they would touch.
  drawNames(drawing, rem) {
    const names =
        this.series
            .map((one) => {
              const i = one.points.reduce((end, point, n) => (Number.isFinite(point.y) ? n : end), 0);
              return {name: one.name, number: one.style % 4, x: this.place(i), y: this.height(one.points[i].y)};
            })
            .sort((a, b) => a.y - b.y);
    names.forEach((one, i) => {
      if (i) one.y = Math.max(one.y, names[i - 1].y + 1.15 * rem);
    });
    const over = names.length ? names[names.length - 1].y - this.bottom : 0;
    if (over > 0)
      names.forEach((one) => {
        one.y -= over;
      });
    for (let i = names.length - 2; i >= 0; --i) names[i].y = Math.min(names[i].y, names[i + 1].y - 1.15 * rem);
    for (const one of names)
      drawing.append(
          svg("text", {class: `name series-${one.number}`, x: one.x + 0.6 * rem, y: one.y + 0.3 * rem}, one.name));
  }

  point(event) {
    const x = event.clientX - this.node.getBoundingClientRect().left;
    this.at =
        this.x.reduce((best, _, i) => (Math.abs(this.place(i) - x) < Math.abs(this.place(best) - x) ? i : best), 0);
    this.show();
  }

  key(event) {
    const step = {ArrowRight: 1, ArrowLeft: -1, Home: -this.x.length, End: this.x.length}[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.at = Math.max(0, Math.min(this.x.length - 1, this.at + step));
    this.show();
    S.tell(this.readout.textContent);
  }

  show() {
    const spread =
        this.words.spread || ((p) => (p.high > p.low ? ` (${S.percent(p.low)} to ${S.percent(p.high)})` : ""));
    const values = this.series.filter((one) => one.points[this.at] && Number.isFinite(one.points[this.at].y))
                       .map((one) => `${one.name} ${S.percent(one.points[this.at].y)}${spread(one.points[this.at])}`);
    this.readout.textContent = `${this.words.at(this.at)}: ${values.join(", ")}`;
    if (!this.cursor) return;
    this.cursor.setAttribute("x1", this.place(this.at));
    this.cursor.setAttribute("x2", this.place(this.at));
  }
}

// How likely the answer is with the word, and with another in its place, if the question comes sooner.
function usableChart(models, trace) {
  const styles = S.stylesOf(models), first = models[0].usable,
        same = models.every(({usable}) => usable.at === first.at),
        one = models.every(({usable}) => usable.answer === first.answer),
        longest = models.reduce((a, b) => (b.usable.distances.length > a.usable.distances.length ? b : a)),
        x = longest.usable.distances;
  const wordOf = (model) => S.visible(model.words[model.usable.at]);
  const series = models.map(
      (model, i) => ({
        style: styles[i],
        name: [S.nameOf(model), !same && wordOf(model), !one && S.visible(model.usable.answer)].filter(Boolean).join(
            ", "),
        points: x.map((distance) => {
          const n = model.usable.distances.indexOf(distance), y = model.usable.probability[n],
                other = model.usable.with_another[n];
          return n < 0 ? {y: NaN} : {y, other, low: Math.min(y, other), high: Math.max(y, other)};
        })
      }));
  const at = (i) => S.ofUnits(x[i] ? `${x[i]} word${x[i] > 1 ? "s" : ""} later` : "at the word itself") +
      (same ? ` (${S.visible(models[0].words[first.at + x[i]] || "")})` : "");
  const chart = new Chart(
      "trace", S.ofUnits("how long a word can still be used"), x, series,
      {x: S.ofUnits("words read before the question"), at, spread: (p) => `, with another ${S.percent(p.other)}`});
  const question = models[0].words.slice(first.question, models[0].connectivity.at + 1).map(S.visible).join(" ");
  const others = (model) => S.list(model.usable.others.map((other) => S.visible(other)));
  const answer = (model) => S.emphasis(model.usable.answer);
  const nodes = [
    h("p", {class: "note"}, "Suppose that the question, ", S.emphasis(question), ", came sooner after ",
      same ? S.emphasis(models[0].words[first.at]) : S.ofUnits("the word"), ". The line is how likely ",
      one ? answer(models[0]) : "the answer", " is then; the shaded band reaches to how likely it is with another ",
      S.ofUnits("word"), " there (",
      models.length > 1 ? S.list(models.map((m) => `${S.nameOf(m)}: ${others(m)}`)) : others(models[0]),
      "). Where there is no band, nothing is left of it that the answer could use."),
    trace, chart.readout, chart.figure, S.pictures(chart.figure, "trace"),
    S.numbers(
        "The numbers as a table",
        () => S.table(
            "How likely the answer is",
            [S.ofUnits("words later"), ...series.flatMap((s) => [s.name, `${s.name}, another ${S.ofUnits("word")}`])],
            x.map(
                (distance, i) =>
                    [distance,
                     ...series.flatMap(
                         ({points}) => [points[i].y, points[i].other].map((p) => (p >= 0 ? S.fixed(p, 4) : "")))])))
  ];
  return {chart, nodes};
}

S.drawHorizon = function() {
  if (!S.seen.whole) return;  // while somebody types, what was there stands
  const traced = S.seen.models.filter((model) => model.horizon && model.horizon.layers.length);
  $("horizon").hidden = !traced.length;
  if (!traced.length) return;
  const first = traced[0], same = traced.every((model) => model.horizon.at === first.horizon.at);
  const of = !S.saved && same && S.wordSelect("trace-of", "The trace of", first.horizon.at, (trace) => S.set({trace}));
  const distances = (model) => {
    const layer = model.horizon.layers[S.layerOf(model)];
    return layer.memory || layer.hidden;
  };
  const length = Math.max(...traced.map((model) => distances(model).length));
  const swapped = first.horizon.with === "<unk>" ? S.ofUnits("an unknown word") : first.horizon.with;
  const table = h(
      "div", {id: "memories-apart"},
      S.numbers(
          "How far apart the memories are",
          () => S.table(
              `Euclidean distance between the memories with the ${S.ofUnits("word")} and with ${swapped} in its place`,
              [S.ofUnits("words later"), ...traced.map((model) => S.nameOf(model))],
              Array.from({length}, (_, i) => [i, ...traced.map((model) => S.fixed(distances(model)[i], 4))]))));
  const usable = traced.filter((model) => model.usable);
  if (usable.length) {
    const {chart, nodes} = usableChart(usable, of);
    put($("horizon-body"), nodes, table);
    chart.draw();
  } else {
    put($("horizon-body"), h("p", {class: "note"}, S.ofUnits("No word"), " was read between this one and the answer."),
        of, table);
  }
};

// A cell of a comparison with its runs, one a seed.
const runsOf = (cell) => cell.runs || [cell];
function spread(cell, value) {
  const all = runsOf(cell).map(value), mean = S.mean(all);
  return {
    y: mean,
    low: Math.min(...all),
    high: Math.max(...all),
    deviation: all.length > 1 ? Math.sqrt(all.reduce((s, v) => s + (v - mean) ** 2, 0) / (all.length - 1)) : 0
  };
}

const COSTS = [
  ["weights", (r) => r.parameters, S.count, ""],
  ["units a layer", (r) => r.hidden, S.count, ""],
  ["training", (r) => r.seconds, (v) => S.fixed(v, 1), " s"],
  ["tokens a second", (r) => r.tokens_per_second, S.count, ""],
  ["one step", (r) => r.step_microseconds, (v) => S.fixed(v, 1), " µs"],
  ["loss, nats per token", (r) => r.nats_per_token, (v) => S.fixed(v, 4), ""],
];

// What to do with a comparison: the command that keeps the best of them, or one for a text of one's own.
function nextStep({cells, text}) {
  if (text === "favourites")
    return ["Next, on a text of your own: ", h("code", {}, "sluice compare YOUR.txt --html YOUR.html"), "."];
  const loss = (cell) => spread(cell, (run) => run.nats_per_token).y;
  const best = cells.reduce((least, cell) => (loss(cell) < loss(least) ? cell : least)).cell;
  const file = /^[\w./,:=+@%-]+$/.test(text) && text !== "-" ? text : "FILE";
  return [
    `Next: the ${
        best.toUpperCase()} has the lowest loss here. Train one for longer, keep it, and see what it remembers: `,
    h("code", {}, `sluice train ${file} --cell ${best} -o MODEL.safetensors`), " and ",
    h("code", {}, "sluice serve MODEL.safetensors"), "."
  ];
}

// Recall while it trained: a slider beneath the chart that draws what was recalled then, its last place the end; and
// all of it as a table. Nothing where it was not measured.
function whileTraining(cells, names, chart, curve) {
  const then = (run) => run.recall_while_training || [], first = then(runsOf(cells[0])[0]), times = first.length;
  if (!times || cells.some((cell) => runsOf(cell).some((run) => then(run).length !== times))) return [];
  const ends = chart.series;
  const at = (k) => cells.map(
      (cell, i) =>
          (k === times ? ends[i].points :
                         curve.map((_, d) => spread(cell, (run) => then(run)[k].recall_by_distance[d].accuracy))));
  const name = (k) =>
      (k === times ?
           "at the end" :
           `after ${S.count(first[k].tokens)} words, ${S.percent(first[k].update / first[k].updates)} of the training`);
  const said = h("output", { id: "recall-at", for: "recall-time" }, name(times));
  const slider = h("input", {
    type: "range",
    id: "recall-time",
    min: 0,
    max: times,
    step: 1,
    "aria-valuetext": name(times),
    on: {
      input: () => {
        const k = Number(slider.value);
        const points = at(k);
        chart.series = ends.map((one, i) => ({...one, points: points[i]}));
        said.textContent = name(k);
        slider.setAttribute("aria-valuetext", name(k));
        chart.draw();
      }
    }
  });
  slider.value = String(times);
  const n = then(runsOf(cells[0])[0])[0].recall_by_distance[0].n;
  const control = [
    h("div", {class: "recall-then labelled"},
      h("label",
        {for: "recall-time"
        },
        "While it trained: ", said),
      slider),
    h("p", {class: "small"},
      `While it trained ${S.count(n)} questions were asked at a distance, at the end ${S.count(curve[0].n)}.`)
  ];
  return [
    control,
    S.numbers(
        "The numbers while it trained, as a table",
        () => S.table("Share of right answers", ["", "distance", ...names], first.flatMap((_, k) => {
          const series = at(k);
          return curve.map((one, d) => [name(k), one.words, ...series.map((points) => S.fixed(points[d].y, 4))]);
        })))
  ];
}

S.drawDistance = function() {
  const comparison = S.saved && S.saved.comparison;
  if (!comparison || !comparison.cells.length) return;
  const cells = comparison.cells, curve = cells[0].recall_by_distance || [], seeds = runsOf(cells[0]).length,
        stories = comparison.text === "favourites";
  const names = cells.map((cell) => cell.cell.toUpperCase());
  $("distance-title").textContent =
      stories ? "How far back each network remembers" : "How well each network predicts what it saw long ago";
  const say = (cell, [, value, write, unit]) => {
    const s = spread(cell, value);
    return write(s.y) + unit + (s.deviation > 0 ? ` ± ${write(s.deviation)}` : "");
  };
  const parts = [], styles = S.stylesOf(cells);
  if (curve.length) {
    const series = cells.map((cell, i) => ({
                               name: names[i],
                               style: styles[i],
                               points: curve.map((_, d) => spread(cell, (run) => run.recall_by_distance[d].accuracy))
                             }));
    const chart = new Chart(
        "accuracy", stories ? "share of right answers by distance" : "share of right tokens by distance",
        curve.map((one) => one.words), series, {
          x: stories ? "words between clue and question" : "tokens since the right one last occurred, at most",
          at: (i) => `${curve[i].words} ${stories ? "words between" : "tokens back at most"}`
        });
    const [control, moments] = whileTraining(cells, names, chart, curve);
    parts.push(
        h("p", {class: "note"},
          stories ? "Stories that no network has seen: how often its likeliest word is the right cuisine, " +
                  "by how many words stand between the dish and the question." :
                    "How often the likeliest token was the right one, by how long ago the right one last occurred in " +
                  "the text: the farther to the right, the longer the network had to remember it.",
          seeds > 1 ? ` Lines are means over ${seeds} seeds, bands go from the worst to the best.` :
                      " One seed: no spread to show."),
        chart.readout, chart.figure, control, S.pictures(chart.figure, "accuracy"),
        S.numbers(
            "The numbers as a table",
            () => S.table(
                "Share of right answers",
                ["distance", ...names, ...(seeds > 1 ? names.map((n) => `${n} worst to best`) : [])],
                curve.map(
                    (one, d) =>
                        [one.words, ...series.map((s) => S.fixed(s.points[d].y, 4)),
                         ...(seeds > 1 ?
                                 series.map(
                                     (s) => `${S.fixed(s.points[d].low, 4)} to ${S.fixed(s.points[d].high, 4)}`) :
                                 [])]))),
        moments);
  }
  parts.push(
      h("h3", {class: "cost"}, "What each costs"),
      S.table(
          seeds > 1 ? "Mean ± standard deviation over seeds" : "One run each", ["", ...names],
          COSTS.map((cost) => [cost[0], ...cells.map((cell) => say(cell, cost))])));
  parts.push(h("p", {class: "next"}, nextStep(comparison)));
  $("distance").hidden = false;
  put($("distance-body"), parts);
};
})(window.Sluice);
