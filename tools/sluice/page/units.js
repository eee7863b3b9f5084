// The map of units over words: a row a unit, a column a word, drawn on one canvas from one pixel a cell, so that 256
// units over 200 words cost a few milliseconds. Beside it each unit's half-life. Values by pointer and by arrow keys.
(function(S) {
"use strict";
const {h, put, $, svg} = S;
const PLACE = {
  word: 0,
  row: 0
};  // the cell that is read out; kept while everything else changes

// The least that a cell of the map measures, and the most pixels that a canvas may have everywhere.
const LEAST = {
  word: 5,
  unit: 3
},
      LARGEST = 16e6;
const SORTS = [["half-life", "half-life"], ["number", "unit number"], ["value", "value at the word"]];

// Rows in their order. A unit without a half-life (null) never fades: it stands first.
function ordered(model, layer, values) {
  const units = Array.from({length: model.units}, (_, unit) => unit), life = layer.halfLife;
  if (S.state.sort === "half-life" && life) {
    const of = (unit) => (life[unit] === null ? Infinity : life[unit]);
    return units.sort((a, b) => (of(a) === of(b) ? a - b : of(b) - of(a)));
  }
  if (S.state.sort === "value") {
    const at = Math.min(S.askedAt(model), values.length - 1);
    return units.sort((a, b) => values[at][b] - values[at][a]);
  }
  return units;
}

const words = (life) => (life === null ? "∞" : life >= 100 ? S.count(life) : S.fixed(life, 1));
function saysLife({halfLife, lifeQuartiles}, unit) {
  if (!halfLife) return "";
  const spread = lifeQuartiles ? ` (quartiles over the words ${lifeQuartiles[unit].map(words).join(", ")})` : "";
  return S.ofUnits(
      `${halfLife[unit] === null ? ", never fades" : `, half-life ${S.fixed(halfLife[unit], 1)} words`}${spread}`);
}

function choose(index) {
  const model = S.seen.models[index];
  const tracks = Object.keys(model.layers[S.layerOf(model)].tracks);
  const fits = tracks.includes(S.state.gate) ? S.state.gate : "";
  S.set({model: index, gate: fits, unit: "", word: null});
}

function explainRows(model, layer, track) {
  const life = layer.halfLife, gate = model.gates.find((g) => g.name === track);
  const parts = [`Each row is one of the ${model.units} units of memory, each column a ${S.unit(model)}. `];
  if (gate)
    parts.push(`Strong colour: ${gate.name} is near 1 (${gate.meaning}). `);
  else
    parts.push("Blue: above 0; amber: below 0; pale: near 0. ");
  if (life) {
    const at = S.askedAt(model), first = S.strongest(model)[0], gates = layer.values[model.keeps];
    if (!first || first.at >= at) {
      parts.push("Sorted by half-life, what holds on longest stands at the top.");
    } else {
      // On the direct path a unit keeps the product of its keeping gate over the words.
      const kept =
          life.filter((_, unit) => gates.slice(first.at + 1, at + 1).reduce((p, row) => p * row[unit], 1) >= 0.5)
              .length;
      parts.push(
          "From ", S.emphasis(model.words[first.at]), " to ", S.emphasis(model.words[at]),
          `, ${S.plural(at - first.at, S.unit(model))}, `,
          kept ? `${kept === 1 ? "one unit keeps" : `${kept} units keep`} at least half of what was held: sorted by ` +
                  S.ofUnits("half-life they stand near the top. That is where an old word lives on.") :
                                 S.ofUnits("no unit keeps half of what it held: what is still known of an old word was handed ") +
                  "from unit to unit.");
    }
  } else {
    parts.push(S.ofUnits("A plain RNN writes every unit anew at every word; it has no half-life to sort by."));
  }
  return parts;
}

class UnitMap {
  constructor(model, layer, track) {
    Object.assign(this, {model, layer, track, values: layer.values[track]});
    this.rows = ordered(model, layer, this.values);
    // A gate's scale ends at 1; that of a state where its values do, but not below 1.
    this.gate = model.gates.some((gate) => gate.name === track);
    this.most = this.gate ? 1 : this.values.reduce((m, row) => row.reduce((n, v) => Math.max(n, Math.abs(v)), m), 1);
    this.canvas = h("canvas", {"aria-hidden": "true"});
    this.labels = svg("svg", {class: "map-labels", "aria-hidden": "true", focusable: "false"});
    this.column = h("div", {class: "cross column"});
    this.row = h("div", {class: "cross row"});
    this.readout = h("p", {class: "readout", id: "map-readout"});
    this.area = h("div", {class: "map-area"}, this.canvas, this.column, this.row);
    this.node =
        h("div", {
          class: "map",
          id: "map",
          tabindex: 0,
          role: "application",
          "aria-label":
              `map of ${track}, ${model.units} units over ${model.words.length} words; arrow keys read values`,
          "aria-describedby": "map-readout",
          on: {
            keydown: (event) => this.key(event),
            pointermove: (event) => this.point(event),
            focus: () => this.show(true)
          },
        },
          this.labels, this.area);
    this.scroll = h("div", {class: "map-scroll"}, this.node);
    const end = Number.isInteger(this.most) ? String(this.most) : this.most.toFixed(1);
    this.figure = h(
        "figure", {class: "map-figure", "aria-label": `${track} of the ${S.nameOf(model)}, unit by unit`}, this.scroll,
        h("div", {class: "ramp"}, this.gate ? "0" : `−${end}`,
          h("span", {class: this.gate ? "ramp-bar" : "ramp-bar both"}), end, ` ${track}`));
    new ResizeObserver(() => this.draw()).observe(this.figure);
    S.watchChart(this);
  }

  // The share of the width that the bars of half-life take.
  get side() { return this.layer.halfLife ? 0.13 : 0; }

  draw() {
    const room = this.scroll.clientWidth, words = this.model.words.length, units = this.rows.length;
    if (!room) return;
    // Every unit and every word has its pixels; what has no room is scrolled to.
    const cells = Math.max(Math.floor(room * (1 - this.side)), words * LEAST.word),
          tall = Math.max(240, units * LEAST.unit);
    const width = Math.floor(cells / (1 - this.side)),
          scale = Math.min(devicePixelRatio || 1, Math.sqrt(LARGEST / width / tall));
    Object.assign(this.canvas, {width: width * scale, height: tall * scale});
    this.node.style.setProperty("width", `${width}px`);
    this.canvas.style.setProperty("width", `${width}px`);
    this.canvas.style.setProperty("height", `${tall}px`);
    const pen = this.canvas.getContext("2d"), signed = !this.gate;
    const low = S.colourOf("--sunk"), high = S.colourOf("--water-line"), under = S.colourOf("--reset");
    const image = new ImageData(words, units);
    this.rows.forEach((unit, y) => {
      for (let x = 0; x < words; ++x) {
        const value = this.values[x][unit], size = Math.min(1, Math.abs(value) / this.most),
              to = signed && value < 0 ? under : high;
        const at = 4 * (y * words + x);
        for (let c = 0; c < 3; ++c) image.data[at + c] = low[c] + (to[c] - low[c]) * size;
        image.data[at + 3] = 255;
      }
    });
    const small = h("canvas", {width: words, height: units});
    small.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, cells * scale, tall * scale);
    if (this.side) this.drawLives(pen, cells * scale, width * scale, tall * scale);
    Object.assign(this, {cells, tall});
    this.drawLabels(width, cells);
    this.show(false);
  }

  // Half-lives as bars on a logarithmic scale from 1/4 of a word to 256 words.
  drawLives(pen, from, to, tall) {
    const room = (to - from) * 0.88, start = to - room, each = tall / this.rows.length;
    pen.fillStyle = `rgb(${S.colourOf("--edge")})`;
    this.rows.forEach((unit, y) => {
      const life = this.layer.halfLife[unit],
            share = life === null ? 1 : Math.max(0.01, Math.min(1, (Math.log2(life) + 2) / 10));
      pen.fillRect(start, y * each, room * share, Math.max(1, each - 0.5));
    });
  }

  drawLabels(width, cells) {
    const each = cells / this.model.words.length, rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const every = Math.max(1, Math.ceil(0.95 * rem / each)),
          short = (word) => (word.length > 14 ? `${word.slice(0, 13)}…` : word),
          longest = Math.max(...this.model.words.map((word) => short(word).length));
    const slanted = each < longest * 0.5 * rem, tall = slanted ? Math.min(7, 1.2 + 0.36 * longest) * rem : 1.6 * rem;
    for (const [key, value] of Object.entries({width, height: tall, viewBox: `0 0 ${width} ${tall}`}))
      this.labels.setAttribute(key, value);
    put(this.labels, this.model.words.map((word, t) => {
      if (t % every) return null;
      const x = (t + 0.5) * each, y = tall - 0.4 * rem;
      return svg(
          "text",
          slanted ? {x: x + 0.2 * rem, y, transform: `rotate(-48 ${x + 0.2 * rem} ${y})`} :
                    {x, y, "text-anchor": "middle"},
          S.visible(short(word)));
    }),
        this.side ? svg("text", {x: width, y: tall - 0.4 * rem, "text-anchor": "end", class: "muted"}, "half-life") :
                    null);
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / this.cells, y = (event.clientY - box.top) / this.tall;
    if (y < 0 || y >= 1 || x < 0) return;
    PLACE.word = Math.min(this.model.words.length - 1, Math.floor(x * this.model.words.length));
    PLACE.row = Math.floor(y * this.rows.length);
    this.show(true);
  }

  key(event) {
    const words = this.model.words.length, rows = this.rows.length;
    const steps = {
      ArrowRight: [1, 0],
      ArrowLeft: [-1, 0],
      ArrowDown: [0, 1],
      ArrowUp: [0, -1],
      PageDown: [0, 16],
      PageUp: [0, -16],
      Home: [-words, 0],
      End: [words, 0]
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    PLACE.word = Math.max(0, Math.min(words - 1, PLACE.word + step[0]));
    PLACE.row = Math.max(0, Math.min(rows - 1, PLACE.row + step[1]));
    this.show(true);
    this.reveal();
    S.tell(this.readout.textContent);
  }

  // Scrolls to the cell that is read out.
  reveal() {
    const {scroll, at} = this, top = this.labels.getBoundingClientRect().height;
    if (at.x < scroll.scrollLeft || at.x > scroll.scrollLeft + scroll.clientWidth - 20)
      scroll.scrollLeft = at.x - scroll.clientWidth / 2;
    if (at.y < scroll.scrollTop || at.y > scroll.scrollTop + scroll.clientHeight - top - 10)
      scroll.scrollTop = at.y - scroll.clientHeight / 2;
  }

  show(cross) {
    const words = this.model.words.length, t = Math.min(PLACE.word, words - 1),
          y = Math.min(PLACE.row, this.rows.length - 1), unit = this.rows[y];
    this.readout.textContent = `${S.visible(this.model.words[t])}, unit ${unit}: ${this.track} ${
        S.fixed(this.values[t][unit], 4)}${saysLife(this.layer, unit)}`;
    this.node.classList.toggle("reading-out", cross || this.node.classList.contains("reading-out"));
    const each = this.cells / words, high = this.tall / this.rows.length;
    this.column.style.setProperty("left", `${t * each}px`);
    this.column.style.setProperty("width", `${each}px`);
    this.row.style.setProperty("top", `${y * high}px`);
    this.row.style.setProperty("height", `${Math.max(2, high)}px`);
    this.at = {x: t * each, y: y * high};
  }
}

S.drawUnits = async function() {
  if (!S.seen.whole) return;  // while somebody types, what was there stands
  const section = $("units"), chosen = S.chosenModel();
  let model = S.seen.models[chosen];
  section.hidden = false;
  try {
    model = await S.explainUnits(model);
  } catch (error) {
    if (error.name !== "AbortError") put($("units-body"), h("p", {class: "problem"}, error.message));
    return;
  }
  if (!S.seen || !S.seen.models.includes(model)) return;
  const layer = model.layers[S.layerOf(model)], tracks = Object.keys(layer.tracks).filter((name) => layer.values[name]);
  if (!tracks.length) {
    section.hidden = true;
    return;
  }
  const track = tracks.includes(S.state.gate) ? S.state.gate : model.keeps || "hidden";
  const map = new UnitMap(model, layer, track);
  const heads = ["unit", ...(layer.halfLife ? ["half-life"] : []), ...model.words.map(S.visible)];
  put($("units-body"), h("p", {class: "note"}, explainRows(model, layer, track)),
      h("div", {class: "tools"},
        S.choice(
            "model", "Network", S.seen.models.map((m, i) => [String(i), S.nameOf(m)]), String(chosen),
            (i) => choose(Number(i))),
        S.choice("gate", "Shown", tracks.map((name) => [name, name]), track, (gate) => S.set({gate})),
        S.choice(
            "sort", "Sorted by", SORTS.slice(layer.halfLife ? 0 : 1).map(([value, label]) => [value, S.ofUnits(label)]),
            layer.halfLife || S.state.sort !== "half-life" ? S.state.sort : "number", (sort) => S.set({sort}))),
      map.readout, map.figure, S.pictures(map.figure, "units"),
      S.numbers(
          "The numbers as a table",
          () => S.table(
              S.ofUnits(`${track} of every unit after every word`), heads,
              map.rows.map(
                  (unit) =>
                      [unit,
                       ...(layer.halfLife ? [layer.halfLife[unit] === null ? "∞" : S.fixed(layer.halfLife[unit], 2)] :
                                            []),
                       ...map.values.map((row) => S.fixed(row[unit], 4))]))));
  map.draw();
};
})(window.Sluice);
