// Puts the page of a training together: what it says first, its charts, and what the server has new every two seconds.
(function(S) {
"use strict";
const {h, put, $} = S;
const EVERY = 2000;  // milliseconds between two questions
const LISTS = ["updates", "validations", "gates"];

const inside = $("sluice-data").textContent.trim();
S.saved = inside ? JSON.parse(inside) : null;
S.seen = null;  // the course that is drawn: TrainingCurves::json() of the command
S.charts = {};
let run = 0;        // of the log that is drawn
const tables = [];  // that follow what is drawn

const unit = () => (S.seen.start && S.seen.start.unit) || "token";
const losses = () => (S.seen.start && S.seen.start.loss_unit) || "nats per token";
const loss = (value) => S.fixed(value === null ? NaN : value, 4);

// A table that is made when it is opened, and anew when there is more.
function table(caption, heads, make) {
  let stale = true;
  const details = S.numbers("The numbers as a table", () => S.table(caption, heads, make()));
  details.addEventListener("toggle", () => fresh());
  function fresh() {
    if (!details.open || !stale) return;
    stale = false;
    const place = details.querySelector(".scroll"), top = place ? place.scrollTop : 0;
    if (place) place.remove();
    details.append(S.table(caption, heads, make()));
    details.querySelector(".scroll").scrollTop = top;
  }
  tables.push(() => {
    stale = true;
    fresh();
  });
  return details;
}

function chart(id, label, caption, heads, make) {
  const made = new S.CourseChart(id, label);
  put($(`${id}-body`), h("p", {class: "note", id: `${id}-note`}), made.readout, made.figure,
      S.pictures(made.figure, id), table(caption, heads, make));
  return S.charts[id] = made;
}

// A value of a row, with the least and the most where it stands for several.
function value(rows, name, i, write) {
  const low = rows[`${name}_low`], high = rows[`${name}_high`], mean = rows[name][i];
  const several = low && rows.first[i] !== rows.last[i];
  return write(mean) + (several ? ` (${write(low[i])} to ${write(high[i])})` : "");
}
const short = (number) => S.short(number === null ? NaN : number);
const rowsOf = (name, write) => {
  const rows = S.seen.updates;
  return rows.last.map((_, i) => [S.updatesOf(rows, i), S.count(rows.epoch[i]), value(rows, name, i, write)]);
};

function makeCharts() {
  chart("loss", "Loss over updates", "Loss of training and validation", ["", "epoch", "training", "validation"], () => {
    const {updates, validations} = S.seen;
    const all = updates.last.map(
        (last,
         i) => [last, 0, S.updatesOf(updates, i), S.count(updates.epoch[i]), value(updates, "loss", i, loss), ""]);
    validations.last.forEach((last, i) => {
      all.push([
        last, 1, `after ${S.updatesOf(validations, i)}`, S.count(validations.epoch[i]),
        value(validations, "loss", i, loss), value(validations, "validation_loss", i, loss)
      ]);
    });
    return all.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((row) => row.slice(2));
  });
  for (const [id, label, head, name, logarithmic] of [
           ["norm", "Gradient norm over updates", "gradient norm", "gradient_norm", true],
           ["rate", "Learning rate over updates", "learning rate", "learning_rate", true],
           ["speed", "Speed over updates", "a second", "tokens_per_second", false]]) {
    const made = chart(id, label, label, ["", "epoch", head], () => rowsOf(name, short));
    made.mayBeLogarithmic = logarithmic;
  }
}

// Of the rows that end there or before, the last.
const lastUntil = (rows, update) => rows.last.filter((last) => last <= update).length - 1;

function series(rows, name, more) {
  return {rows, y: rows[name], low: rows[`${name}_low`], high: rows[`${name}_high`], ...more};
}

function drawLoss(span) {
  const {updates, validations, ngram, kept} = S.seen, validated = validations.last.length > 0;
  const lines = [];
  if (ngram && Number.isFinite(ngram.validation_loss))
    lines.push({name: `${ngram.order}-gram`, y: ngram.validation_loss});
  put($("loss-note"), `In ${losses()}. `,
      updates.stride > 1 ? `A point of training is the mean of ${
                               S.count(updates.stride)} updates, the band goes from the least to the most. ` :
                           "Training: of each update. ",
      validated ? "Validation: on text that is not trained on. " : "",
      kept && validated ? "The ring marks the weights that are kept. " : "",
      lines.length ?
          "The level line is what counting sequences of tokens reaches on the same text (an n-gram model): " +
              "below it the network has learned more than that." :
          "");
  S.charts.loss.show({
    span,
    rows: updates,
    series: [
      series(updates, "loss", {name: "training", style: 1, plain: true}),
      series(validations, "validation_loss", {name: "validation", style: 2})
    ],
    lines,
    marks: kept ? [{x: kept.update, y: kept.validation_loss}] : [],
    says: (i) => {
      const at = lastUntil(validations, updates.last[i]);
      return `${S.updatesOf(updates, i)}, epoch ${S.count(updates.epoch[i])}: training ${
          value(updates, "loss", i, loss)}${
          at < 0 ?
              "" :
              `, validation ${value(validations, "validation_loss", at, loss)} after ${S.updatesOf(validations, at)}`}`;
    }
  });
}

function drawOther(id, name, label, write, span, lines) {
  const rows = S.seen.updates;
  S.charts[id].show({
    span,
    rows,
    series: [series(rows, name, {name: label, style: 1, plain: true})],
    lines,
    says: (i) => `${S.updatesOf(rows, i)}: ${label} ${value(rows, name, i, write)}`
  });
}

let maps = new Map();
const bins = Array.from({length: 20}, (_, i) => `${(i / 20).toFixed(2)} to ${((i + 1) / 20).toFixed(2)}`);
const gateTable = table("How many values of a gate lay where", ["", "epoch", "layer", "gate", ...bins], () => {
  const {gates} = S.seen;
  return gates.last.flatMap(
      (_, i) => gates.gates.map(
          ({layer, gate},
           g) => [`after ${S.updatesOf(gates, i)}`, S.count(gates.epoch[i]), layer, gate, ...gates.counts[i][g]]));
});
function drawGates(span) {
  const {gates} = S.seen;
  $("gates").hidden = !gates.last.length;
  if (!gates.last.length) return;
  const names = gates.gates.map(({layer, gate}) => `${layer} ${gate}`);
  if (String(names) !== String([...maps.keys()])) {
    maps = new Map(gates.gates.map(({layer, gate}, g) => [names[g], new S.GateMap(`gate-${g}`, layer, gate)]));
    const layers = [...new Set(gates.gates.map(({layer}) => layer))];
    put($("gates-body"),
        h("p", {class: "note"},
          "How often each gate had which value, at every validation, while the network read the first steps of what it is " +
              "validated on: from 0 (shut) at the bottom to 1 (open) at the top, the stronger the colour the more often. " +
              "Layers are counted from 0."),
        layers.map(
            (layer) =>
                [h("h3", {}, `Layer ${layer}`),
                 h("div", {class: "gate-maps"},
                   [...maps.values()]
                       .filter((map) => map.layer === layer)
                       .map((map) => h("div", {}, map.figure, map.readout)))]),
        S.pictures($("gates-body"), "gates"), gateTable);
    $("gates-body").setAttribute("aria-label", "What the gates do");
  }
  [...maps.values()].forEach((map, g) => map.show({span, rows: gates, counts: gates.counts.map((row) => row[g])}));
  S.charts.gates = [...maps.values()];
}

function drawMessages() {
  const {messages} = S.seen;
  $("messages").hidden = !messages.length;
  put($("messages-body"),
      h("ul", {class: "messages"},
        messages.map((one) => h("li", {}, `After update ${S.count(one.update || 0)}: ${one.message}`))));
}

function say() {
  const {start, last, kept, end, validations} = S.seen;
  put($("what"),
      start ?
          `${String(start.cell).toUpperCase()} ${start.layers}, ${S.count(start.parameters)} weights: ${start.model}` :
          "");
  if (!last) {
    put($("now"), "No update yet.");
    return;
  }
  const of = (number, all) => S.count(number) + (all ? ` of ${S.count(all)}` : "");
  const state = !end      ? (S.saved ? "Training as of the last time that this page was written" : "Training goes on") :
      end.kind === "done" ? "Training has ended" :
                            `Training has ended: ${end.message}`;
  const at = validations.last.length - 1;
  put($("now"),
      `${state}. Epoch ${of(last.epoch, start && start.epochs)}, update ${of(last.update, start && start.updates)}, ${
          S.count(last.tokens)} ${unit()}s, ${S.count(last.tokens_per_second)} a second. `,
      at >= 0 ? `Validation ${value(validations, "validation_loss", at, loss)}` : "",
      at >= 0 && kept ? `; kept: ${loss(kept.validation_loss)}, after epoch ${S.count(kept.epoch)}.` :
          at >= 0 ? "." :
                    "",
      // The output was scaled after the last validation, or the whole text read where a part of it had validated.
      end && end.kind === "done" && kept && loss(end.validation_loss) !== loss(kept.validation_loss) ?
          ` The model that is saved: ${loss(end.validation_loss)}.` :
          "");
}

S.redraw = function() {
  if (!S.seen) return;
  const {updates, start} = S.seen, span = [updates.first[0] || 0, updates.last[updates.last.length - 1] || 1];
  say();
  drawLoss(span);
  drawGates(span);
  const clip = start && start.clip_norm > 0 ? [{name: `clip ${short(start.clip_norm)}`, y: start.clip_norm}] : [];
  put($("norm-note"), "Of all weights together, before it is clipped.",
      clip.length ? " Above the level line a gradient is scaled down to it." : "");
  drawOther("norm", "gradient_norm", "gradient norm", short, span, clip);
  put($("rate-note"), "Of the last update of each point.");
  drawOther("rate", "learning_rate", "learning rate", short, span, []);
  put($("speed-note"),
      `${unit()}s a second since training began, without validation and checkpoints.`.replace(
          /^./, (c) => c.toUpperCase()));
  drawOther("speed", "tokens_per_second", `${unit()}s a second`, short, span, []);
  drawMessages();
  for (const follow of tables) follow();
};

// What is new of one list behind what is there of it.
function join(there, news) {
  if (!there || news.from === 0) return news;
  for (const [name, column] of Object.entries(news)) {
    if (!Array.isArray(column) || name === "gates") continue;
    there[name].length = news.from;
    there[name].push(...column);
  }
  return there;
}

async function ask() {
  const have = (list) => (S.seen ? {stride: S.seen[list].stride, count: S.seen[list].last.length} : {});
  const answer = await fetch("api/v1/training", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({run, ...Object.fromEntries(LISTS.map((list) => [list, have(list)]))})
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error((said.error && said.error.message) || `the server answered ${answer.status}`);
  const old = run === said.run ? S.seen : null, ended = old && old.end;
  const before = old && JSON.stringify([old.last, old.end, old.kept, old.messages.length, old.gates.last.length]);
  for (const list of LISTS) said[list] = join(old && old[list], said[list]);
  S.seen = said;
  run = said.run;
  put($("notice"), said.notice ? h("p", {class: "problem"}, said.notice) : null);
  const now = JSON.stringify([said.last, said.end, said.kept, said.messages.length, said.gates.last.length]);
  if (now !== before) S.redraw();
  if (said.end && !ended) S.tell($("now").textContent);
  return said.behind;
}

async function follow() {
  let at_once = false;
  try {
    at_once = await ask();
    document.documentElement.classList.remove("old");
  } catch (error) {
    document.documentElement.classList.add("old");
    put($("notice"),
        h("p", {class: "problem", role: "alert"},
          error instanceof TypeError ?
              "The server does not answer. Is sluice serve still running? It is asked again every two seconds." :
              error.message));
  }
  setTimeout(follow, at_once ? 0 : EVERY);
}

S.dataToSave = async () => S.seen;
function start() {
  S.startTheme(() => S.redrawCharts());
  makeCharts();
  S.startSaving();
  S.about = {};
  put($("about"),
      S.saved ? "A page written by Sluice; it holds its data and asks nobody. While it trains: " :
                "The same numbers stand in the log, line by line. As one file that needs no server: ",
      h("code", {}, S.saved ? "sluice train --log LOG" : "sluice train --html FILE"), S.saved ? " and " : "",
      S.saved ? h("code", {}, "sluice serve --watch LOG") : "", ".");
  if (S.saved) {
    S.seen = S.saved;
    S.redraw();
  } else {
    follow();
  }
}
start();
})(window.Sluice);
