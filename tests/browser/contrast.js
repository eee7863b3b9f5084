(() => {
  // What is too faint of what is shown: [how many were looked at, what was found]. 4.5:1 for text, 3:1 for large text
  // and for lines that carry meaning (WCAG 2.2, 1.4.3 and 1.4.11). Colours are painted on a canvas and read back, so
  // that every way of writing a colour is understood.
  const pen = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {
    willReadFrequently: true
  });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((c) => top[c] * top[3] + under[c] * (1 - top[3])).concat(1);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => sum + w * linear(c[i] / 255), 0);
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const box = (node) => (node instanceof SVGElement ? node.closest("svg").parentElement : node);
  const ground = (node) => {
    const layers = [];
    for (let n = node; n; n = n.parentElement) layers.push(rgba(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const found = new Set();
  let seen = 0;
  const check = (what, colour, under, least) => {
    const r = ratio(over(rgba(colour), under), under);
    ++seen;
    if (r < least) found.add(`${what}: ${r.toFixed(2)}`);
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), node = walker.currentNode.parentElement;
    const style = getComputedStyle(node);
    if (!text || !node.getClientRects().length || style.visibility === "hidden") continue;
    if (node.closest("script, noscript, .unseen, .skip, :disabled")) continue;
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    check(text.slice(0, 30), node instanceof SVGElement ? style.fill : style.color, ground(box(node)), large ? 3 : 4.5);
  }
  const lines = [
    [".arc", "stroke"], [".line", "stroke"], [".water", "borderTopColor"], [".bar.reset > span", "backgroundColor"],
    [".vessel", "borderLeftColor"], ["button:not(.quiet, .word, .edits button, :disabled)", "borderLeftColor"],
    ["select", "borderLeftColor"], ["#text", "borderLeftColor"], [".probability > span", "backgroundColor"],
    [".keep > span", "backgroundColor"], [".hold", "backgroundColor"], [".cell-word", "borderLeftColor"],
    [".balance > :not(.zero)", "borderLeftColor"], [".spread", "backgroundColor"]
  ];
  for (const [selector, property] of lines) {
    for (const node of document.querySelectorAll(selector)) {
      const under = ground(node instanceof SVGElement ? box(node) : node.parentElement);
      check(selector, getComputedStyle(node)[property], under, 3);
    }
  }
  return [seen, [...found]];
})()
