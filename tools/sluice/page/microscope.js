// The cell microscope: one unit at one word, its equations as the cell's file prints them, each symbol above its value,
// and what the gates let through as bars. What is drawn follows from the equations; no cell is known by name.
(function(S) {
"use strict";
const {h, put, $, percent, emphasis} = S;

// A number under its symbol: two decimals, three where it would read 0.
const shown = (value) =>
    (Number.isFinite(value) ? S.fixed(value, value !== 0 && Math.abs(value) < 0.005 ? 3 : 2) : "–");

// One equation: the text as printed, in pieces, those that carry a number above it.
function equationRow(equation, values, places) {
  const pieces = [], {text, tree, target} = equation, {writes} = places;
  const symbol = (name, value, kind) =>
      h("span", {class: `symbol ${kind}`, "data-symbol": name, "data-value": value}, h("span", {class: "name"}, name),
        h("span", {class: "number"}, shown(value)));
  const kindOf = (name) => (name === writes || places.shares.has(name) ? "share" : /'$/.test(name) ? "after" : "plain");
  pieces.push(symbol(target, values[target], `target ${kindOf(target)}`));
  let from = text.indexOf("=");
  const between = (to) => {
    const literal = text.slice(from, to).replace(/\s+/g, " ");
    if (literal.trim()) pieces.push(h("span", {class: "literal"}, literal));
  };
  for (const leaf of S.leavesOf(tree)) {
    between(leaf.from);
    pieces.push(symbol(text.slice(leaf.from, leaf.to), S.evaluate(leaf, values), kindOf(leaf.name)));
    from = leaf.to;
  }
  between(text.length);
  return h("li", {class: "equation", "data-equation": text}, pieces);
}

function sharesOf(equations) {
  const shares = new Set();
  for (const one of equations)
    for (const part of one.summands)
      if (part.share)
        for (const leaf of S.leavesOf(part.share)) shares.add(leaf.name);
  return shares;
}

// A bar from zero on a line from -most to most; `outer` is what there was, `inner` what came through.
function bar(most, outer, inner, label) {
  const at = (value) => 50 + 50 * Math.max(-1, Math.min(1, value / most));
  const box = (value, name) => h("span", {
    class: `${name} ${value < 0 ? "below" : "above"}`,
    style: {left: `${Math.min(50, at(value))}%`, width: `${Math.abs(at(value) - 50)}%`}
  });
  return h(
      "span", {class: "balance", role: "img", "aria-label": label}, h("span", {class: "zero"}),
      outer === null ? null : box(outer, "outer"), box(inner, "inner"));
}

// The bars of a state: for each summand the thing as an outline, its share filled; the sum beneath.
function barsOf(model, equations, values) {
  const rows = [];
  const text = (equation, node) => equation.text.slice(node.from, node.to);
  for (const equation of equations.states) {
    const shares = equation.summands.some((part) => part.share);
    const parts = shares              ? equation.summands :
        equation.tree.kind === "call" ? innerSummands(equation.tree) :
                                        equation.summands;
    const sized = parts.map((part) => ({
                              part,
                              outer: part.thing ? S.evaluate(part.thing, values) : null,
                              inner: part.sign * S.evaluate(part.node, values)
                            }));
    const sum = values[equation.target];
    const most = Math.max(1, Math.abs(sum), ...sized.flatMap((one) => [Math.abs(one.outer || 0), Math.abs(one.inner)]));
    for (const {part, outer, inner} of sized) {
      const name = text(equation, part.node);
      const says = outer === null ? `${name} = ${shown(inner)}` :
                                    `${percent(S.evaluate(part.share, values))} of ${shown(outer)} is ${shown(inner)}`;
      const verb = outer === null ? "" : part.old ? "kept" : equations.memory === equation ? "written" : "shown";
      rows.push(
          h("li", {}, h("span", {class: "verb"}, verb), h("code", {}, name), bar(most, outer, inner, says),
            h("span", {class: "number"}, says)));
    }
    rows.push(
        h("li", {class: "sum"}, h("span", {class: "verb"}, "after"), h("code", {}, equation.target),
          bar(most, null, sum, `${equation.target} = ${shown(sum)}`), h("span", {class: "number"}, shown(sum))));
  }
  return h("ul", {class: "balances", "aria-label": "products"}, rows);
}
const innerSummands = (call) =>
    call.inner.filter((one) => one.kind !== "number")
        .flatMap(
            (one) =>
                (one.kind === "sum" ? one.inner.map((node, i) => ({node, sign: one.signs[i], thing: null})) :
                                      [{node: one, sign: 1, thing: null}]));

// "kept 3 % of 0.99 and wrote 97 % of -1.00"
function sentence(model, equations, values, word) {
  const {memory, states} = equations, said = ["At ", emphasis(word), " "];
  const clause = (part, verb) =>
      (part.share ? `${verb} ${percent(S.evaluate(part.share, values))} of ${shown(S.evaluate(part.thing, values))}` :
                    `${verb} ${shown(part.sign * S.evaluate(part.node, values))}`);
  if (!memory) {
    const after = states[0] ? states[0].target : "h'";
    return [
      ...said, `this unit is written anew: ${after} = ${shown(values[after])}. `,
      "What it held before comes in through the matrix alone, mixed with all other units; no gate keeps it."
    ];
  }
  const old = memory.summands.find((part) => part.old), others = memory.summands.filter((part) => !part.old);
  said.push(
      `it kept ${percent(S.evaluate(old.share, values))} of ${shown(S.evaluate(old.thing, values))}`,
      others.map((part) => [" and ", clause(part, "wrote")]).flat(), `: it now holds ${shown(values[memory.target])}`);
  const outside = states.find((one) => one !== memory && one.summands.some((part) => part.share));
  if (outside) said.push(`, and ${clause(outside.summands.find((part) => part.share), "shows")}`);
  said.push(".");
  return said;
}

// A network without gates beside one that has them: its single line at the same word.
function beside(model, at) {
  const plain = S.seen.models.find(
      (other) => other !== model && !S.equationsOf(other).memory && S.equationsOf(other).states.length &&
          S.sameWords(other, model));
  const place = plain && S.rankedUnits(plain)[0], parts = place && S.partsOf(plain, place);
  if (!parts || !S.equationsOf(model).memory) return null;
  const equations = S.equationsOf(plain), values = S.runUnit(plain, parts)[at];
  return h(
      "div", {class: "beside"}, h("h4", {}, `Beside it: ${S.nameOf(plain)}, ${S.unitName(plain, place)}`),
      h("ol", {class: "equations"},
        equations.equations.map((one) => equationRow(one, values, {writes: "", shares: new Set()}))),
      h("p", {class: "small"},
        "One line and no gate: at every step all that it held goes through the matrix and the bend again."));
}

// Where the numbers before the first word come from.
function beginning(model, at) {
  if (at > 0) return null;
  const said = model.beginsAfter === null ? ["Before the first ", S.unit(model), " every state is 0."] : [
    "Before the first ", S.unit(model), ", the network read ", emphasis(model.beginsAfter),
    ", as a text began in training."
  ];
  return h("p", {class: "small", id: "beginning"}, said);
}

function convention(equations) {
  if (!equations.writes) return null;
  const z = equations.writes;
  return h(
      "p", {class: "small", id: "convention"}, h("code", {}, z), ` writes here: 1 − ${z} is the share that is kept. `,
      `In PyTorch and Keras ${z} keeps: what they call ${z} is 1 − ${z} here.`);
}

// Playing moves the word; the buttons stay the same nodes, so that one can be pressed while the text runs.
let playing = 0, slow = false;
const wordShown = () => Number($("microscope").dataset.word);
function stop() {
  clearInterval(playing);
  playing = 0;
}
function advance() {
  const model = S.seen && S.seen.models[S.chosenModel()];
  if (!model || !$("microscope") || wordShown() >= S.lastWord(model))
    stop();
  else
    S.set({word: wordShown() + 1});
  if (!playing && $("microscope")) sayPlaying();
}
function sayPlaying() {
  const button = $("cell-play");
  button.textContent = playing ? "Pause" : "Play";
  button.setAttribute("aria-pressed", String(Boolean(playing)));
}
function play(model) {
  if (playing) {
    stop();
  } else {
    if (wordShown() >= S.lastWord(model)) S.set({word: 0});
    playing = setInterval(advance, slow ? 2400 : 900);
  }
  sayPlaying();
}

function controls(model) {
  const button = (id, text, act) => h("button", {type: "button", id, on: {click: act}}, text);
  const step = (by) => S.set({word: Math.max(0, Math.min(S.lastWord(model), wordShown() + by))});
  return h("div", {class: "stepper"}, button("cell-back", "◀ Back", () => step(-1)),
           button("cell-on", `Next ${S.unit(model)} ▶`, () => step(1)),
           h("button", {type: "button", id: "cell-play", "aria-pressed": String(Boolean(playing)), on: {click: () => play(model)}},
             playing ? "Pause" : "Play"),
           h("label", {class: "tick-box", for: "cell-slow"}, h("input", {
               type: "checkbox",
               id: "cell-slow",
               checked: slow,
               on: {
                 change: (event) => {
      slow = event.target.checked;
      if (playing) stop(), play(model);
                 }
               }
             }),
             "slow"));
}

// Another word in a microscope that stands: everything but its buttons is new.
S.moveMicroscope = function(figure, model, place, parts, at) {
    const equations = S.equationsOf(model), values = S.runUnit(model, parts)[at];
    const places = {writes: equations.writes, shares: sharesOf(equations.equations)};
    Object.assign(figure.dataset, {word: at, layer: place.layer, unit: place.unit});
    put(figure.querySelector("h3"), h("span", {}, `Inside ${S.unitName(model, place)} of the ${S.nameOf(model)} at `),
        emphasis(model.words[at]));
    figure.querySelector("#cell-back").disabled = at === 0;
    figure.querySelector("#cell-on").disabled = at === S.lastWord(model);
    put(figure.querySelector(".content"),
        h("p", {class: "reading", id: "cell-told"}, sentence(model, equations, values, model.words[at])),
        h("div", {class: "microscope-body"},
          h("div", {},
            h("ol", {class: "equations", "aria-label": "the cell's equations with this unit's numbers"},
              equations.equations.map((one) => equationRow(one, values, places))),
            convention(equations), beginning(model, at)),
          h("div", {}, barsOf(model, equations, values), beside(model, at))));
};

S.microscope = function(model, place, parts, at) {
    const figure =
        h("figure", {
          class: "microscope",
          id: "microscope",
          "aria-label": `the equations of ${S.unitName(model, place)} with their numbers`
        },
          h("div", {class: "head"}, h("h3"), controls(model)), h("div", {class: "content"}));
    S.moveMicroscope(figure, model, place, parts, at);
    return figure;
};
})(window.Sluice);
