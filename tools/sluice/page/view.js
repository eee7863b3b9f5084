// What is being looked at: one plain object, kept in the address so that a link shows the same. And what the words and
// numbers of an explanation mean, apart from how they are drawn.
(function(S) {
"use strict";

// at: the word after which reading stops, null: the last. model: whose units are mapped, null: the last. trace: the
// word that is followed, null: the one that counts most. edits: what-ifs, see what-if.js.
const FIRST = {
  text: "",
  sample: 0,
  at: null,
  measure: "",
  model: null,
  layer: null,
  trace: null,
  gate: "",
  sort: "half-life",
  edits: []
};
const NUMBERS = new Set(["sample", "at", "model", "layer", "trace"]);
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
S.lastWord = (model) => model.words.length - 1;
// The word after which this model is asked.
S.askedAt = (model) =>
    (model.fixedAt !== undefined ? model.fixedAt :
         S.state.at === null     ? S.lastWord(model) :
                                   Math.min(S.state.at, S.lastWord(model)));

S.measures = {
  without: {
    label: "word left out",
    help: "Each word in turn is replaced by the unknown word, and the model asked again: by how much " +
        "the answer's log-probability falls. The plainest measure, and the dearest: one reading of " +
        "the text a word.",
  },
  signed: {
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

// Whether two models read the text as the same words, so that a word's number means the same in both.
S.sameWords = (one, other) =>
    one.words.length === other.words.length && one.words.every((w, t) => w === other.words[t]);

// What the answer hangs on: [{at, word, share, value}], greatest first. Shares are of the sum of sizes.
S.hangsOn = function(model) {
  const at = S.askedAt(model);
  const found = model.connectivity && model.connectivity.at === at && model.connectivity[S.measureShown];
  if (!found) return [];
  const sum = found.reduce((total, value) => total + Math.abs(value), 0) || 1;
  return found.map((value, i) => ({at: i, word: model.words[i], value, share: Math.abs(value) / sum}))
      .sort((a, b) => b.share - a.share);
};
// Those that stand out: at least a tenth of it all, four at most.
S.strongest = (model) => S.hangsOn(model).filter((one) => one.share >= 0.1).slice(0, 4);

// The sentence beneath a model's name: what it expects, and what of the past that hangs on.
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
  parts.push("That hangs most on ", S.emphasis(first.word), `, ${far}`);
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
  return `On the way it kept ${S.percent(S.mean(kept))} of its memory a ${S.unit(model)}, on average over its units.`;
};
})(window.Sluice);
