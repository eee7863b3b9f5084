// Charts of a training over its updates. A row that stands for several updates is drawn as their mean, with a band from
// the least to the most.
(function(S) {
"use strict";
const {h, put, svg} = S;

// "4.0123", "0.00025", "12,300": as many digits as tell values apart.
S.short = (value) =>
    (!Number.isFinite(value)     ? "–" :
         Math.abs(value) >= 1000 ? S.count(value) :
                                   String(Number(value.toPrecision(5))).replace("-", "−"));

// "340", or "337 to 344" of a row that stands for several.
S.updatesOf = (rows, i) =>
    (rows.first[i] === rows.last[i] ? `update ${S.count(rows.last[i])}` :
                                      `updates ${S.count(rows.first[i])} to ${S.count(rows.last[i])}`);
S.middleOf = (rows, i) => (rows.first[i] + rows.last[i]) / 2;

// Numbers at equal distances of 1, 2 or 5 times a power of ten within a range; or, of a logarithmic one, such numbers.
function ticks(low, high, about) {
  const rough = (high - low) / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5].map((times) => times * power).find((one) => one >= rough) || 10 * power, all = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) all.push(i * step);
  return all;
}
function logarithmicTicks(low, high) {
  const all = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; ++power)
    for (const times of [1, 2, 5]) all.push(times * 10 ** power);
  const shown = all.filter((one) => one >= low && one <= high);
  return shown.length > 7 ? shown.filter((one) => /^1(e|0*$)|^0\.0*1$/.test(String(one))) : shown;
}

// Where updates stand, the same in every chart and map of the page.
S.placeOf = (chart, update) =>
    chart.left + (update - chart.span[0]) / Math.max(1, chart.span[1] - chart.span[0]) * (chart.right - chart.left);
