// What the network kept and what let it go, told by the units that carry the answer: the text coloured by one unit,
// where that unit wrote, how long it held, which word let go. A sentence says so only where the numbers do.
(function(S) {
"use strict";
const {h, put, $, percent, emphasis} = S;

// A unit counts as carrying the answer from this many nats on: e^-0.1, a tenth of the probability.
const CARRIES = 0.1;
// A hold: something is written (0.3 of the unit's largest value or more), and for three words or more the unit stays
// within half of it, keeping three quarters a word or more on average. It is let go where one word then keeps less than
// 0.35. A word that keeps less than a tenth writes anew, even where what it writes is near what was there.
const WRITTEN = 0.3, NEAR = 0.5, KEPT = 0.75, LET_GO = 0.35, SHORTEST = 3, ANEW = 0.1;

S.partsOf = (model, place) => place && model.microscope &&
    model.microscope.units.find((one) => one.layer === place.layer && one.unit === place.unit);
S.unitName = (model, place) =>
    (model.layers.length > 1 ? `layer ${place.layer + 1}, unit ${place.unit}` : `unit ${place.unit}`);

// Units by what the answer loses without them, those first that are at hand. [{layer, unit, nats, instead}]
S.rankedUnits = function(model) {
  if (!model.microscope) return [];
  const ranked = (model.ablation ? model.ablation.units : []).filter((one) => S.partsOf(model, one));
  return ranked.length ? ranked : model.microscope.units;
};
S.chosenUnit = function(model) {
  const found = /^(\d+):(\d+)$/.exec(S.state.unit);
  const place = found && {layer: Number(found[1]), unit: Number(found[2])};
  if (place && place.layer < model.layers.length && place.unit < model.units) return place;
  return S.rankedUnits(model)[0] || null;
};

// What a unit held: {state, values [T], kept [T] or null, holds [{from, to, letGo}]}. from: the word that was written;
// to: the last word at which half of it is there; letGo: the word that let it go, null: none did, or it faded.
S.lifeOf = function(model, parts) {
  if (parts.life) return parts.life;
  const run = S.runUnit(model, parts), {kept: share, state} = S.equationsOf(model);
  const values = run.map((at) => at[state + "'"]), kept = share && run.map((at) => S.evaluate(share, at));
  const holds = [], most = Math.max(...values.map(Math.abs)) || 1;
  for (let t = 0; kept && t < values.length; ++t) {
    const made = Math.abs(values[t] - kept[t] * run[t][state]);
    if (made < WRITTEN * most) continue;
    let to = t;
    const goesOn = (at) => kept[at] >= ANEW && Math.abs(values[at] / values[t] - 1) <= NEAR;
    while (to + 1 < kept.length && goesOn(to + 1)) ++to;
    const next = to + 1;
    if (to - t < SHORTEST || S.mean(kept.slice(t + 1, next)) < KEPT) continue;
    holds.push({from: t, to, letGo: next < kept.length && kept[next] < LET_GO ? next : null});
    t = to;
  }
  parts.life = {state, values, kept, holds};
  return parts.life;
};

// "it held samosa and let go at His"
function tellHolds(model, life) {
  const last = S.askedAt(model), word = (t) => emphasis(model.words[t]);
  const told = life.holds.filter((one) => one.from <= last).slice(-3).map(({from, to, letGo}) => {
    if (letGo !== null && letGo <= last) return ["held from ", word(from), " and let go at ", word(letGo)];
    return to >= last ? ["holds from ", word(from), " to here"] :
                        ["held from ", word(from), " and faded after ", word(to)];
  });
  return told.flatMap((one, i) => [i === 0 ? "" : i === told.length - 1 ? ", and " : ", ", ...one]);
}

// The sentence of a unit: what the answer loses without it, and what it held.
function tellUnit(model, place, parts) {
  const effect = S.rankedUnits(model).find((one) => one.layer === place.layer && one.unit === place.unit);
  const at = S.askedAt(model), best = (model.after[at] || [])[0], name = S.unitName(model, place);
  const said = [h("b", {}, name[0].toUpperCase() + name.slice(1)), " "];
  const holds = tellHolds(model, S.lifeOf(model, parts));
  if (holds.length)
    said.push(...holds, ". ");
  else if (!S.equationsOf(model).memory)
    said.push(`is written anew at every ${S.unit(model)}; no gate keeps it. `);
  else
    said.push("holds nothing here for long. ");
  const about = effect && Number.isFinite(effect.nats) && model.connectivity && model.connectivity.at === at && best;
  if (about && Math.abs(effect.nats) >= CARRIES) {
    const left = model.connectivity.probability * Math.exp(-effect.nats);
    said.push(
        "Without its memory, ", emphasis(model.connectivity.answer),
        ` would have ${percent(left)} instead of ${percent(model.connectivity.probability)}`,
        effect.instead.token === model.connectivity.answer ? "." :
                                                             ["; ", emphasis(effect.instead.token), " would win."]);
  } else if (about) {
    said.push("The answer hardly needs it alone. ");
  }
  return said.flat();
}

const key = (place) => `${place.layer}:${place.unit}`;

function unitTools(model, place) {
  const ranked = S.rankedUnits(model).filter((one, i) => i < 3 || Math.abs(one.nats) >= 0.01).slice(0, 6);
  const shown = ranked.some((one) => key(one) === key(place)) ? ranked : [...ranked.slice(0, 5), place];
  const label = (one) => {
    const name = model.layers.length > 1 ? `${one.layer + 1}:${one.unit}` : String(one.unit);
    return Number.isFinite(one.nats) ?
        [name, h("small", {}, ` ${S.signed(one.nats, Math.abs(one.nats) < 0.1 ? 2 : 1)} nats`)] :
        name;
  };
  const number = h("input", {
    id: "unit-number",
    class: "field",
    type: "number",
    min: 0,
    max: model.units - 1,
    value: String(place.unit),
    on: {
      change: (event) => {
        const unit = Math.round(Number(event.target.value));
        if (unit >= 0 && unit < model.units) S.set({unit: `${place.layer}:${unit}`, word: null});
      }
    },
  });
  const help = "What the answer's log-probability loses when this unit's memory is held at its mean.";
  return [
    S.seen.models.length > 1 &&
        S.choice(
            "network", "Network", S.seen.models.map((m, i) => [String(i), S.nameOf(m)]), String(S.chosenModel()),
            (i) => S.set({model: Number(i), unit: "", word: null})),
    S.choice(
        "unit", "Units that carry the answer", shown.map((one) => [key(one), label(one), help]), key(place),
        (unit) => S.set({unit, word: null})),
    S.saved ? null :
              h("div", {class: "labelled"},
                h("label",
                  {for: "unit-number"
                  },
                  `Any of ${model.units}`),
                number),
  ];
}

// The words as one unit saw them. Arrow keys and the pointer move the microscope.
function unitWords(model, parts, at) {
  const {values, kept, holds, state} = S.lifeOf(model, parts), most = Math.max(...values.map(Math.abs)) || 1;
  const ends = new Map();
  for (const {from, letGo} of holds) {
    ends.set(from, "wrote");
    if (letGo !== null) ends.set(letGo, ends.get(letGo) || "let go");
  }
  for (const {letGo} of holds)
    if (letGo !== null && holds.some((one) => one.from === letGo)) ends.set(letGo, "let go, wrote");
  const [from, to] = S.windowAround(values.length, at), drawn = Array.from({length: to - from}, (_, i) => from + i);
  const list = h(
      "ol", {
        class: "unit-words",
        "aria-label": "the text, coloured by this unit",
        on: {
          click: (event) => {
            const word = event.target.closest("button[data-at]");
            if (word) S.set({word: Number(word.dataset.at)});
          },
          keydown: (event) => {
            const step = {
              ArrowRight: 1,
              ArrowDown: 1,
              ArrowLeft: -1,
              ArrowUp: -1,
              Home: -values.length,
              End: values.length
            }[event.key];
            if (step === undefined) return;
            event.preventDefault();
            const next = Math.max(0, Math.min(values.length - 1, Number($("microscope").dataset.word) + step));
            S.set({word: next});
            $(`cell-word-${next}`).focus();
          },
        },
      },
      S.leftOut(from, model, "before"), drawn.map((t) => {
        const value = values[t], hold = holds.find((one) => t >= one.from && t <= one.to),
              word = S.visible(model.words[t]);
        const share = Math.round(100 * Math.min(1, Math.abs(value) / most));
        const says = `${word}: ${state} ${S.fixed(value, 2)}${kept ? `, kept ${percent(kept[t])}` : ""}${
            ends.has(t) ? `, ${ends.get(t)}` :
                hold ? ", held" :
                       ""}`;
        return h(
            "li", {class: hold && t === hold.to ? "last" : null}, hold ? h("span", {class: "hold"}) : null,
            ends.has(t) ? h("span", {class: "event", "aria-hidden": "true"}, ends.get(t)) : null,
            h("button", {
              type: "button",
              id: `cell-word-${t}`,
              "data-at": t,
              "aria-label": says,
              title: says,
              "aria-pressed": String(t === at),
              tabindex: t === at ? 0 : -1,
              class: `cell-word ${value < 0 ? "below" : "above"}${t === at ? " chosen" : ""}`,
              style: {"--share": `${share}%`},
            },
              h("span", {class: "letters"}, word), h("span", {class: "value"}, S.fixed(value, 2)),
              kept ? h("span", {class: "keep"}, h("span", {style: {width: `${Math.round(100 * kept[t])}%`}})) : null));
      }),
      S.leftOut(values.length - to, model, "after"));
  return [list, most];
}

function legend(model, state, most) {
  const {memory} = S.equationsOf(model);
  return h(
      "ul", {class: "legend", "aria-label": "legend"},
      h("li", {}, `−${most.toFixed(1)}`, h("span", {class: "unit-ramp"}), `+${most.toFixed(1)}`,
        ` what the unit holds after the ${S.unit(model)} (${state})`),
      memory ? h("li", {}, h("span", {class: "keep sample"}, h("span", {style: {width: "60%"}})),
                 "how much of the past it kept") :
               null,
      memory ? h("li", {}, h("span", {class: "hold-sample"}), "held: it stays near what was written") : null);
}

// The word where the unit's hold began that reaches the question, else where it wrote last; a plain RNN's last word.
S.wordToOpen = function(model, life) {
  const last = S.askedAt(model), holds = life.holds.filter((one) => one.from <= last);
  return holds.length ? holds[holds.length - 1].from : last;
};

// Another word: what stands is moved, not drawn anew.
let standing = null;  // {model, place, parts, life} of what is drawn
S.moveStory = function() {
  if (!standing || !$("microscope") || !S.seen.models.includes(standing.model)) return;
  const {model, place, parts, life} = standing,
                              at = Math.min(S.state.word ?? S.wordToOpen(model, life), S.lastWord(model));
  if (!$(`cell-word-${at}`)) return S.drawStory();  // beyond the words that are drawn
  for (const button of document.querySelectorAll(".cell-word")) {
    const here = Number(button.dataset.at) === at;
    button.classList.toggle("chosen", here);
    button.setAttribute("aria-pressed", String(here));
    button.tabIndex = here ? 0 : -1;
  }
  S.moveMicroscope($("microscope"), model, place, parts, at);
};

S.drawStory = function() {
  const section = $("story");
  if (!S.seen.whole) return;  // while somebody types, what was there stands
  const model = S.seen.models[S.chosenModel()], place = S.chosenUnit(model);
  section.hidden = !place || !S.equationsOf(model).equations.length;
  if (section.hidden) return;
  const parts = S.partsOf(model, place);
  if (!parts) return fetchUnit(model, place);
  const life = S.lifeOf(model, parts);
  const at = Math.min(S.state.word ?? S.wordToOpen(model, life), S.lastWord(model));
  const [words, most] = unitWords(model, parts, at), name = S.nameOf(model);
  const figure =
      h("figure", {id: "story-figure", "aria-label": `the text as ${S.unitName(model, place)} of the ${name} held it`},
        legend(model, life.state, most), words);
  standing = {model, place, parts, life};
  put($("story-body"), h("p", {class: "told", id: "story-told"}, S.reading(model), " ", tellUnit(model, place, parts)),
      h("div", {class: "tools"}, unitTools(model, place)), figure,
      h("div", {id: "experiment"}, S.experiment ? S.experiment(model) : null), S.microscope(model, place, parts, at));
  $("story-body").append(S.pictures(figure, "unit", "The text"), S.pictures($("microscope"), "cell", "The equations"));
};

// A unit that did not come along is asked for.
let fetching = null;
async function fetchUnit(model, place) {
  if (S.saved) {
    put($("story-body"),
        h("p", {class: "note"},
          `This file holds the equations of ${
              S.plural(model.microscope.units.length, "unit")} that the answer depends on most; ${
              S.unitName(model, place)} is not one of them.`));
    return;
  }
  if (fetching) fetching.abort();
  fetching = new AbortController();
  try {
    await S.explainUnit(model, place.layer, place.unit, fetching.signal);
    if (S.seen && S.seen.models.includes(model)) S.drawStory();
  } catch (error) {
    if (error.name !== "AbortError") put($("story-body"), h("p", {class: "problem", role: "alert"}, error.message));
  }
}
})(window.Sluice);
