// Puts the page together: the text field, the theme, what is drawn when something changes.
(function(S) {
"use strict";
const {h, put, $} = S;

S.seen = null;   // the explanation that is drawn
S.about = null;  // what the server or the saved page says of itself
const sections = [
  [() => S.drawStory(), ["at", "model", "unit", "measure"]],
  [() => S.moveStory(), ["word"]],
  [() => S.drawLanes(), ["at", "measure", "layer"]],
  [() => S.drawWhatIf(), ["at", "edits", "layer"]],
  [() => S.drawUnits(), ["at", "model", "gate", "sort", "layer"]],
  [() => S.drawFinder(), ["model", "found", "follows", "spread"]],
  [() => S.moveSpan(), ["span"]],
  [() => S.drawHorizon(), ["layer"]],
];

function draw(changed) {
  for (const id of ["story", "lanes", "what-if", "units", "finder", "horizon"])
    if (!S.seen || !S.seen.models.length) $(id).hidden = id !== "lanes" || S.saved !== null;
  if (!S.seen || !S.seen.models.length) return;
  $("lanes").hidden = false;
  // What takes time is not there while somebody types, but its place is kept.
  const there = (name) => S.seen.models.some((m) => m.connectivity && m.connectivity[name]);
  S.measuresOffered = Object.keys(S.measures).filter((name) => !S.seen.whole || there(name));
  S.measureShown = S.measuresOffered.includes(S.state.measure) ? S.state.measure : S.measuresOffered[0] || "";
  for (const [section, keys] of sections)
    if (!changed || keys.some((key) => changed.has(key))) section();
}

let wordsOfEdits = null;  // the words that the numbers in S.state.edits count

// Whether what is drawn is of the text that stands above. If not, it stays and is marked, and says of which it is.
let again = 0;
function current(yes) {
  clearTimeout(again);
  const old = !yes && S.seen;
  document.documentElement.classList.toggle("old", Boolean(old));
  if (yes) put($("notice"));
}
function problem(error) {
  const gone = error instanceof TypeError, shown = S.seen && S.seen.text;
  current(false);
  put($("notice"),
      h("p", {class: "problem", role: "alert"},
        gone ? "The server does not answer. Is sluice serve still running? It is asked again every two seconds." :
               error.message,
        shown ? [" What stands below is older: it is of the text ", S.emphasis(shown), "."] : ""));
  if (gone) again = setTimeout(() => (S.about ? ask(0) : open()), 2000);
}

// What the page says of words, where the models read characters.
function nameUnits() {
  for (const node of document.querySelectorAll("[data-of-words]")) {
    node.dataset.ofWords = node.dataset.ofWords || node.textContent;
    node.textContent = S.ofUnits(node.dataset.ofWords);
  }
}

S.redraw = () => draw(null);
function show(explanation) {
  const words = explanation.models.length ? explanation.models[0].words : [];
  // What-ifs name words by number; when the text has changed they move with their words.
  if (wordsOfEdits && S.state.edits.length && !S.saved) S.state.edits = S.moveEdits(S.state.edits, wordsOfEdits, words);
  wordsOfEdits = words;
  S.seen = explanation;
  nameUnits();
  current(true);
  draw(null);
  const first = explanation.models[0], best = first && first.after.length && first.after[S.askedAt(first)][0];
  if (best && explanation.whole) {
    S.tell(explanation.models
               .map((m) => {
                 const b = m.after[S.askedAt(m)][0];
                 return `${S.nameOf(m)} expects ${S.visible(b.word)}, ${S.percent(b.p)}`;
               })
               .join("; "));
  }
  document.documentElement.dataset.whole = explanation.whole ? explanation.text : "";
}

function ask(patience) {
  document.documentElement.dataset.whole = "";
  const text = S.state.text.trim() ? S.state.text : example();
  if (!text) {
    S.seen = null;
    current(true);
    put($("lanes-tools"));
    put($("lanes-list"),
        h("p", {class: "note"},
          "Type a few words above. After each of them you see here what every network expects next, " +
              "and what that depends on."));
    draw(null);
    return;
  }
  S.explain({text, at: S.state.at, trace: S.state.trace, patience}, show, problem);
}

// The end of a text says what it asks for.
const shortened = (text) => (text.length > 30 ? `…${text.slice(-28).replace(/^\S*\s/, "")}` : text);

// What is read as long as nothing is typed: the last of the examples.
const examples = () =>
    (S.about.models ? [...new Set(S.about.models.flatMap((m) => m.examples || []))].slice(0, 3) : []);
const example = () => examples().at(-1) || "";

function drawPrompt() {
  if (S.saved) {
    const texts = S.about.texts;
    put($("prompt"),
        texts.length > 1 ?
            h("div", {class: "labelled"},
              h("label",
                { for: "sample"
                },
                "The text"),
              h("select",
                {id: "sample", on: {change: (event) => S.set({sample: Number(event.target.value), at: null})}},
                texts.map((text, i) => h("option", {value: i}, text)))) :
            null);
    $("sample") && ($("sample").value = String(S.state.sample));
    return;
  }
  const field =
      h("textarea",
        {id: "text", rows: 2, spellcheck: "false", autocapitalize: "off", autocomplete: "off", placeholder: example()});
  field.value = S.state.text;
  field.addEventListener("input", () => S.set({text: field.value, at: null, trace: null, word: null, span: ""}));
  const samples = examples();
  const characters = S.about.models.every((m) => m.level === "char");
  put($("prompt"),
      h("div", {class: "prompt-field"},
        h("div", {class: "prompt-foot"},
          h("label",
            { for: "text"
            },
            `A text, to be continued; read ${
                characters ? "character by character" : "word by word"}, again at every key`),
          h("div", {class: "samples"},
            samples.map(
                (text, i) =>
                    h("button", {
                      type: "button",
                      class: "quiet",
                      id: `sample-${i}`,
                      title: text,
                      on: {
                        click: () => {
                          field.value = text;
                          S.set({text, at: null, trace: null, word: null, unit: "", span: "", edits: []});
                        }
                      }
                    },
                      ["Example: ", h("span", {class: "sample-text"}, shortened(text))])))),
        field));
}

async function copyLink() {
  const said = $("copy-link"), usual = "Copy link to this view";
  try {
    await navigator.clipboard.writeText(S.link());
    said.textContent = "Link copied";
  } catch {
    said.textContent = "The link stands in the address bar";
  }
  S.tell(said.textContent);
  setTimeout(() => {
    said.textContent = usual;
  }, 2500);
}

function follow(changed) {
  if (!S.about) return;
  if (changed.has("text")) S.allWords = false;
  if (S.saved) {
    if (changed.has("sample"))
      show(S.savedText(S.state.sample));
    else
      draw(changed);
  } else if (changed.has("text") || changed.has("at") || changed.has("trace")) {
    if (S.seen && changed.has("at") && !changed.has("text")) draw(changed);  // at once what is there already
    ask(changed.has("text") ? 250 : 0);
  } else {
    draw(changed);
  }
}

async function start() {
  S.readAddress();
  S.startTheme(() => S.seen && S.drawUnits());
  $("copy-link").addEventListener("click", copyLink);
  addEventListener("hashchange", () => {
    S.readAddress();
    wordsOfEdits = null;
    if (!S.about) return;
    drawPrompt();
    S.saved ? show(S.savedText(S.state.sample)) : ask(0);
  });
  document.fonts && document.fonts.ready.then(() => S.redrawArcs());
  S.onChange(follow);
  open();
}

async function open() {
  try {
    S.about = await S.open();
  } catch (error) {
    return problem(error);
  }
  drawPrompt();
  S.startSaving();
  put($("about"),
      S.saved ? "A page saved by Sluice; it holds its data and asks nobody. For texts of your own: " :
                "Every number of this page also comes from ",
      h("code", {}, S.saved ? "sluice serve MODEL" : "sluice explain --json"), ".");
  S.drawDistance();
  // What was measured comes first where there is a measurement; the choice of a text stays with what it chooses.
  if (S.saved && S.saved.comparison) {
    $("ask").after($("distance"));
    $("distance").after($("prompt"));
  }
  if (S.saved)
    show(S.savedText(S.state.sample));
  else
    ask(0);
}
start();
})(window.Sluice);
