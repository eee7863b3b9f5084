// Histograms of gates over time: a column for every time that training validated, from 0 at the bottom to 1 at the
// top, the stronger the colour the more of the gate's values lay there.
(function(S) {
"use strict";
const {h, put, svg} = S;
const BINS = 20;

S.GateMap = class {
  constructor(id, layer, gate) {
    Object.assign(this, {layer, gate, at: {column: 0, bin: 0}, followsEnd: true});
    const label = `${gate} of layer ${layer}: how its values are spread, over updates`;
    this.readout = h("p", {class: "readout", id: `${id}-readout`});
    this.canvas = h("canvas", {"aria-hidden": "true"});
    this.holder = h("div", {class: "gate-axes"});
    this.cell = h("div", {class: "gate-cell"});
    this.node =
        h("div", {
          class: "gate-map",
          id,
          tabindex: 0,
          role: "application",
          "aria-label": `${label}; arrow keys read values`,
          "aria-describedby": `${id}-readout`,
          on: {keydown: (event) => this.key(event), pointermove: (event) => this.point(event)}
        },
          this.canvas, this.holder, this.cell);
    this.end = h("span", {});
    this.figure =
        h("figure", {"aria-label": label}, h("h4", {}, gate), this.node,
          h("div", {class: "ramp"}, "0 %", h("span", {class: "ramp-bar"}), this.end));
    new ResizeObserver(() => this.draw()).observe(this.figure);
    S.watchChart(this);
  }

  // counts: for each row, of each bin. rows: `first`, `last` and `epoch` of each.
  show({span, rows, counts}) {
    Object.assign(this, {span, rows});
    this.shares = counts.map((column) => {
      const all = column.reduce((sum, count) => sum + count, 0) || 1;
      return column.map((count) => count / all);
    });
    this.most = Math.max(1e-9, ...this.shares.map((column) => Math.max(...column)));
    put(this.end, S.percent(this.most));
    if (this.followsEnd)
      this.at = {column: counts.length - 1, bin: this.shares.at(-1).indexOf(Math.max(...this.shares.at(-1)))};
    this.at.column = Math.max(0, Math.min(this.at.column, counts.length - 1));
    this.draw();
  }

  // Where a column begins; one reaches from the validation before it to its own.
  edge(column) { return S.placeOf(this, column ? this.rows.last[column - 1] : this.span[0]); }
  height(value) { return this.bottom - value * (this.bottom - this.top); }

  draw() {
    if (!this.rows || !this.node.clientWidth) return;
    const {drawing, rem} = S.drawingFor(this, (width, em) => 13.5 * em, 2.6, 0.6);
    for (const value of [0, 0.25, 0.5, 0.75, 1])
      drawing.append(svg(
          "text", {class: "tick", x: this.left - 0.45 * rem, y: this.height(value) + 0.28 * rem, "text-anchor": "end"},
          value));
    S.drawUpdates(this, drawing, rem, this.bottom);
    drawing.append(svg(
        "rect",
        {class: "frame", x: this.left, y: this.top, width: this.right - this.left, height: this.bottom - this.top}));
    put(this.holder, drawing);
    this.paint();
    this.read();
  }

  paint() {
    const width = Math.round(this.right - this.left), tall = Math.round(this.bottom - this.top),
          scale = devicePixelRatio || 1;
    Object.assign(this.canvas, {width: width * scale, height: tall * scale});
    for (const [name, value] of Object.entries({left: this.left, top: this.top, width, height: tall}))
      this.canvas.style.setProperty(name, `${value}px`);
    const pen = this.canvas.getContext("2d"), low = S.colourOf("--sunk"), high = S.colourOf("--water-line");
    pen.scale(scale, scale);
    this.shares.forEach((column, i) => {
      const from = this.edge(i) - this.left, to = this.edge(i + 1) - this.left;
      column.forEach((share, bin) => {
        const size = share / this.most;
        pen.fillStyle = `rgb(${low.map((value, c) => Math.round(value + (high[c] - value) * size))})`;
        // To whole pixels, so that no seams show.
        const top = Math.round(tall * (1 - (bin + 1) / BINS)), bottom = Math.round(tall * (1 - bin / BINS));
        pen.fillRect(Math.round(from), top, Math.max(1, Math.round(to) - Math.round(from)), bottom - top);
      });
    });
  }

  point(event) {
    const box = this.node.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const column = this.rows.last.findIndex((_, i) => this.edge(i + 1) >= x);
    const bin = Math.floor((this.bottom - y) / (this.bottom - this.top) * BINS);
    this.move(column < 0 ? this.shares.length - 1 : column, bin);
  }
  move(column, bin) {
    this.at = {
      column: Math.max(0, Math.min(this.shares.length - 1, column)),
      bin: Math.max(0, Math.min(BINS - 1, bin))
    };
    this.followsEnd = false;
    this.read();
  }
  key(event) {
    const step = {
      ArrowRight: [1, 0],
      ArrowLeft: [-1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
      Home: [-1e9, 0],
      End: [1e9, 0]
    }[event.key];
    if (!step) return;
    event.preventDefault();
    this.move(this.at.column + step[0], this.at.bin + step[1]);
    S.tell(this.readout.textContent);
  }

  read() {
    const {column, bin} = this.at;
    this.readout.textContent = `${S.updatesOf(this.rows, column)}, epoch ${S.count(this.rows.epoch[column])}: ${
        S.percent(
            this.shares[column][bin],
            1)} of ${this.gate} from ${(bin / BINS).toFixed(2)} to ${((bin + 1) / BINS).toFixed(2)}`;
    const left = this.edge(column), each = (this.bottom - this.top) / BINS;
    const place = {left, top: this.height((bin + 1) / BINS), width: this.edge(column + 1) - left, height: each};
    for (const [name, value] of Object.entries(place)) this.cell.style.setProperty(name, `${value}px`);
  }
};
})(window.Sluice);
