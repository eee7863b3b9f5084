// What if: another word in a word's place, a word left out, a gate held. Each network answers before and after.
// An edit is {kind: "replace", at, with}, {kind: "delete", at} or {kind: "hold", gate, value, first, last, units}; the
// gate "keep" is what each cell calls it, retain or forget; units are "all", "slow" or "fast" (a quarter by half-life).
(function(S) {
"use strict";
const {h, put, $, percent, emphasis} = S;
const form = {
  at: null,
  with: "",
  gate: "keep",
  value: 1,
  first: 0,
  last: null,
  units: "all"
};  // as it stands in the fields
let going = null;

const word = (at) => S.visible(S.seen.models[0].words[at] || "?");
const UNITS = [["all", "all units"], ["slow", "the slowest quarter"], ["fast", "the quickest quarter"]];
const gateName = (gate) => (gate === "keep" ? "retain (forget)" : gate);

function describe(edit) {
  if (edit.kind === "replace") return [emphasis(word(edit.at)), " read as ", emphasis(edit.with)];
  if (edit.kind === "delete") return [emphasis(word(edit.at)), " left out"];
  const units = edit.units === "all" ? "" : `, ${UNITS.find(([name]) => name === edit.units)[1]}`;
  return [
    `${gateName(edit.gate)} held at ${S.fixed(edit.value, 2)} from `, emphasis(word(edit.first)), " to ",
    emphasis(word(edit.last)), units
  ];
}

// The units of a layer whose half-life is in the longest or shortest quarter.
function quarter(life, which) {
  const order =
      life.map((l, unit) => [l === null ? Infinity : l, unit]).sort((a, b) => a[0] - b[0]).map(([, unit]) => unit);
  const many = Math.max(1, Math.round(order.length / 4));
  return which === "slow" ? order.slice(-many) : order.slice(0, many);
}

// Why a model cannot be asked this; nothing when it can.
function unasked(model, edits) {
  if (!S.sameWords(model, S.seen.models[0])) return `The ${S.nameOf(model)} reads this text as other words.`;
  const lacks = (edit) =>
      edit.kind === "hold" && !(edit.gate === "keep" ? model.keeps : model.gates.some((g) => g.name === edit.gate));
  return edits.some(lacks) ? `The ${S.nameOf(model)} has no such gate to hold.` : "";
}

// The edits as this model's CHANGES.
function changesFor(model, edits) {
  const changes = {replace: [], delete: [], clamp: []};
  for (const edit of edits) {
    if (edit.kind === "replace") changes.replace.push({at: edit.at, with: edit.with});
    if (edit.kind === "delete") changes.delete.push(edit.at);
    if (edit.kind !== "hold") continue;
    const gate = edit.gate === "keep" ? model.keeps : edit.gate;
    const held = {gate, value: edit.value, first: edit.first, last: edit.last};
    if (edit.units === "all")
      changes.clamp.push(held);
    else
      model.layers.forEach(
          (layer, i) => changes.clamp.push({...held, layer: i, units: quarter(layer.halfLife, edit.units)}));
  }
  return Object.fromEntries(Object.entries(changes).filter(([, list]) => list.length));
}

function add(edit) {
  // One word has one fate: a new one takes the place of the old.
  const rest = S.state.edits.filter((old) => edit.kind === "hold" || old.kind === "hold" || old.at !== edit.at);
  S.set({edits: [...rest, edit]});
}

S.wordSelect = function(id, label, value, change) {
  const words = S.seen.models[0].words;
  const select =
      h("select", {id, on: {change: (event) => change(Number(event.target.value))}},
        words.map((w, i) => h("option", {value: i}, `${i + 1} ${S.visible(w)}`)));
  select.value = String(value);
  return h("div", {class: "labelled"}, h("label", { for: id
           }, label), select);
};

function forms() {
  const last = S.seen.models[0].words.length - 1, strong = S.strongest(S.seen.models[S.seen.models.length - 1])[0];
  const at = Math.min(S.state.at ?? form.at ?? (strong ? strong.at : 0), last);
  Object.assign(form, {first: Math.min(form.first, last)});
  const end = Math.min(form.last ?? last, last);
  const instead = h("input", {
    id: "instead",
    class: "field",
    type: "text",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    value: form.with,
    on: {
      input: (e) => {
        form.with = e.target.value;
      }
    }
  });
  const replace =
      h("form", {
        class: "form",
        on: {
          submit: (event) => {
            event.preventDefault();
            const said = instead.value.trim();
            if (said) add({kind: "replace", at: Number($("edit-at").value), with: said});
          }
        }
      },
        h("h3", {}, S.ofUnits("Another word")),
        h("div", {class: "fields"},
          S.wordSelect(
              "edit-at", "In the place of", at,
              (value) => {
                form.at = value;
              }),
          h("div", {class: "labelled"},
            h("label",
              { for: "instead"
              },
              "it reads"),
            instead)),
        h("div", {class: "buttons"}, h("button", {class: "main", type: "submit", id: "replace"}, "Replace"),
          h("button",
            {type: "button", id: "leave-out", on: {click: () => add({kind: "delete", at: Number($("edit-at").value)})}},
            "Leave it out")));
  const gates = [...new Set(S.seen.models.flatMap((m) => S.others(m).map((gate) => gate.name)))];
  if (!S.seen.models.some((m) => m.keeps)) return [replace];
  const gate =
      h("select", {
        id: "hold-gate",
        on: {
          change: (e) => {
            form.gate = e.target.value;
          }
        }
      },
        ["keep", ...gates].map((name) => h("option", {value: name}, gateName(name))));
  const units =
      h("select", {
        id: "hold-units",
        on: {
          change: (e) => {
            form.units = e.target.value;
          }
        }
      },
        UNITS.map(([value, label]) => h("option", {value}, label)));
  gate.value = ["keep", ...gates].includes(form.gate) ? form.gate : "keep";
  units.value = form.units;
  const shown = h("output", { for: "hold-value", id: "hold-shown"
  }, S.fixed(form.value, 2));
  const range = h("input", {
    id: "hold-value",
    type: "range",
    min: 0,
    max: 1,
    step: 0.05,
    on: {
      input: (e) => {
        form.value = Number(e.target.value);
        shown.textContent = S.fixed(form.value, 2);
      }
    }
  });
  range.value = String(form.value);
  const hold =
      h("form", {
        class: "form",
        on: {
          submit: (event) => {
            event.preventDefault();
            const first = Number($("hold-first").value), until = Number($("hold-last").value);
            add({
              kind: "hold",
              gate: gate.value,
              value: Number(range.value),
              first: Math.min(first, until),
              last: Math.max(first, until),
              units: units.value
            });
          }
        }
      },
        h("h3", {}, "A gate held open or shut"),
        h("div", {class: "fields"},
          h("div", {class: "labelled"},
            h("label",
              { for: "hold-gate"
              },
              "Gate"),
            gate),
          h("div", {class: "labelled"},
            h("label",
              { for: "hold-units"
              },
              "of"),
            units),
          S.wordSelect(
              "hold-first", "from", form.first,
              (value) => {
                form.first = value;
              }),
          S.wordSelect(
              "hold-last", "to", end,
              (value) => {
                form.last = value;
              }),
          h("div", {class: "labelled wide"},
            h("label",
              { for: "hold-value"
              },
              "at ", shown, " (0 shut, 1 open: a past held open is kept whole, and nothing new gets in)"),
            range)),
        h("div", {class: "buttons"}, h("button", {class: "main", type: "submit", id: "hold"}, "Hold")));
  return [replace, hold];
}

function edits() {
  return h(
      "ul", {class: "edits", "aria-label": "what is changed"},
      S.state.edits.map(
          (edit, i) =>
              h("li", {}, h("span", {}, describe(edit)),
                h("button", {
                  type: "button",
                  id: `undo-${i}`,
                  "aria-label": "take this back",
                  on: {click: () => S.set({edits: S.state.edits.filter((_, n) => n !== i)})}
                },
                  "✕"))));
}

// Before and after as two marks on one line: a hollow ring, a filled diamond.
function changeRows(before, after) {
  const was = before.after[S.lastWord(before)] || [], is = after.after[S.lastWord(after)] || [];
  const words = [...new Set([...is.slice(0, 3), ...was.slice(0, 3)].map((one) => one.word))].slice(0, 5);
  const of = (list, name) => {
    const found = list.find((one) => one.word === name);
    return found ? found.p : NaN;
  };
  const at = (p) => `${100 * (Number.isFinite(p) ? p : 0)}%`;
  return words.map((name) => {
    // A word below the last one listed has less than that.
    const few = (list) => (list.length && list[list.length - 1].p < 0.005 ? "<1 %" : "less");
    const p = of(was, name), q = of(is, name), low = Math.min(p || 0, q || 0), high = Math.max(p || 0, q || 0);
    const [said, now] = Number.isFinite(p) && Number.isFinite(q) ? S.percents(p, q) : [percent(p), percent(q)];
    return h(
        "li", {"data-word": name, "data-before": p, "data-after": q}, h("span", {class: "name"}, S.visible(name)),
        h("span", {class: "track", "aria-hidden": "true"},
          h("span", {class: "way", style: {left: at(low), width: at(high - low)}}),
          h("span", {class: "was", style: {left: at(p)}}), h("span", {class: "is", style: {left: at(q)}})),
        h("span", {class: "number"}, Number.isFinite(p) ? said : few(was), " → ",
          h("b", {}, Number.isFinite(q) ? now : few(is))));
  });
}

function card(model, index, pair) {
  const id = `changed-${index}`, name = S.nameOf(model);
  if (!pair)
    return h(
        "article", {class: "lane", "data-cell": model.cell}, h("header", {}, h("h3", {}, name)),
        h("p", {class: "reading"}, unasked(model, S.state.edits)));
  const was = (pair.before.after[S.lastWord(pair.before)] || [])[0], is = (pair.after.after[S.lastWord(pair.after)] || [
                                                                     ])[0];
  pair.after.fixedAt = S.lastWord(pair.after);
  const [before, after] = was && is ? S.percents(was.p, is.p) : [];
  const marked = (pair.after.from || []).map((from, t) => (from === null ? t : -1)).filter((t) => t >= 0);
  return h(
      "article", {class: "lane changed", "aria-labelledby": `${id}-name`, "data-cell": model.cell},
      h("header", {}, h("h3", {id: `${id}-name`}, name)),
      was && is &&
          h("p", {class: "reading"},
            was.word === is.word ? ["It still expects ", emphasis(is.word), `: ${before} before, ${after} after.`] :
                                   [
                                     "It expected ", emphasis(was.word), ` (${percent(was.p)}); now it expects `,
                                     emphasis(is.word), ` (${percent(is.p)}).`
                                   ]),
      h("div", {class: "lane-body"}, S.sentence(pair.after, id, {marked, still: true}),
        h("div", {class: "candidates"}, h("p", {class: "small"}, "○ before   ◆ after"),
          h("ol", {class: "changes"}, changeRows(pair.before, pair.after)))));
}

function showPairs(models, pairs) {
  const figure =
      h("figure", {id: "what-if-figure", "aria-label": "each network before and after the change"},
        models.map((model, i) => card(model, i, pairs[i])));
  put($("what-if-answer"), figure, S.pictures(figure, "what-if"),
      S.numbers(
          "The numbers as a table",
          () => S.table(
              S.ofUnits("Probability of the next word before and after"), [S.ofUnits("word"), "before", "after"],
              models.flatMap(
                  (model, i) => (
                      pairs[i] ?
                          changeRows(pairs[i].before, pairs[i].after)
                              .map(
                                  (row) =>
                                      [`${S.nameOf(model)}: ${S.visible(row.dataset.word)}`,
                                       S.fixed(Number(row.dataset.before), 4), S.fixed(Number(row.dataset.after), 4)]) :
                          [])))));
}

async function answer() {
  if (going) going.abort();
  going = new AbortController();
  const {signal} = going, models = S.seen.models;
  try {
    const pairs = await Promise.all(models.map((model) => {
      return unasked(model, S.state.edits) ? null : S.explainChanged(model, changesFor(model, S.state.edits), signal);
    }));
    if (signal.aborted || S.seen.models !== models) return;
    showPairs(models, pairs);
    S.tell(S.list(models.map(
        (m, i) =>
            (pairs[i] ? `${S.nameOf(m)} now expects ${
                            (pairs[i].after.after[S.lastWord(pairs[i].after)] || [{word: "nothing"}])[0].word}` :
                        unasked(m, S.state.edits)))));
  } catch (error) {
    if (error.name !== "AbortError") put($("what-if-answer"), h("p", {class: "problem", role: "alert"}, error.message));
  }
}

S.drawWhatIf = function() {
  const section = $("what-if");
  if (S.saved) {
    const changed = S.seen.changed, any = changed.some(Boolean);
    section.hidden = !any;
    if (!any) return;
    put($("what-if-body"), h("div", {id: "what-if-answer"}));
    return showPairs(
        S.seen.models, S.seen.models.map((model, i) => changed[i] && {before: model, after: changed[i].model}));
  }
  section.hidden = false;
  put($("what-if-body"),
      h("p", {class: "note"},
        "Change one thing of the past and ask again. If the answer changes, the network had " +
            "remembered it; if it does not, it had forgotten."),
      h("div", {class: "what-if-forms"}, forms()), S.state.edits.length ? edits() : null,
      h("div", {id: "what-if-answer"}));
  if (S.state.edits.length) answer();
};
})(window.Sluice);
