// Which unit follows what, over the corpus that the server has read: units ranked by what they correlate with, where
// one of them is highest and lowest, and places at which the memory is as it is over a span of the text.
(function(S) {
"use strict";
const {h, put, $} = S;

const LISTED = 10;  // units at first
let all = false;    // or every one
const answers = new Map();
let going = {};  // by what is asked

// One answer of the server's, kept: the corpus does not change.
async function asked(what, model, body) {
  const key = JSON.stringify([model.id, body]);
  if (!answers.has(key)) {
    if (going[what]) going[what].abort();
    going[what] = new AbortController();
    const answer = await S.ask("units", {model: model.id, ...body}, going[what].signal);
    if (answers.size > 200) answers.clear();
    answers.set(key, answer.results[0]);
  }
  return answers.get(key);
}

const hasCorpus = (model) => !S.saved && S.about.models.some((m) => m.name === model.id && m.corpus);
const place = (text) => {
  const found = /^(\d+):(\d+)$/.exec(text);
  return found && {layer: Number(found[1]), unit: Number(found[2])};
};
const key = (unit) => `${unit.layer}:${unit.unit}`;
const with_ = (unit, feature) =>
    (feature ? unit.correlations.find((one) => one.with === feature) : unit.correlations[0]) || null;

// Units by how strongly they follow a feature, or whatever they follow most; ties by number.
function ranked(said, feature) {
  const size = (unit) => Math.abs((with_(unit, feature) || {r: 0}).r);
  return said.units.map((unit, i) => [unit, i]).sort((a, b) => size(b[0]) - size(a[0]) || a[1] - b[1]).map(([u]) => u);
}

// A correlation from -1 to 1, drawn from the middle.
function corrBar(r) {
  const share = `${50 * Math.abs(r)}%`;
  return h(
      "span", {class: "corr", "aria-hidden": "true"},
      h("span", {class: r < 0 ? "below" : "above", style: {width: share, [r < 0 ? "right" : "left"]: "50%"}}));
}

function unitList(model, said, feature, chosen) {
  const meaning = Object.fromEntries(said.corpus.features.map((one) => [one.name, one.meaning]));
  const order = ranked(said, feature), shown = order.slice(0, all ? order.length : LISTED);
  const list = h("ol", {class: "found-units", "aria-label": "units, by what they follow"}, shown.map((unit) => {
    const one = with_(unit, feature), name = S.unitName(model, unit);
    return h(
        "li", {},
        h("button", {
          type: "button",
          id: `found-${unit.layer}-${unit.unit}`,
          class: `found-unit${key(unit) === chosen ? " chosen" : ""}`,
          "aria-pressed": String(key(unit) === chosen),
          on: {click: () => S.set({found: key(unit)})},
        },
          h("b", {}, name), corrBar(one ? one.r : 0), h("span", {class: "r"}, one ? S.fixed(one.r, 3) : "–"),
          h("span", {class: "follows"}, one ? meaning[one.with] : "nothing that is measured")));
  }));
  const more = order.length > LISTED &&
      h("button", {
                 type: "button",
                 id: "all-found",
                 class: "quiet",
                 "aria-expanded": String(all),
                 on: {
                   click: () => {
                     all = !all;
                     S.drawFinder();
                   }
                 }
               },
        all ? `The first ${LISTED} alone` : `All ${S.count(order.length)} units`);
  return [list, more];
}

// Words of the corpus, `draw` for what each looks like: {class, style, title}. Characters stand close together.
function snippet(model, words, draw) {
  const characters = S.unit(model) === "character";
  return h(
      "span", {class: `snippet${characters ? " characters" : ""}`},
      words.flatMap(
          (word,
           i) => [h("span", draw(i), characters && word === " " ? " " : S.visible(word)), characters ? null : " "]));
}

function placeList(model, unit, places, which) {
  const most = Math.max(Math.abs(unit.least), Math.abs(unit.greatest)) || 1;
  return [
    h("h4", {}, which === "highest" ? "Where it is highest" : "Where it is lowest"),
    h("ol", {class: "found-places", "data-which": which},
      places.map(
          (one) =>
              h("li", {"data-at": one.at}, h("span", {class: "small"}, S.fixed(one.value, 3)),
                snippet(
                    model, one.words,
                    (i) => ({
                      class: `${one.values[i] < 0 ? "below" : "above"}${one.begin + i === one.at ? " here" : ""}`,
                      style: {"--share": `${Math.round(100 * Math.min(1, Math.abs(one.values[i]) / most))}%`},
                      title: S.fixed(one.values[i], 3),
                    }))))),
  ];
}

function unitDetails(model, said, unit) {
  const meaning = Object.fromEntries(said.corpus.features.map((one) => [one.name, one.meaning]));
  const name = S.unitName(model, unit), strong = unit.correlations.filter((one) => Math.abs(one.r) >= 0.1).slice(0, 4);
  return [
    h("h3", {}, name[0].toUpperCase() + name.slice(1)),
    h("p", {class: "note"},
      strong.length ?
          "It follows " + S.list(strong.map((one) => `${meaning[one.with]} (${S.fixed(one.r, 2)})`)) + ". " :
          "It follows nothing that is measured here. ",
      `Over the corpus it is ${S.fixed(unit.mean, 2)} ± ${S.fixed(unit.deviation, 2)}.`),
    h("ul", {class: "legend", "aria-label": "legend"},
      h("li", {}, h("b", {}, `−${most(unit)}`), h("span", {class: "unit-ramp"}), h("b", {}, `+${most(unit)}`),
        h("span", {}, `what it holds after the ${S.unit(model)}; the place itself is outlined`))),
    placeList(model, unit, unit.highest, "highest"),
    placeList(model, unit, unit.lowest, "lowest"),
    S.numbers(
        "The numbers as a table",
        () => S.table(
            `the places of ${name}`, ["place", "number in the corpus", "value", "text"],
            ["highest", "lowest"].flatMap(
                (which) => unit[which].map(
                    (one) =>
                        [which, S.count(one.at), S.fixed(one.value, 4),
                         one.words.map(S.visible).join(S.unit(model) === "character" ? "" : " ")])))),
  ];
}
const most = (unit) => Math.max(Math.abs(unit.least), Math.abs(unit.greatest)).toFixed(1);

// The span that is asked about: [first, last], null: none yet.
function span(model) {
  const found = /^(\d+)-(\d+)$/.exec(S.state.span), last = S.lastWord(model);
  if (!found) return null;
  const [a, b] = [Number(found[1]), Number(found[2])].sort((x, y) => x - y);
  return b <= last ? [a, b] : null;
}

let anchor = null, dragging = false;
function choose(at) {
  const ends = [anchor ?? at, at].sort((a, b) => a - b);
  S.set({span: `${ends[0]}-${ends[1]}`});
}

// The words of the text, of which some are chosen: by dragging, or with the arrow keys, Shift extending the choice.
function spanWords(model) {
  const chosen = span(model), focus = chosen ? (anchor === chosen[0] ? chosen[1] : chosen[0]) : 0;
  const [from, to] = S.windowAround(model.words.length, focus);
  const at = (event) => {
    const word = event.target.closest("button[data-at]");
    return word && Number(word.dataset.at);
  };
  return h(
      "ol", {
        class: `span-words${S.unit(model) === "character" ? " characters" : ""}`,
        "aria-label": "the text; choose a span of it",
        on: {
          pointerdown: (event) => {
            const word = at(event);
            if (word === null || event.button !== 0) return;
            if (!event.shiftKey || anchor === null) anchor = word;
            dragging = true;
            event.target.releasePointerCapture && event.target.hasPointerCapture(event.pointerId) &&
                event.target.releasePointerCapture(event.pointerId);
            choose(word);
          },
          pointerover: (event) => {
            const word = at(event);
            if (dragging && word !== null) choose(word);
          },
          keydown: (event) => {
            const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key], word = at(event);
            if (word === null || (step === undefined && event.key !== "Enter" && event.key !== " ")) return;
            event.preventDefault();
            const next = Math.max(0, Math.min(S.lastWord(model), word + (step || 0)));
            if (!event.shiftKey) anchor = next;
            anchor = anchor ?? word;
            choose(next);
            if ($(`span-word-${next}`)) $(`span-word-${next}`).focus();
          },
        },
      },
      S.leftOut(from, model, "before"), model.words.slice(from, to).map((word, i) => {
        const t = from + i, inside = Boolean(chosen) && t >= chosen[0] && t <= chosen[1];
        return h(
            "li", {},
            h("button", {
              type: "button",
              id: `span-word-${t}`,
              "data-at": t,
              "aria-pressed": String(inside),
              tabindex: t === Math.max(from, Math.min(focus, to - 1)) ? 0 : -1,
              class: `span-word${inside ? " chosen" : ""}`,
            },
              S.visible(word)));
      }),
      S.leftOut(model.words.length - to, model, "after"));
}
addEventListener("pointerup", () => {
  dragging = false;
});

const THRESHOLDS = [["", "as many units as there are"], ["2", "2"], ["1.5", "1.5"], ["1", "1"], ["0.5", "0.5"]];

function likeDetails(model, like) {
  const names = like.units.map((unit) => S.unitName(model, unit)), unit = S.unit(model);
  if (!like.units.length)
    return [h(
        "p", {class: "note", id: "like-told"},
        `No unit is on all along this span and neither at the ${unit} before it nor at the one behind it` +
            `, at ${S.fixed(like.threshold, 1)} standard deviations. A shorter span may have some.`)];
  const many = S.plural(like.units.length, "unit");
  return [
    h("p", {class: "note", id: "like-told"},
      `${many} ${like.units.length === 1 ? "comes" : "come"} on with this span and ` +
          `${like.units.length === 1 ? "goes" : "go"} off behind it, ${
              S.fixed(like.threshold, 1)} standard deviations ` +
          "from the mean or farther: ",
      `${S.list(names.slice(0, 12))}${names.length > 12 ? ` and ${names.length - 12} more` : ""}. `,
      !like.places.length         ? "Nowhere in the corpus does a quarter of them do so together." :
          like.units.length === 1 ? "Where it does so in the corpus:" :
                                    "Where most of them do so together in the corpus:"),
    h("ol", {class: "found-places", id: "like-places"},
      like.places.map(
          (one) =>
              h("li", {"data-first": one.first, "data-last": one.last},
                h("span", {class: "small"}, `${one.shared.length} of ${like.units.length}`),
                snippet(model, one.words, (i) => ({
                                            class: one.begin + i >= one.first && one.begin + i <= one.last ? "alike" :
                                                                                                             "outside",
                                          }))))),
  ];
}

function likePart(model) {
  const threshold =
      h("select", {id: "spread", on: {change: (event) => S.set({spread: event.target.value})}},
        THRESHOLDS.map(([value, label]) => h("option", {value}, label)));
  threshold.value = THRESHOLDS.some(([value]) => value === S.state.spread) ? S.state.spread : "";
  return [
    h("h3", {}, "Places like a span of your text"),
    h("p", {class: "note"},
      S.ofUnits("Choose some words below: drag over them, or go to them with the arrow keys and extend with Shift.")),
    h("div", {class: "tools"},
      h("div", {class: "labelled"},
        h("label",
          {for: "spread"
          },
          "Standard deviations from the mean"),
        threshold)),
    h("div", {id: "span-text"}, spanWords(model)),
    h("div", {id: "like", "aria-live": "polite"}),
  ];
}

const failed = (node) => (error) => {
  if (error.name !== "AbortError") put(node, h("p", {class: "problem", role: "alert"}, error.message));
};

async function drawLike(model) {
  const chosen = span(model), text = S.seen.text;
  if (!chosen) return put($("like"));
  const like = {text, first: chosen[0], last: chosen[1], most: 8};
  if (THRESHOLDS.some(([value]) => value && value === S.state.spread)) like.threshold = Number(S.state.spread);
  const said = await asked("like", model, {units: [], like});
  if (S.seen.text === text && String(span(model)) === String(chosen)) put($("like"), likeDetails(model, said.like));
}

async function drawUnit(model, said, unit) {
  const one = await asked("unit", model, {units: [{layer: unit.layer, unit: unit.unit}], places: 4});
  if ($("found-unit") && $("found-unit").dataset.unit === key(unit))
    put($("found-unit"), unitDetails(model, said, one.units[0]));
}

S.drawFinder = async function() {
  const section = $("finder"), body = $("finder-body");
  const models = S.saved ? [] : S.seen.models.filter(hasCorpus);
  section.hidden = !models.length;
  if (section.hidden || !S.seen.whole) return;
  const chosenModel = S.seen.models[S.chosenModel()], model = models.includes(chosenModel) ? chosenModel : models[0];
  try {
    const said = await asked("list", model, {});
    if (!S.seen.models.includes(model)) return;
    const features = said.corpus.features,
          feature = features.some((f) => f.name === S.state.follows) ? S.state.follows : "";
    const wanted = place(S.state.found);
    const unit = (wanted && said.units.find((u) => key(u) === key(wanted))) || ranked(said, feature)[0];
    const follows =
        h("select", {id: "follows", on: {change: (event) => S.set({follows: event.target.value, found: ""})}},
          h("option", {value: ""}, "whatever each follows most"),
          features.map((f) => h("option", {value: f.name}, f.meaning)));
    follows.value = feature;
    const about =
        `The ${S.nameOf(model)} has read ${S.count(said.corpus.places)} ${S.unit(model)}s of ${said.corpus.name}. `;
    put(body,
        h("p", {class: "note"}, about,
          "Each of its units is compared with what stands in the text there. r is Pearson's: at +1 or −1 the unit says " +
              "exactly that, at 0 it has nothing to do with it."),
        h("div", {class: "tools"},
          models.length > 1 &&
              S.choice(
                  "finder-network", "Network", models.map((m) => [String(S.seen.models.indexOf(m)), S.nameOf(m)]),
                  String(S.seen.models.indexOf(model)),
                  (i) => S.set({model: Number(i), unit: "", word: null, found: ""})),
          h("div", {class: "labelled"},
            h("label",
              {for: "follows"
              },
              "Ranked by"),
            follows)),
        h("div", {class: "finder-columns"}, h("div", {}, unitList(model, said, feature, key(unit))),
          h("div", {id: "found-unit", "data-unit": key(unit)})),
        ...likePart(model));
    await Promise.all(
        [drawUnit(model, said, unit).catch(failed($("found-unit"))), drawLike(model).catch(failed($("like")))]);
  } catch (error) {
    failed(body)(error);
  }
};

// Another span: the words that stand are marked anew.
S.moveSpan = function() {
  const models = S.saved ? [] : S.seen.models.filter(hasCorpus);
  if (!models.length || !$("span-text")) return;
  const model = models.includes(S.seen.models[S.chosenModel()]) ? S.seen.models[S.chosenModel()] : models[0];
  const chosen = span(model);
  for (const button of document.querySelectorAll(".span-word")) {
    const t = Number(button.dataset.at), inside = Boolean(chosen) && t >= chosen[0] && t <= chosen[1];
    button.classList.toggle("chosen", inside);
    button.setAttribute("aria-pressed", String(inside));
  }
  drawLike(model).catch(failed($("like")));
};
})(window.Sluice);
