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

// Any way of writing a colour as one that every reader of SVG knows: painted on a canvas and read back.
const brush = h("canvas", {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
function plain(colour) {
  brush.clearRect(0, 0, 1, 1);
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
  return a === 255 ? `rgb(${r}, ${g}, ${b})` : `rgba(${r}, ${g}, ${b}, ${(a / 255).toFixed(3)})`;
}

// "repeating-linear-gradient(-45deg, COLOUR 0px, COLOUR 3px, ...)" as a pattern, "linear-gradient(90deg, ...)" as a
// gradient; put into the picture once. Returns its paint; null: the image is something else.
function paintOf(image, whole) {
  const found = /^(repeating-)?linear-gradient\((-?[\d.]+)deg, (.*)\)$/.exec(image);
  if (!found) return null;
  const stops = found[3].split(/,\s*(?![^()]*\))/).map((stop) => {
    const place = /^(.*\)|\S+?)(?: ([\d.]+)px)?$/.exec(stop);
    return {colour: plain(place[1]), at: Number(place[2])};
  });
  const id = `paint-${image.replace(/[^\w]+/g, "-")}`, turn = Number(found[2]) - 90;
  if (!whole.querySelector(`[id="${id}"]`)) {
    const period = stops[stops.length - 1].at;
    whole.prepend(svg(
        "defs", {},
        found[1] ?
            svg("pattern", {
              id,
              patternUnits: "userSpaceOnUse",
              width: period,
              height: period,
              patternTransform: `rotate(${turn})`
            },
                stops.slice(1).map(
                    (stop, i) =>
                        svg("rect",
                            {x: stops[i].at, y: 0, width: stop.at - stops[i].at, height: period, fill: stop.colour}))) :
            svg("linearGradient", {id, gradientTransform: `rotate(${turn} 0.5 0.5)`},
                stops.map((stop, i) => svg("stop", {offset: i / (stops.length - 1), "stop-color": stop.colour})))));
  }
  return `url(#${id})`;
}

function drawText(node, origin, into) {
  const style = getComputedStyle(node.parentElement), range = document.createRange(), text = node.data;
  // One line of text at a time: a text that wraps is cut where its place on the page jumps down.
  let from = 0, top = null;
  const flush = (to) => {
    const line = text.slice(from, to), said = line.trim();
    if (!said) return;
    // From the first letter on: white space before it has its width on the page and none in the picture.
    const first = from + line.indexOf(said[0]);
    range.setStart(node, first), range.setEnd(node, first + said.length);
    const box = range.getBoundingClientRect();
    if (!box.width) return;
    into.append(
        svg("text", {
          x: (box.left - origin.left).toFixed(2),
          y: (box.top - origin.top + box.height / 2).toFixed(2),
          "dominant-baseline": "central",
          fill: plain(style.color),
          "font-family": style.fontFamily,
          "font-size": style.fontSize,
          "font-weight": style.fontWeight,
          "font-style": style.fontStyle,
          "letter-spacing": style.letterSpacing === "normal" ? null : style.letterSpacing,
        },
            said.replace(/\s+/g, " ")));
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

function walk(node, origin, into, whole) {
  if (node.nodeType === Node.TEXT_NODE) return drawText(node, origin, into);
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(".unseen, .pictures, .stepper, details, .readout")) return;
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
  const paint = paintOf(style.backgroundImage, whole), border = parseFloat(style.borderLeftWidth) > 0;
  if (!clear(style.backgroundColor) || paint || border) {
    const ground = paint || (clear(style.backgroundColor) ? "none" : plain(style.backgroundColor));
    into.append(svg("rect", {
      ...place,
      rx: Math.min(parseFloat(style.borderBottomLeftRadius) || 0, box.height / 2),
      fill: ground,
      stroke: border ? plain(style.borderLeftColor) : "none",
      "stroke-dasharray": border && style.borderLeftStyle === "dashed" ? "3 2" : null,
    }));
  }
  if (parseFloat(style.borderTopWidth) >= 2)
    into.append(svg("rect", {...place, height: 2, fill: plain(style.borderTopColor)}));
  for (const child of node.childNodes) walk(child, origin, into, whole);
}

S.asSvg = function(figure) {
  const origin = figure.getBoundingClientRect(), margin = 16;
  const width = Math.ceil(origin.width + 2 * margin), height = Math.ceil(origin.height + 2 * margin);
  const whole =
      svg("svg",
          {xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `${- margin} ${- margin} ${width} ${height}`},
          svg("title", {}, figure.getAttribute("aria-label") || "Sluice"),
          svg("rect", {x: -margin, y: -margin, width, height, fill: getComputedStyle(document.body).backgroundColor}));
  walk(figure, origin, whole, whole);
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

S.keep = function(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", {href: address, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
  S.tell(`${name} saved`);
};

// The buttons beneath a figure.
S.pictures = (figure, name, what) =>
    h("div", {class: "pictures"}, what ? h("span", {class: "small"}, `${what}:`) : null,
      h("button", {
        type: "button",
        class: "quiet",
        id: `${name}-svg`,
        on: {click: () => S.keep(new Blob([S.asSvg(figure).text], {type: "image/svg+xml"}), `sluice-${name}.svg`)}
      },
        "Save as SVG"),
      h("button", {
        type: "button",
        class: "quiet",
        id: `${name}-png`,
        on: {
          click: async () => {
            try {
              S.keep(await S.asPng(figure), `sluice-${name}.png`);
            } catch {
              S.tell("This browser makes no PNG of it; the SVG is the same picture.");
            }
          }
        }
      },
        "Save as PNG"));
})(window.Sluice);
