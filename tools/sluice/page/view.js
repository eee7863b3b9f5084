// What is being looked at: one plain object, kept in the address so that a link shows the same. And what the words and
// numbers of an explanation mean, apart from how they are drawn.
(function(S) {
"use strict";

// at: the word after which reading stops, null: the last. model: whose units are mapped, null: the last. trace: the
// word that is followed, null: the one that counts most. unit: "LAYER:UNIT" under the microscope, "": the one that
// carries most; word: the word it is looked at, null: where that unit wrote. found, follows, span,
// spread: see finder.js. edits: what-ifs, see what-if.js.
const FIRST = {
  text: "",
  sample: 0,
  at: null,
  measure: "",
  model: null,
  layer: null,
  trace: null,
  unit: "",
  word: null,
  gate: "",
  sort: "half-life",
  found: "",
  follows: "",
  span: "",
  spread: "",
  edits: []
};
const NUMBERS = new Set(["sample", "at", "model", "layer", "trace", "word"]);
S.state = {...FIRST};
const listeners = [];
S.onChange = (listener) => listeners.push(listener);

// Whether what a link says is an edit as what-if.js makes them.
function isEdit(edit) {
  const place = (at) => Number.isInteger(at) && at >= 0;
  if (!edit) return false;
  if (edit.kind === "replace") return place(edit.at) && typeof edit.with === "string";
  if (edit.kind === "delete") return place(edit.at);
  return edit.kind === "hold" && typeof edit.gate === "string" && edit.value >= 0 && edit.value <= 1 &&
      place(edit.first) && place(edit.last) && ["all", "slow", "fast"].includes(edit.units);
}

function fromAddress(hash) {
  const state = {...FIRST};
  for (const [key, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (!Object.hasOwn(FIRST, key)) continue;
    if (key === "edits") {
      try {
        const edits = JSON.parse(value);
        if (Array.isArray(edits)) state.edits = edits.filter(isEdit).slice(0, 32);
      } catch { /* a link that was cut off shows the text without its what-ifs */
      }
    } else if (NUMBERS.has(key)) {
      const number = Number(value);
      if (Number.isInteger(number) && number >= 0) state[key] = number;
    } else {
      state[key] = value;
    }
  }
  return state;
}

function toAddress(state) {
  const said = new URLSearchParams();
  for (const [key, first] of Object.entries(FIRST)) {
    const value = state[key];
    if (key === "edits") {
      if (value.length) said.set(key, JSON.stringify(value));
    } else if (value !== first) {
      said.set(key, value);
    }
  }
  return said.toString();
}

S.link = () => location.href.replace(/#.*$/, "") + "#" + toAddress(S.state);
S.readAddress = () => {
  S.state = fromAddress(location.hash);
};

// Not at every key: browsers refuse an address that changes too often.
let writing = 0;
function writeAddress() {
  const said = toAddress(S.state);
  // An address that is too long for a browser's history is simply not kept; the page works without.
  try {
    history.replaceState(null, "", said ? "#" + said : location.pathname + location.search);
  } catch { /* so be it */
  }
}

// Changes what is looked at, writes it into the address and tells everybody which keys are new.
S.set = function(changes) {
  const changed = new Set(Object.keys(changes).filter((key) => S.state[key] !== changes[key]));
  if (!changed.size) return;
  Object.assign(S.state, changes);
  clearTimeout(writing);
  writing = setTimeout(writeAddress, 400);
  for (const listener of listeners) listener(changed);
};

// The edits of a text whose words are now others: those of words that still stand, at their new places. Words are
// matched from both ends; whatever was changed lies between.
S.moveEdits = function(edits, before, after) {
  let head = 0, tail = 0;
  const most = Math.min(before.length, after.length);
  while (head < most && before[head] === after[head]) ++head;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) ++tail;
  const place = (at) => (at < head ? at : at >= before.length - tail ? at + after.length - before.length : null);
  return edits
      .map((edit) => {
        if (edit.kind !== "hold") return {...edit, at: place(edit.at)};
        // A hold keeps to the words that are left of it.
        const within = Array.from({length: edit.last - edit.first + 1}, (_, i) => place(edit.first + i))
                           .filter((at) => at !== null);
        return {...edit, first: within[0] ?? null, last: within[within.length - 1] ?? null};
      })
      .filter((edit) => (edit.kind === "hold" ? edit.first !== null : edit.at !== null));
};

// The gates of a cell by what they do to the memory. A plain RNN has none: its hidden state stands in.
const KEEPS = ["retain", "forget"];
S.keeper = (model) => model.gates.find((gate) => KEEPS.includes(gate.name));
S.others = (model) => model.gates.filter((gate) => !KEEPS.includes(gate.name));
S.layerOf = function(model) {
  const last = model.layers.length - 1;
  return S.state.layer === null ? last : Math.min(S.state.layer, last);
};
S.meanOf = (model, name) => model.layers[S.layerOf(model)].mean[name] || [];
S.nameOf = (model) =>
    (S.seen.models.filter((other) => other.cell === model.cell).length > 1 ? model.name : model.cell.toUpperCase());
// What a token of the model is called; and a sentence about words, for models of characters about characters.
S.unit = (model) => (model.level === "char" ? "character" : "word");
S.ofUnits = function(text) {
  const models = (S.seen && S.seen.models) || [];
  if (!models.length || !models.every((model) => S.unit(model) === "character")) return text;
  return text.replace(/\b(w|W)ord(s?)\b/g, (_, w, s) => (w === "w" ? "c" : "C") + "haracter" + s);
};
// The network that is looked into: the one chosen, else the last that has gates.
S.chosenModel = function() {
  const models = S.seen.models, gated = models.map((m) => Boolean(m.keeps)).lastIndexOf(true);
  return S.state.model === null ? (gated < 0 ? models.length - 1 : gated) : Math.min(S.state.model, models.length - 1);
};
S.lastWord = (model) => model.words.length - 1;
// The word after which this model is asked.
S.askedAt = (model) =>
    (model.fixedAt !== undefined ? model.fixedAt :
         S.state.at === null     ? S.lastWord(model) :
                                   Math.min(S.state.at, S.lastWord(model)));

S.measures = {
  without: {
    nats: true,
    label: "word left out",
    help: "Each word in turn is replaced by the unknown word, and the model asked again: by how much " +
        "the answer's log-probability falls. The plainest measure, and the dearest: one reading of " +
        "the text a word.",
  },
  replaced: {
    nats: true,
    label: "another word",
    help: "Each word in turn is replaced by up to four others that the network itself expected most in its place, or " +
        "where there is a corpus (serve --corpus) that stand there behind the same word: " +
        "by how much the answer's log-probability falls on average. The unknown word is itself a word, and may " +
        "stand for something; these are words that the text could have had. Four readings of the text a word.",
  },
  signed: {
    nats: true,
    label: "gradient × input",
    help: "The slope of the answer's log-probability along each word's embedding, times that embedding:" +
        " what the word added to the answer, or took from it. One reading and one reading backwards " +
        "for all words.",
  },
  norm: {
    label: "gradient",
    help: "How strongly the answer would move if a word's embedding were nudged, whatever the " +
        "direction. One reading and one reading backwards for all words.",
  },
};

// Of a long text the words around one are drawn, so that a key costs the same in it as in a short one: [from, to). All
// of them on demand.
const DRAWN = 240, BEHIND = 40;
S.allWords = false;
S.windowAround = function(count, at) {
  if (S.allWords || count <= DRAWN) return [0, count];
  const to = Math.min(count, Math.max(DRAWN, at + BEHIND));
  return [to - DRAWN, to];
};
// What stands where words are left out.
S.leftOut = (count, model, where) => count > 0 &&
    S.h("li", {class: "left-out"},
        S.h("button", {
          type: "button",
          class: "quiet",
          on: {
            click: () => {
              S.allWords = true;
              S.redraw();
            }
          }
        },
            `… ${S.count(count)} ${S.unit(model)}s ${where}: draw them all`));

// Whether two models read the text as the same words, so that a word's number means the same in both.
S.sameWords = (one, other) =>
    one.words.length === other.words.length && one.words.every((w, t) => w === other.words[t]);

// What the answer depends on: [{at, word, share, value}], greatest first. Shares are of the sum of sizes.
S.dependsOn = function(model) {
  const at = S.askedAt(model);
  const found = model.connectivity && model.connectivity.at === at && model.connectivity[S.measureShown];
  if (!found) return [];
  const sum = found.reduce((total, value) => total + Math.abs(value), 0) || 1;
  return found.map((value, i) => ({at: i, word: model.words[i], value, share: Math.abs(value) / sum}))
      .sort((a, b) => b.share - a.share);
};
// Those that stand out: at least a tenth of it all, four at most.
S.strongest = (model) => S.dependsOn(model).filter((one) => one.share >= 0.1).slice(0, 4);

// What a line carries: nats where the measure has them, else the share of all.
S.sizeOf = (one) => (
    S.measures[S.measureShown].nats ? `${S.fixed(one.value, Math.abs(one.value) < 0.1 ? 2 : 1)} nats` : percentOf(one));
const percentOf = (one) => `${one.value < 0 ? "−" : ""}${S.percent(one.share)}`;
// Its thickness, from 1 pixel at nothing to 7 at 6 nats and more, so that lines of two networks compare.
S.thickness = (one) => 1 + (S.measures[S.measureShown].nats ? Math.min(6, Math.abs(one.value)) : 5 * one.share);
// What all words carry together, where the measure has nats.
S.totalOf = function(model) {
  const all = S.dependsOn(model);
  if (!all.length || !S.measures[S.measureShown].nats) return "";
  const sum = all.reduce((total, one) => total + Math.abs(one.value), 0);
  return `its ${S.unit(model)}s carry ${S.fixed(sum, sum < 0.1 ? 2 : 1)} nats in all`;
};

// The sentence beneath a model's name: what it expects, and what of the past that depends on.
S.reading = function(model) {
  const at = S.askedAt(model), best = (model.after[at] || [])[0];
  if (!best) return [];
  const parts =
      ["After ", S.emphasis(model.words[at]), " it expects ", S.emphasis(best.word), ` (${S.percent(best.p)}). `];
  const strong = S.strongest(model);
  if (!strong.length) return parts;
  const first = strong[0], back = at - first.at;
  const unit = S.unit(model);
  const far = back === 0 ? `the ${unit} just read` : back === 1 ? `one ${unit} back` : `${back} ${unit}s back`;
  parts.push("That depends most on ", S.emphasis(first.word), `, ${far}`);
  const instead = model.connectivity.instead && model.connectivity.instead[first.at];
  if (S.measureShown !== "without" || !instead) {
    parts.push(` (${S.percent(first.share)} of all).`);
  } else if (instead.word !== best.word) {
    parts.push(": without it, it would expect ", S.emphasis(instead.word), ` (${S.percent(instead.p)}).`);
  } else {
    const [is, would] = S.percents(best.p, instead.p);
    parts
        .push(is === would ? ": but without it, the answer would be as likely." : `: without it, ${is} would be ${would}.`);
  }
  return parts;
};

// How the memory got there: what the gates kept on the way from the word that matters most.
S.keeping = function(model) {
  const keeper = S.keeper(model), at = S.askedAt(model), first = S.strongest(model)[0];
  if (!keeper) return `A plain RNN has no gates: each ${S.unit(model)} writes all of its memory anew.`;
  const from = first ? first.at : 0, kept = S.meanOf(model, keeper.name).slice(from + 1, at + 1);
  if (!kept.length) return "";
  const most = (model.layers[S.layerOf(model)].quantiles[keeper.name] || []).slice(from + 1, at + 1).map((q) => q[4]);
  return `On the way it kept ${S.percent(S.mean(kept))} of its memory a ${S.unit(model)}, on average over its units${
      most.length ? `; the tenth of them that keep most kept ${S.percent(S.mean(most))} and more` : ""}.`;
};
})(window.Sluice);
