// The text as each network read it: a word is a vessel, filled as high as the past was kept while it was read, with a
// bar beneath for each other gate; the network's own next word ends the sentence; beside it the likeliest words.
(function(S) {
"use strict";
const {h, put, percent, emphasis} = S;

const round = (share) => `${Math.round(100 * Math.max(0, Math.min(1, share)))}%`;

// "retain 71 %, reset 40 %", for the ear and for the pointer.
function spoken(model, t) {
  const names = model.gates.length ? model.gates.map((gate) => gate.name) : ["hidden"];
  return names.map((name) => `${name === "hidden" ? "memory in use" : name} ${percent(S.meanOf(model, name)[t])}`)
      .join(", ");
}

function chip(model, t, context) {
  const keeper = S.keeper(model), unread = t > context.at, share = context.shares[t] || 0;
  const level = S.meanOf(model, keeper ? keeper.name : "hidden")[t] || 0;
  const chosen = model.fixedAt === undefined && S.state.at === t;
  const word = S.visible(model.words[t]);
  let says = `${word}: ${spoken(model, t)}`;
  if (!model.known[t]) says += S.ofUnits(", a word that this model does not know");
  if (share >= 0.005) says += `, carries ${percent(share)} of the answer`;
  return h(
      "li", {},
      h("button", {
        type: "button",
        id: `${context.id}-${t}`,
        class: `word${unread ? " unread" : ""}${model.known[t] ? "" : " unknown"}${chosen ? " chosen" : ""}`,
        "aria-label": says,
        title: says,
        "aria-pressed": context.still ? null : String(chosen),
        tabindex: t === context.tab ? 0 : -1,
        "data-at": t,
        "data-share": share.toFixed(4),
      },
        h("span", {class: "vessel"},
          h("span", {class: "letters", style: {"--kept": keeper ? round(level) : "0%"}}, word),
          h("span", {class: "tank"}, h("span", {class: keeper ? "water" : "water use", style: {height: round(level)}})),
          keeper && S.others(model).map((gate) => h("span", {class: `bar ${gate.name}`}, h("span", {
                                                      style: {width: round(S.meanOf(model, gate.name)[t])}
                                                    }))))));
}

const answerChip = (best) => best &&
    h("li", {class: "answer"}, h("span", {class: "arrow", "aria-hidden": "true"}, "→"),
      h("output", {class: "answer-word"}, h("b", {}, S.visible(best.word)), ` ${percent(best.p)}`));

// Moves through the words with the arrow keys; Enter and the pointer stop the reading there, Esc goes to the end.
function onKey(event) {
  const word = event.target.closest(".word");
  if (!word) return;
  const all = [...event.currentTarget.querySelectorAll(".word")], here = all.indexOf(word);
  const step = {
    ArrowRight: here + 1,
    ArrowDown: here + 1,
    ArrowLeft: here - 1,
    ArrowUp: here - 1,
    Home: 0,
    End: all.length - 1
  }[event.key];
  if (event.key === "Escape") {
    S.set({at: null});
  } else if (step !== undefined) {
    const next = all[Math.max(0, Math.min(all.length - 1, step))];
    word.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    S.tell(next.getAttribute("aria-label"));
  } else {
    return;
  }
  event.preventDefault();
}

function onClick(event) {
  const word = event.target.closest(".word");
  if (!word) return;
  const at = Number(word.dataset.at);
  S.set({at: S.state.at === at ? null : at});
}

// The words of one reading with their arcs. `id` keeps the focus on a word when everything is drawn anew. Options:
// marked, words to mark as edited; still, words that can be read but not chosen.
S.sentence = function(model, id, {marked = [], still = false} = {}) {
  const at = S.askedAt(model), hangs = S.hangsOn(model), shares = [];
  for (const one of hangs) shares[one.at] = one.share;
  const context = {id, at, shares, tab: S.state.at === null ? 0 : at, still};
  const items = model.words.map((_, t) => chip(model, t, context));
  for (const t of marked) items[t] && items[t].firstChild.classList.add("edited");
  items.splice(at + 1, 0, answerChip((model.after[at] || [])[0]));
  const list =
      h("ol", {
        class: "words",
        "aria-label": `the text as the ${S.nameOf(model)} read it`,
        on: still ? {keydown: onKey} : {keydown: onKey, click: onClick}
      },
        items.filter(Boolean));
  const holder = h("div", {class: "sentence"}, list);
  S.watchArcs(holder, model);
  return holder;
};

// The likeliest words after the one where reading stops, and what that word changed.
S.candidates = function(model, rows) {
  const at = S.askedAt(model), now = (model.after[at] || []).slice(0, rows || 5),
        before = at > 0 ? model.after[at - 1] || [] : null;
  return h(
      "div", {class: "candidates"},
      h("p", {class: "small"}, "After ", emphasis(model.words[at] || ""), at > 0 ? " (▲▼: change in points)" : ""),
      h("ol", {}, now.map((one) => {
        const earlier = before && before.find((other) => other.word === one.word);
        const points = earlier ? Math.round(100 * (one.p - earlier.p)) : 0;
        const change = earlier ? points && `${points > 0 ? "▲" : "▼"} ${Math.abs(points)}` :
                                 before && before.length && one.p >= 0.005 && "new";
        return h(
            "li", {}, h("span", {class: "name"}, S.visible(one.word)),
            h("span", {class: "probability"}, h("span", {style: {width: round(one.p)}})),
            h("span", {class: "number"}, percent(one.p)), h("span", {class: "change"}, change || ""));
      })));
};

function lane(model, index) {
  const id = `lane-${index}`, unknown = [...new Set(model.words.filter((_, t) => !model.known[t]))];
  return h(
      "article", {
        class: model.words.length > 60 ? "lane long" : "lane",
        "aria-labelledby": `${id}-name`,
        "data-model": index,
        "data-cell": model.cell
      },
      h("header", {}, h("h3", {id: `${id}-name`}, S.nameOf(model)),
        h("p", {class: "small"},
          `${model.layers.length > 1 ? `${model.layers.length} layers of ` : ""}${model.units} units`)),
      h("p", {class: "reading"}, S.reading(model), " ", h("span", {class: "muted"}, S.keeping(model))),
      unknown.length ? h("p", {class: "small"}, "Not in its vocabulary: ", S.list(unknown.slice(0, 8).map(S.visible)),
                         unknown.length > 8 ? " and more" : "", ".") :
                       null,
      h("div", {class: "lane-body"}, S.sentence(model, id), S.candidates(model)));
}

function legend() {
  const cells = S.seen.models, gated = cells.some((m) => S.keeper(m)), plain = cells.some((m) => !S.keeper(m));
  const bars = new Map(cells.flatMap((m) => (S.keeper(m) ? S.others(m) : [])).map((gate) => [gate.name, gate.meaning]));
  return h(
      "ul", {class: "legend", "aria-label": "legend"},
      gated &&
          h("li", {}, h("span", {class: "tank sample"}, h("span", {class: "water", style: {height: "60%"}})),
            S.ofUnits("water level: how much of the past was kept at this word (retain, forget)")),
      plain &&
          h("li", {}, h("span", {class: "tank sample"}, h("span", {class: "water use", style: {height: "60%"}})),
            "hatched: a plain RNN has no gates; how much of its memory is in use"),
      [...bars].map(
          ([name, meaning]) =>
              h("li", {}, h("span", {class: `bar ${name} sample`}, h("span", {style: {width: "60%"}})),
                `${name}: ${meaning}`)),
      h("li", {}, h("span", {class: "sample-arc", "aria-hidden": "true"}),
        S.ofUnits("line: the answer hangs on this word; dotted: the word speaks against it")));
}

function tools() {
  const offered = S.measuresOffered;
  const layers = Math.max(...S.seen.models.map((m) => m.layers.length));
  return [
    offered.length > 1 &&
        S.choice(
            "measure", "What the answer hangs on, measured by",
            offered.map((name) => [name, S.ofUnits(S.measures[name].label), S.ofUnits(S.measures[name].help)]),
            S.measureShown, (measure) => S.set({measure})),
    layers > 1 &&
        S.choice(
            "layer", "Gates of layer", Array.from({length: layers}, (_, i) => [String(i), String(i + 1)]),
            String(S.state.layer === null ? layers - 1 : S.state.layer), (layer) => S.set({layer: Number(layer)})),
    S.state.at !== null &&
        h("button", {type: "button", id: "to-the-end", on: {click: () => S.set({at: null})}}, "Read to the end"),
  ];
}

// Heads and rows: a row a word, a few columns a model. Models that read the text as other words say which.
function numbers() {
  const models = S.seen.models, same = models.every((m) => S.sameWords(m, models[0]));
  const gatesOf = (m) => (m.gates.length ? m.gates.map((gate) => gate.name) : ["hidden"]);
  const columns = (m) => [...(same ? [] : [S.unit(m)]), ...gatesOf(m), "carries", "expects next", "probability"];
  const heads = [
    same ? S.ofUnits("word") : "number", ...models.flatMap((m) => columns(m).map((name) => `${S.nameOf(m)} ${name}`))
  ];
  const cells = (m, t) => {
    if (t > S.lastWord(m)) return columns(m).map(() => "");
    const best = (m.after[t] || [])[0], hang = S.hangsOn(m).find((one) => one.at === t);
    return [
      ...(same ? [] : [S.visible(m.words[t])]), ...gatesOf(m).map((name) => S.fixed(S.meanOf(m, name)[t], 4)),
      hang ? S.fixed(hang.value, 4) : "–", best ? S.visible(best.word) : "–", best ? S.fixed(best.p, 4) : "–"
    ];
  };
  const length = Math.max(...models.map((m) => m.words.length));
  const rows = Array.from({length}, (_, t) => t)
                   .map((t) => [same ? S.visible(models[0].words[t]) : t + 1, ...models.flatMap((m) => cells(m, t))]);
  return [heads, rows];
}

S.drawLanes = function() {
  put(S.$("lanes-tools"), tools());
  const figure =
      h("figure", {id: "lanes-figure", "aria-label": "each network's reading of the text"}, S.seen.models.map(lane));
  put(S.$("lanes-list"), legend(), figure,
      h("p", {class: "small"},
        S.ofUnits(`“Carries” is measured by ${(S.measures[S.measureShown] || {label: "nothing", help: ""}).label}. ${
            (S.measures[S.measureShown] || {help: ""}).help}`)),
      S.pictures(figure, "memory"),
      S.numbers(
          "The numbers as a table",
          () => S.table(
              S.ofUnits("Gates (mean over units), what each word carries, and the likeliest next word"),
              ...numbers())));
};
})(window.Sluice);
