// One experiment on the first screen, made for the text at hand: the keeping gate held open over the words that made
// the answer change, or shut once behind the word that the answer depends on. What comes out stands beside the button.
(function(S) {
"use strict";
const {h, put, $, percent, emphasis} = S;
let known = {of: null};  // the answer to the experiment of the explanation that is drawn

// {value, first, last, old}: the gate's value from word first to last; old: the answer that may come back, or null.
// Null: there is nothing to try.
S.experimentFor = function(model) {
  const at = S.askedAt(model), best = (model.after[at] || [])[0], strong = S.strongest(model);
  if (!model.keeps || !best || !strong.length || at < 2) return null;
  for (let q = at - 2; q > 0; --q) {
    const then = (model.after[q] || [])[0];
    const same = model.words[q] === model.words[at] && model.words[q - 1] === model.words[at - 1];
    if (!same || !then || then.word === best.word || then.p < 0.3) continue;
    // The question is what both places end in; everything between the old answer and it is held.
    let tail = 1;
    while (at - tail > q && q >= tail && model.words[q - tail] === model.words[at - tail]) ++tail;
    if (at - tail > q) return {value: 1, first: q + 1, last: at - tail, old: then.word};
  }
  const clue = strong[0].at;
  return clue + 1 < at ? {value: 0, first: clue + 1, last: clue + 1, old: null} : null;
};

function tell(model, experiment, before, after) {
  const was = (before.after[S.lastWord(before)] || [])[0], is = (after.after[S.lastWord(after)] || [])[0];
  if (!was || !is) return [];
  const said = ["Now it expects ", emphasis(is.word), ` (${percent(is.p)})`];
  if (is.word === was.word) return [...said, `, as it did before (${percent(was.p)}).`];
  if (is.word === experiment.old) return [...said, ": the old answer comes back."];
  return [
    ...said, " instead of ", emphasis(was.word), ` (${percent(was.p)})`,
    experiment.value ? "." : ": what it had read was gone."
  ];
}

async function run(model, experiment, key) {
  const line = $("experiment-told"), clamp = {gate: model.keeps, ...experiment};
  delete clamp.old;
  try {
    const {before, after} = await S.explainChanged(model, {clamp: [clamp]});
    known = {of: S.seen, key, said: tell(model, experiment, before, after)};
    const edit = {kind: "hold", gate: "keep", value: clamp.value, first: clamp.first, last: clamp.last, units: "all"};
    const rest = S.state.edits.filter((one) => JSON.stringify(one) !== JSON.stringify(edit));
    S.set({edits: [...rest, edit]});
    if (line.isConnected) put(line, known.said);
    S.tell($("experiment-told").textContent);
  } catch (error) {
    if (error.name !== "AbortError" && line.isConnected) put(line, error.message);
  }
}

// What a saved page was changed by, where that is such an experiment and nothing else: the keeping gate of all units
// held.
function wholeHold(model, {replace, clamp, ...rest}) {
  const held = clamp[0], alone = clamp.length === 1 && !replace.length && !rest.delete.length;
  return alone && held.gate === model.keeps && !held.units && held.last !== undefined ? held : null;
}

S.experiment = function(model) {
  const changed = S.saved && S.seen.changed[S.seen.models.indexOf(model)];
  const held = changed && wholeHold(model, changed.changes);
  const made = S.experimentFor(model);
  const experiment = S.saved ? held && {old: made && made.old, ...held} : made;
  if (!experiment || S.state.at !== null) return null;
  const word = (t) => S.visible(model.words[t] || ""), {first, last, value} = experiment;
  const where =
      first === last ? ["at ", emphasis(word(first))] : ["from ", emphasis(word(first)), " to ", emphasis(word(last))];
  const key = [S.seen.models.indexOf(model), value, first, last].join(), old = known.of === S.seen && known.key === key;
  const told = h("span", {id: "experiment-told"}, old ? known.said : null);
  const act = () => (S.saved ? put(told, tell(model, experiment, model, changed.model)) : run(model, experiment, key));
  return h(
      "p", {class: "experiment"},
      h("button", {type: "button", class: "main", id: "try-holding", on: {click: act}},
        `Hold ${model.keeps} at ${value} `, where,
        experiment.old ? [": does ", emphasis(experiment.old), " come back?"] : ""),
      " ", told);
};
})(window.Sluice);
