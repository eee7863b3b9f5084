// Where explanations come from: the data inside a saved page, or the server's API (docs/explain-json.md, schema 1).
// What comes is read into what the rest of the page draws; every number stays as it came.
(function(S) {
"use strict";

// One EXPLANATION, or what changed in it, as a model that has read a text.
function readModel(explanation, changed) {
  const said = changed ? explanation.changed : explanation, model = explanation.model, reading = said.reading;
  const units = model.hidden;
  const layers = reading.layers.map((layer) => {
    const tracks = {...layer.gates};
    for (const name of ["candidate", "hidden", "memory"])
      if (layer[name]) tracks[name] = layer[name];
    const pick = (field) => Object.fromEntries(Object.entries(tracks).map(([name, track]) => [name, track[field]]));
    return {
      quantiles: pick("quantiles"),
      tracks,
      mean: pick("words"),
      perUnit: pick("units"),
      values: pick("values"),
      halfLife: layer.half_life,
      lifeQuartiles: layer.half_life_quartiles || null
    };
  });
  const c = said.connectivity;
  return {
    id: model.id || model.name,
    name: model.name.replace(/\.safetensors$/, ""),
    cell: model.cell,
    title: model.title,
    level: model.level,
    beginsAfter: explanation.begins_after,
    equations: model.equations || [],
    keeps: model.keeps,
    states: model.states || ["h"],
    units,
    gates: model.gates,
    parameters: model.parameters,
    words: reading.words.map((word) => word.text),
    known: reading.words.map((word) => word.known),
    after: reading.candidates.map((list) => list.map((one) => ({word: one.token, p: one.probability}))),
    surprise: reading.surprise,
    layers,
    from: said.from || null,
    connectivity: c && {
      at: c.at,
      answer: c.answer,
      probability: c.probability,
      norm: c.gradient,
      signed: c.signed,
      without: c.leave_one_out,
      replaced: c.replaced || null,
      replacements: c.replacements || null,
      instead: c.without && c.without.map((one) => ({word: one.token, p: one.probability})),
    },
    horizon: said.horizon || null,
    usable: said.usable || null,
    ablation: said.ablation || null,
    microscope: said.microscope || null,
  };
}
S.readModel = readModel;

const inside = S.$("sluice-data").textContent.trim();
S.saved = inside ? JSON.parse(inside) : null;

async function ask(path, body, signal) {
  const answer = await fetch(`api/v1/${path}`, body === undefined ? {signal} : {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(body),
    signal,
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const error = new Error((said.error && said.error.message) || `the server answered ${answer.status}`);
    error.status = answer.status;
    throw error;
  }
  return said;
}
S.ask = ask;

// What the page knows before any text: models and limits of a server, texts of a saved page.
S.open = async function() {
  if (S.saved) return {texts: S.saved.texts.map((text) => (text.explanations[0] || {text: ""}).text)};
  const info = await ask("info");
  return {models: info.models, limits: info.limits, version: info.version};
};

S.savedText = function(number) {
  const text = S.saved.texts[Math.min(number, S.saved.texts.length - 1)] || {explanations: []};
  return {
    text: text.explanations.length ? text.explanations[0].text : "",
    models: text.explanations.map((e) => readModel(e, false)),
    changed: text.explanations.map((e) => (e.changed ? {model: readModel(e, true), changes: e.changes} : null)),
    whole: true,
  };
};

// The word on which the answers of all depend most, as a share of what each depends on; but for the word after which
// they are asked, for behind that there is nothing to follow. Null: the texts are not read as the same words.
function wordToFollow(models) {
  const shares = new Array(Math.max(1, models[0].connectivity.at)).fill(0);
  if (!models.every((model) => S.sameWords(model, models[0]))) return null;
  for (const {connectivity} of models) {
    const sizes = (connectivity.without || connectivity.norm).map(Math.abs), sum = sizes.reduce((s, v) => s + v, 1e-12);
    shares.forEach((_, i) => {
      shares[i] += sizes[i] / sum;
    });
  }
  return shares.indexOf(Math.max(...shares));
}

// Three requests a text: at once what is cheap; when nobody has typed for a moment, each word left out in turn; then
// the trace of the word that matters most, or of the one that was chosen. A newer question ends the older ones.
let going = null;
S.explain = async function(question, show, fail) {
  if (going) going.abort();
  const mine = going = new AbortController();
  const body = {text: question.text, units: false, top: question.text.length > 4000 ? 5 : 10};
  if (question.at !== null) body.at = question.at;
  const read = async (more) => {
    const answer = await ask("explain", {...body, ...more}, mine.signal);
    return {
      text: question.text,
      models: answer.explanations.map((e) => readModel(e, false)),
      changed: [],
      whole: false
    };
  };
  try {
    let seen = await read({});
    show(seen);
    await new Promise((resolve) => setTimeout(resolve, question.patience));
    if (mine.signal.aborted) return;
    const longest = Math.max(...seen.models.map((model) => model.words.length));
    const all = longest <= S.about.limits.leave_one_out_tokens;
    seen = await read({leave_one_out: all, ablation: {}, microscope: {}}).catch((error) => {
      if (error.status === 400) return seen;  // too much work for a model of this size: the gradients have to do
      throw error;
    });
    const at = question.trace === null || question.trace >= longest ? wordToFollow(seen.models) : question.trace;
    const traced = await read({horizon: at === null ? {} : {at}});
    seen.models.forEach((model, i) => {
      model.horizon = traced.models[i].horizon;
      model.usable = traced.models[i].usable;
    });
    show({...seen, whole: true});
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
};

// Every unit at every word, of one model: large, so asked for when it is to be drawn.
const MOST_NUMBERS = 6e6;
let drawing = null;
S.explainUnits = async function(model) {
  if (model.layers[0].values.hidden) return model;
  const tracks = Object.keys(model.layers[0].tracks).length,
        numbers = tracks * model.layers.length * model.units * model.words.length;
  if (numbers > MOST_NUMBERS)
    throw new Error(`A map of ${S.count(model.words.length)} words by ${S.count(model.units)} units is ${
        S.count(numbers / 1e6)} million numbers; up to ${
        MOST_NUMBERS / 1e6} million are drawn. A shorter text has its map.`);
  if (drawing) drawing.abort();
  drawing = new AbortController();
  const answer = await ask("explain", {text: S.seen.text, model: model.id, top: 1}, drawing.signal);
  const whole = readModel(answer.explanations[0], false);
  model.layers = whole.layers;
  return model;
};

// The numbers in the equations of one more unit.
S.explainUnit = async function(model, layer, unit, signal) {
  const answer = await ask(
      "explain", {text: S.seen.text, model: model.id, units: false, top: 1, microscope: {units: [{layer, unit}]}},
      signal);
  model.microscope.units.push(answer.explanations[0].microscope.units[0]);
};

// What one model makes of a text with changes; the text as it stood comes along.
S.explainChanged = async function(model, changes, signal) {
  const all = model.words.length <= S.about.limits.leave_one_out_tokens;
  const answer = await ask(
      "explain", {text: S.seen.text, model: model.id, units: false, top: 10, leave_one_out: all, changes}, signal);
  return {before: readModel(answer.explanations[0], false), after: readModel(answer.explanations[0], true)};
};
})(window.Sluice);
