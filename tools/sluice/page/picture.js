// A figure as a picture: SVG, and PNG made from it. What the browser has laid out is walked and said again as SVG:
// boxes with their ground and border, text where it stands, drawings and canvases inside it. No fonts are carried
// along.
(function(S) {
"use strict";
const {h, svg} = S;
const SHOWN = [
  "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "font-family",
  "font-size", "font-weight", "text-anchor", "dominant-baseline", "paint-order"
];
const clear = (colour) => colour === "transparent" || /^rgba\(.*, 0\)$/.test(colour);

// A drawing with the styles that its page gave it.
function settled(drawing) {
  const copy = drawing.cloneNode(true), originals = [drawing, ...drawing.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((node, i) => {
    const style = getComputedStyle(originals[i]);
    node.removeAttribute("class");
    for (const name of SHOWN) node.setAttribute(name, style.getPropertyValue(name));
  });
  return copy;
}

function drawText(node, origin, into) {
  const style = getComputedStyle(node.parentElement), range = document.createRange(), text = node.data;
  // One line of text at a time: a text that wraps is cut where its place on the page jumps down.
  let from = 0, top = null;
  const flush = (to) => {
    if (!text.slice(from, to).trim()) return;
    range.setStart(node, from), range.setEnd(node, to);
    const box = range.getBoundingClientRect();
    if (!box.width) return;
    into.append(
        svg("text", {
          x: (box.left - origin.left).toFixed(2),
          y: (box.top - origin.top + box.height / 2).toFixed(2),
          "dominant-baseline": "central",
          fill: style.color,
          "font-family": style.fontFamily,
          "font-size": style.fontSize,
          "font-weight": style.fontWeight,
          "font-style": style.fontStyle,
        },
            text.slice(from, to).trim()));
  };
  for (let i = 0; i < text.length; ++i) {
    range.setStart(node, i), range.setEnd(node, i + 1);
    const box = range.getClientRects()[0];
    if (!box) continue;
    if (top !== null && box.top > top + box.height / 2) flush(i), from = i;
    top = box.top;
  }
  flush(text.length);
}

function walk(node, origin, into) {
  if (node.nodeType === Node.TEXT_NODE) return drawText(node, origin, into);
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(".unseen, .pictures, details, .readout")) return;
  const style = getComputedStyle(node), box = node.getBoundingClientRect();
  if (style.visibility === "hidden" || style.display === "none" || !box.width) return;
  const place = {
    x: (box.left - origin.left).toFixed(2),
    y: (box.top - origin.top).toFixed(2),
    width: box.width.toFixed(2),
    height: box.height.toFixed(2)
  };
  if (node instanceof SVGSVGElement) {
    const copy = settled(node);
    for (const [key, value] of Object.entries(place)) copy.setAttribute(key, value);
    copy.setAttribute("overflow", "visible");
    return into.append(copy);
  }
  if (node instanceof HTMLCanvasElement)
    return into.append(svg("image", {...place, href: node.toDataURL("image/png")}));
  const hatched = style.backgroundImage.includes("repeating-linear-gradient");
  const border = parseFloat(style.borderLeftWidth) ? style.borderLeftColor : "none";
  if (!clear(style.backgroundColor) || hatched || border !== "none") {
    const ground = hatched           ? style.backgroundImage.match(/rgba?\([^)]*\)/)[0] :
        clear(style.backgroundColor) ? "none" :
                                       style.backgroundColor;
    into.append(svg("rect", {
      ...place,
      rx: Math.min(parseFloat(style.borderBottomLeftRadius) || 0, box.height / 2),
      fill: ground,
      stroke: border,
      "fill-opacity": hatched ? 0.7 : 1
    }));
  }
  if (parseFloat(style.borderTopWidth) >= 2)
    into.append(svg("rect", {...place, height: 2, fill: style.borderTopColor}));
  for (const child of node.childNodes) walk(child, origin, into);
}

S.asSvg = function(figure) {
  const origin = figure.getBoundingClientRect(), margin = 16;
  const width = Math.ceil(origin.width + 2 * margin), height = Math.ceil(origin.height + 2 * margin);
  const whole =
      svg("svg",
          {xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `${- margin} ${- margin} ${width} ${height}`},
          svg("title", {}, figure.getAttribute("aria-label") || "Sluice"),
          svg("rect", {x: -margin, y: -margin, width, height, fill: getComputedStyle(document.body).backgroundColor}));
  walk(figure, origin, whole);
  return {text: new XMLSerializer().serializeToString(whole), width, height};
};

S.asPng = async function(figure) {
  const {text, width, height} = S.asSvg(figure);
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  await image.decode();
  const scale = Math.min(2, 8000 / Math.max(width, height));
  const canvas = h("canvas", {width: Math.round(width * scale), height: Math.round(height * scale)});
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.drawImage(image, 0, 0);
  return new Promise(
      (resolve, reject) =>
          canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"));
};

function keep(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", {href: address, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
  S.tell(`${name} saved`);
}

// The buttons beneath a figure.
S.pictures = (figure, name) =>
    h("div", {class: "pictures"},
      h("button", {
        type: "button",
        class: "quiet",
        id: `${name}-svg`,
        on: {click: () => keep(new Blob([S.asSvg(figure).text], {type: "image/svg+xml"}), `sluice-${name}.svg`)}
      },
        "Save as SVG"),
      h("button", {
        type: "button",
        class: "quiet",
        id: `${name}-png`,
        on: {
          click: async () => {
            try {
              keep(await S.asPng(figure), `sluice-${name}.png`);
            } catch {
              S.tell("This browser makes no PNG of it; the SVG is the same picture.");
            }
          }
        }
      },
        "Save as PNG"));
})(window.Sluice);
