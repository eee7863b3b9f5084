// Elements, numbers and words. Whatever comes from a model or a person goes through textContent or setAttribute, never
// through markup: a vocabulary may hold "<script>".
window.Sluice = window.Sluice || {};
(function(S) {
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "on")
      for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (key === "style")
      for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
    else if (key === "value" || key === "checked" || key === "disabled" || key === "hidden")
      node[key] = value;
    else
      node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

// h("p", {class: "note", on: {click: f}}, "text", node, ...). Styles go through the CSSOM, which a strict
// Content-Security-Policy allows where it forbids style attributes in markup.
S.h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
S.svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
S.$ = (id) => document.getElementById(id);

// Replaces what stands in a node; the focus stays on the control with the same id.
S.put = function(node, ...children) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  const id = focused && focused.id;
  node.replaceChildren(
      ...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  if (id && document.activeElement !== focused) {
    const again = S.$(id);
    if (again) again.focus({preventScroll: true});
  }
  return node;
};

// 0.984 -> "98 %"; a share that is not nothing and not all never reads "0 %" or "100 %". The command has the same:
// percent() of terminal.h.
S.percent = function(share, decimals = 0) {
  if (!Number.isFinite(share)) return "–";
  const text = (value) => value.toFixed(decimals), step = 10 ** -decimals;
  const rounded = text(100 * share);
  if (share > 0 && rounded === text(0)) return `<${text(step)} %`;
  if (share < 1 && rounded === text(100)) return `>${text(100 - step)} %`;
  return `${rounded} %`;
};
// Two shares with as many decimals as tell them apart: what differs never reads the same, but for what is smaller than
// a probability is exact.
S.percents = function(a, b) {
  let decimals = 0;
  while (decimals < 4 && S.percent(a, decimals) === S.percent(b, decimals)) ++decimals;
  return S.percent(a, decimals) === S.percent(b, decimals) ? [S.percent(a), S.percent(b)] :
                                                             [S.percent(a, decimals), S.percent(b, decimals)];
};
S.signed = (value, digits) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
S.fixed = function(value, digits) {
  if (!Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
};
S.plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
S.count = (value) => Math.round(value).toLocaleString("en-US");
S.mean = (values) => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);

// What a person can see of a token: characters of control and of direction are named, a space is drawn.
S.visible = function(token) {
  if (token === " ") return "␣";
  return token.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (c) => {
    const code = c.charCodeAt(0);
    return code === 10 ? "⏎" : code < 32 ? String.fromCharCode(0x2400 + code) : `⟨${code.toString(16)}⟩`;
  });
};

// "a, b and c"
S.list = (words) =>
    (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`);

// A token in running text; one that is longer than any word is cut.
S.emphasis = function(word) {
  const shown = S.visible(word);
  const marked = /[\p{L}\p{N}\p{S}]/u.test(shown) ? shown : `“${shown}”`;  // a full stop alone is easily overlooked
  return S.h("em", {class: "said"}, marked.length > 40 ? `${marked.slice(0, 38)}…` : marked);
};

// A table with a caption for whoever cannot see the chart above it. Rows are arrays; the first entry heads its row.
S.table = function(caption, heads, rows) {
  return S.h(
      "div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption},
      S.h("table", {}, S.h("caption", {}, caption),
          S.h("thead", {}, S.h("tr", {}, heads.map((head) => S.h("th", {scope: "col"}, head)))),
          S.h("tbody", {},
              rows.map(
                  ([head, ...cells]) =>
                      S.h("tr", {}, S.h("th", {scope: "row"}, head), cells.map((cell) => S.h("td", {}, cell)))))));
};

// "Show the numbers": the table is made when it is opened first, for most never are.
S.numbers = function(label, make) {
  const details = S.h("details", {class: "numbers"}, S.h("summary", {}, label));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(make());
  });
  return details;
};

// A group of radio buttons that looks like one control. `choices`: [value, label, title].
S.choice = function(name, legend, choices, chosen, choose) {
  return S.h(
      "fieldset", {class: "choice"}, S.h("legend", {}, legend),
      S.h("div", {class: "segments"}, choices.map(([value, label, title]) => {
        const id = `${name}-${value}`;
        return [
          S.h("input", {type: "radio", name, id, value, checked: value === chosen, on: {change: () => choose(value)}}),
          S.h("label",
              { for: id, title
              },
              label),
        ];
      })));
};

// What is drawn for the width that it has, to be drawn again when that becomes another at once.
const drawn = new Set();
S.redrawCharts = function() {
  for (const one of drawn)
    if (one.node.isConnected)
      one.draw();
    else
      drawn.delete(one);
};
S.watchChart = (one) => drawn.add(one);

// What a screen reader should hear without moving the focus.
let telling = 0;
S.tell = function(text) {
  clearTimeout(telling);
  telling = setTimeout(() => {
    S.$("told").textContent = text;
  }, 150);
};
})(window.Sluice);