S.drawUpdates = function(chart, drawing, rem, bottom) {
  const room = 1.2 * rem + 0.5 * rem * S.count(chart.span[1]).length;
  const most = Math.max(2, Math.floor((chart.right - chart.left) / room));
  for (const update of ticks(chart.span[0], Math.max(chart.span[0] + 1, chart.span[1]), Math.min(8, most))) {
    if (!Number.isInteger(update)) continue;
    const text = S.count(update), within = drawing.width.baseVal.value - 0.3 * rem * text.length,
          x = Math.min(within, S.placeOf(chart, update));
    drawing.append(svg("text", {class: "tick", x, y: bottom + 1.1 * rem, "text-anchor": "middle"}, text));
  }
  drawing.append(
      svg("text", {class: "tick", x: (chart.left + chart.right) / 2, y: bottom + 2.4 * rem, "text-anchor": "middle"},
          "updates"));
};
// A drawing that fills its chart but for so many rem at both sides, and the pixels of a rem.
S.drawingFor = function(chart, tall, left, right) {
  const width = chart.node.clientWidth, rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const height = Math.round(tall(width, rem));
  Object.assign(chart, {left: left * rem, right: width - right * rem, top: 0.9 * rem, bottom: height - 2.8 * rem});
  const drawing = svg(
      "svg",
      {class: "drawing", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false"});
  return {drawing, rem};
};

// show({span, rows, series, lines, says, focus}). rows: those that are read out, by `says(i)`. series: [{name, style,
// plain, rows, y, low, high}]: rows with `first` and `last`, columns of numbers. lines: [{name, y}], level ones. marks:
// [{name, x, y}].
S.CourseChart = class {
  constructor(id, label) {
    Object.assign(this, {at: 0, followsEnd: true, series: [], lines: [], marks: []});
    this.readout = h("p", {class: "readout", id: `${id}-readout`});
    this.node = h("div", {
      class: "curve",
      id: `${id}-chart`,
      tabindex: 0,
      role: "application",
      "aria-label": `${label}; arrow keys read values`,
      "aria-describedby": `${id}-readout`,
      on: {keydown: (event) => this.key(event), pointermove: (event) => this.point(event)}
    });
    this.figure = h("figure", {"aria-label": label}, this.node);
    new ResizeObserver(() => this.draw()).observe(this.figure);
    S.watchChart(this);
  }

  show(what) {
    Object.assign(this, {lines: [], marks: []}, what);
    if (this.followsEnd) this.at = this.rows.last.length - 1;
    this.at = Math.max(0, Math.min(this.at, this.rows.last.length - 1));
    this.draw();
  }

  // What is drawn from its least to its most value; logarithmic where these are far apart.
  range() {
    const all = this.lines.map((line) => line.y);
    for (const one of this.series) all.push(...(one.low || one.y), ...(one.high || one.y));
    const known = all.filter((value) => value !== null && Number.isFinite(value));
    let low = Math.min(...known), high = Math.max(...known);
    if (!known.length) [low, high] = [0, 1];
    this.logarithmic = this.mayBeLogarithmic && low > 0 && high > 30 * low;
    const room = high > low ? 0.05 * (high - low) : Math.max(1e-9, 0.1 * Math.abs(high));
    this.low = this.logarithmic ? low / 1.15 : low >= 0 ? Math.max(0, low - room) : low - room;
    this.high = this.logarithmic ? high * 1.15 : high + room;
  }
  place(update) { return S.placeOf(this, update); }
  height(y) {
    const scale = this.logarithmic ? Math.log : (value) => value;
    return this.bottom - (scale(y) - scale(this.low)) / (scale(this.high) - scale(this.low)) * (this.bottom - this.top);
  }

  draw() {
    if (!this.rows || !this.node.clientWidth) return;
    this.range();
    const levels = this.logarithmic ? logarithmicTicks(this.low, this.high) : ticks(this.low, this.high, 5);
    // Charts have the same room at both sides, where there is enough of it.
    const wide = this.node.clientWidth > 640, named = this.series.length > 1 || this.lines.length,
          longest = Math.max(0, ...levels.map((y) => S.short(y).length));
    const {drawing, rem} = S.drawingFor(
        this, (width, em) => Math.min(22 * em, Math.max(13 * em, width * 0.32)),
        Math.max(wide ? 4.9 : 2.4, 0.9 + 0.55 * longest), wide || named ? 6.9 : 1);
    for (const y of levels) {
      drawing.append(
          svg("line", {class: "grid", x1: this.left, x2: this.right, y1: this.height(y), y2: this.height(y)}),
          svg("text", {class: "tick", x: this.left - 0.5 * rem, y: this.height(y) + 0.28 * rem, "text-anchor": "end"},
              S.short(y)));
    }
    S.drawUpdates(this, drawing, rem, this.bottom);
    for (const line of this.lines)
      drawing.append(svg(
          "line", {class: "limit", x1: this.left, x2: this.right, y1: this.height(line.y), y2: this.height(line.y)}));
    for (const one of this.series) this.drawSeries(drawing, one, rem);
    for (const mark of this.marks)
      drawing.append(svg("circle", {class: "kept", cx: this.place(mark.x), cy: this.height(mark.y), r: 0.55 * rem}));
    this.drawNames(drawing, rem);
    drawing.append(this.cursor = svg("line", {class: "cursor", y1: this.top, y2: this.bottom}));
    put(this.node, drawing);
    this.read();
  }

  drawSeries(drawing, one, rem) {
    const kind = `series-${one.style}`,
          to = (i, y) => `${this.place(S.middleOf(one.rows, i)).toFixed(2)} ${this.height(y).toFixed(2)}`;
    // In pieces where some values are not known.
    const pieces = [];
    one.y.forEach((y, i) => {
      if (y === null || !Number.isFinite(y)) return;
      if (!pieces.length || pieces[pieces.length - 1].at(-1) !== i - 1) pieces.push([]);
      pieces[pieces.length - 1].push(i);
    });
    if (one.low)
      drawing.append(svg("path", {
        class: `band ${kind}`,
        d: pieces
               .map(
                   (piece) => "M" + piece.map((i) => to(i, one.high[i])).join("L") + "L" +
                       [...piece].reverse().map((i) => to(i, one.low[i])).join("L") + "Z")
               .join("")
      }));
    drawing.append(svg("path", {
      class: `line ${kind}${one.plain ? " plain" : ""}`,
      d: pieces.map((piece) => "M" + piece.map((i) => to(i, one.y[i])).join("L")).join("")
    }));
    if (one.plain) return;
    const known = pieces.flat(), sparse = Math.max(1, Math.ceil(known.length / 14)), r = 0.26 * rem;
    known.forEach((i, n) => {
      if (n % sparse && n !== known.length - 1) return;
      const x = this.place(S.middleOf(one.rows, i)), y = this.height(one.y[i]);
      drawing.append(
          svg("path", {class: `mark ${kind}`, d: `M${x} ${y - 1.25 * r}l${1.2 * r} ${2.2 * r}h${- 2.4 * r}z`}));
    });
  }

  // Names at the right end of what they name, pushed apart where they would touch.
  drawNames(drawing, rem) {
    const names = this.lines.map((line) => ({name: line.name, kind: "limit-name", y: this.height(line.y)}));
    if (this.series.length > 1)
      for (const one of this.series) {
        const known = one.y.filter((y) => y !== null && Number.isFinite(y));
        if (known.length) names.push({name: one.name, kind: `series-${one.style}`, y: this.height(known.at(-1))});
      }
    names.sort((a, b) => a.y - b.y);
    names.forEach((one, i) => {
      if (i) one.y = Math.max(one.y, names[i - 1].y + 1.15 * rem);
    });
    for (let i = names.length - 1, end = this.bottom; i >= 0; --i, end -= 1.15 * rem)
      names[i].y = Math.min(names[i].y, end);
    for (const one of names)
      drawing.append(
          svg("text", {class: `name ${one.kind}`, x: this.right + 0.8 * rem, y: one.y + 0.3 * rem}, one.name));
  }

  point(event) {
    const x = event.clientX - this.node.getBoundingClientRect().left, rows = this.rows;
    const share = (x - this.left) / (this.right - this.left),
          update = this.span[0] + share * (this.span[1] - this.span[0]);
    // The first row that ends there or later.
    let low = 0, high = rows.last.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows.last[middle] < update)
        low = middle + 1;
      else
        high = middle;
    }
    this.at = low;
    this.followsEnd = false;
    this.read();
  }

  key(event) {
    const count = this.rows ? this.rows.last.length : 0, far = Math.max(1, Math.round(count / 20));
    const step = {ArrowRight: 1, ArrowLeft: -1, PageUp: -far, PageDown: far, Home: -count, End: count}[event.key];
    if (step === undefined || !count) return;
    event.preventDefault();
    this.at = Math.max(0, Math.min(count - 1, this.at + step));
    this.followsEnd = this.at === count - 1;
    this.read();
    S.tell(this.readout.textContent);
  }

  read() {
    const there = this.rows.last.length > 0;
    this.readout.textContent = there ? this.says(this.at) : "Nothing to read yet.";
    if (!this.cursor || !there) return;
    this.cursor.setAttribute("x1", this.place(S.middleOf(this.rows, this.at)));
    this.cursor.setAttribute("x2", this.place(S.middleOf(this.rows, this.at)));
  }
};
})(window.Sluice);
