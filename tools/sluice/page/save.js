// "Save this page": the page with what it shows in one file, as sluice explain --html writes it. Scripts and styles
// stand inline, allowed by their hashes; the file asks nobody.
(function(S) {
"use strict";
const {$} = S;

const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
async function hashed(text) {
  return `'sha256-${base64(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))}'`;
}

// JSON that can stand in HTML: no character of it means anything there.
const escaped = (data) =>
    JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

async function textOf(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.text();
}

// What the page shows, as it stands in the saved one: everything about the text that is drawn, of every model, as the
// API says it.
S.dataToSave = async function() {
  const all = S.seen.models[0].words.length <= S.about.limits.leave_one_out_tokens;
  const followed = S.seen.models.map((model) => model.horizon && model.horizon.at);
  const explanations = await Promise.all(S.seen.models.map(async (model, i) => {
    const asks = {text: S.seen.text, model: model.id, top: 10, leave_one_out: all, ablation: {}, microscope: {}};
    if (S.state.at !== null) asks.at = S.askedAt(model);
    if (followed[i] !== null) asks.horizon = {at: followed[i]};
    const changes = S.changesFor(model, S.state.edits);
    if (changes) asks.changes = changes;
    return (await S.ask("explain", asks)).explanations[0];
  }));
  return {schema: 1, texts: [{explanations}], comparison: null};
};

// Replaces what a pattern finds by what make(its first group) gives.
async function replaced(text, pattern, make) {
  const made = await Promise.all([...text.matchAll(pattern)].map((found) => make(found[1])));
  return text.replace(pattern, () => made.shift());
}

// As text, not as a document: a document of this page's would have this page's policy, which allows no inline style.
S.wholePage = async function() {
  const data = await S.dataToSave(), hashes = {style: [], script: []};
  const inline = (tag) => async (address) => {
    const text = await textOf(address);
    hashes[tag].push(await hashed(text));
    return `<${tag}>${text}</${tag}>`;
  };
  let page = await textOf("./");
  page = await replaced(page, /<link rel=.stylesheet. href=.([^"]*).>/g, inline("style"));
  page = await replaced(page, /<script defer src=.([^"]*).><\/script>/g, inline("script"));
  const policy = `default-src 'none'; script-src ${hashes.script.join(" ")}; style-src ${
      hashes.style.join(" ")}; img-src data: blob:; base-uri 'none'; form-action 'none'`;
  const charset = "<meta charset=\"utf-8\">", place = "id=\"sluice-data\">";
  page = page.replace(charset, () => `${charset}<meta http-equiv="Content-Security-Policy" content="${policy}">`);
  // The data goes in last, so that nothing in it is taken for a tag.
  const at = page.indexOf(place) + place.length;
  return page.slice(0, at) + escaped(data) + page.slice(at);
};

S.startSaving = function() {
  const button = $("save-page");
  button.hidden = Boolean(S.saved);
  button.addEventListener("click", async () => {
    if (!S.seen) return;
    button.disabled = true;
    try {
      S.keep(new Blob([await S.wholePage()], {type: "text/html"}), "sluice.html");
    } catch (error) {
      S.tell(`It could not be saved: ${error.message}`);
      button.textContent = "Not saved: the server does not answer";
    }
    button.disabled = false;
  });
};
})(window.Sluice);
