// Arcs from the answer back to the words it depends on, over words that may fill one line or twenty. They run like the
// lines of a railway map: up from the word into the gap above its line, along it, for other lines down a rail in the
// margin, and along the gap above the answer's line. So no line ever crosses a word.
(function(S) {
"use strict";
const {svg} = S;
const watched = new Map();
const observer = new ResizeObserver((entries) => {
  for (const {target} of entries)
    if (watched.has(target)) drawArcs(target, watched.get(target));
});

S.watchArcs = function(holder, model) {
  watched.set(holder, model);
  observer.observe(holder);
};
S.redrawArcs = function() {
  for (const [holder, model] of watched) {
    if (holder.isConnected)
      drawArcs(holder, model);
    else
      watched.delete(holder), observer.unobserve(holder);
  }
};

// A line through points, its corners rounded.
function rounded(points, radius) {
  let path = `M${points[0][0]} ${points[0][1]}`;
  for (let i = 1; i < points.length - 1; ++i) {
    const [a, b, c] = [points[i - 1], points[i], points[i + 1]];
    const cut = (from, to) => {
      const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1, r = Math.min(radius, length / 2);
      return [from[0] + (to[0] - from[0]) * r / length, from[1] + (to[1] - from[1]) * r / length];
    };
    const before = cut(b, a), after = cut(b, c);
    path += `L${before[0].toFixed(1)} ${before[1].toFixed(1)}Q${b[0].toFixed(1)} ${b[1].toFixed(1)} ${
        after[0].toFixed(1)} ${after[1].toFixed(1)}`;
  }
  const end = points[points.length - 1];
  return path + `L${end[0].toFixed(1)} ${end[1].toFixed(1)}`;
}

function box(node, origin) {
  const b = node.getBoundingClientRect();
  return {
    left: b.left - origin.left,
    right: b.right - origin.left,
    top: b.top - origin.top,
    middle: b.left + b.width / 2 - origin.left
  };
}

function drawArcs(holder, model) {
  holder.querySelectorAll(":scope > svg.arcs").forEach((old) => old.remove());
  const answer = holder.querySelector(".answer-word"), strong = S.strongest(model);
  if (!answer || !strong.length) return;
  const origin = holder.getBoundingClientRect(), goal = box(answer, origin),
        rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const drawing = svg("svg", {
    class: "arcs",
    width: origin.width,
    height: origin.height,
    viewBox: `0 0 ${origin.width} ${origin.height}`,
    "aria-hidden": "true",
    focusable: "false"
  });
  // Lines must not cross. Over the words: the farther the word, the higher its line and the outer its rail; above the
  // answer, what comes down an outer rail arrives lower, and the lower lands farther right. Lines from the answer's own
  // line come from the left, and land left of those.
  const step = 0.38 * rem, far = [...strong].sort((a, b) => b.at - a.at), ends = [];
  const landing = (slot) => Math.min(goal.left + (0.6 + 0.42 * slot) * rem, goal.right - 4);
  far.forEach((one, level) => {
    const word = holder.querySelector(`.word[data-at="${one.at}"] .vessel`);
    if (!word) return;
    const from = box(word, origin), up = 0.6 * rem + level * step, sameLine = Math.abs(from.top - goal.top) < rem;
    const rail = origin.width - 2 - (far.length - 1 - level) * step, down = 0.6 * rem + (far.length - 1 - level) * step,
          land = landing(level);
    const points = sameLine ?
        [[from.middle, from.top - 1], [from.middle, goal.top - up], [land, goal.top - up], [land, goal.top - 1]] :
        [
          [from.middle, from.top - 1], [from.middle, from.top - up], [rail, from.top - up], [rail, goal.top - down],
          [land, goal.top - down], [land, goal.top - 1]
        ];
    drawing.append(svg("path", {
      class: `arc${one.value < 0 ? " against" : ""}`,
      d: rounded(points, 0.5 * rem),
      "stroke-width": S.thickness(one).toFixed(2),
      "data-at": one.at
    }));
    ends.push(
        svg("circle", {
          class: "arc-end",
          cx: from.middle.toFixed(1),
          cy: (from.top - 1).toFixed(1),
          r: (1.5 + 0.5 * S.thickness(one)).toFixed(1)
        }),
        svg("text", {class: "arc-label", x: from.middle.toFixed(1), y: from.top.toFixed(1)}, S.sizeOf(one)));
  });
  drawing.append(...ends);
  holder.append(drawing);
  placeLabels(drawing, rem);
}

// A label stands right of its line's start; where another label is, left of it, or higher.
function placeLabels(drawing, rem) {
  const placed = [], width = drawing.clientWidth || drawing.getBoundingClientRect().width;
  const labels = [...drawing.querySelectorAll(".arc-label")].sort((a, b) => a.getAttribute("x") - b.getAttribute("x"));
  for (const label of labels) {
    const x = Number(label.getAttribute("x")), y = Number(label.getAttribute("y")),
          long = label.getComputedTextLength();
    const tall = 0.85 * rem, places = [];
    for (const raise of [0.25, 1.1, 1.95])
      places.push([x + 0.45 * rem, y - raise * rem], [x - 0.45 * rem - long, y - raise * rem]);
    const box = ([left, bottom]) => ({left, right: left + long, top: bottom - tall, bottom});
    const fits = (one) => one.left >= 0 && one.right <= width &&
        placed.every((p) => one.right < p.left || one.left > p.right || one.bottom <= p.top || one.top >= p.bottom);
    const chosen = places.find((place) => fits(box(place))) || places[0];
    placed.push(box(chosen));
    label.setAttribute("x", chosen[0].toFixed(1));
    label.setAttribute("y", chosen[1].toFixed(1));
  }
}
})(window.Sluice);
