// A cell's equations, read as its file prints them: sums, products, sigma, tanh and max of symbols. "W_z x" is one
// symbol of our own making, the number that the matrix makes of its vector for one unit; it comes from the model, as
// biases and the states before do. Everything else follows. No cell is known by name here.
(function(S) {
"use strict";

const TOKEN = /\s*([A-Za-z]+[~']?(?:_[A-Za-z0-9]+)?|[0-9.]+|[-+*(),=])/y;
const CALLS = {
  sigma: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  max: Math.max,
};

function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  for (let end = 0; text.slice(end).trim(); end = TOKEN.lastIndex) {
    const found = TOKEN.exec(text);
    if (!found) throw new Error(`equation: ${text}`);
    tokens.push({text: found[1], from: TOKEN.lastIndex - found[1].length, to: TOKEN.lastIndex});
  }
  return tokens;
}

// {text, target, tree}. A node is {kind, from, to}, its place in the text, and: number value; symbol name; applied name
// (of the matrix); call name, inner [...]; sum or product, inner [...], of a sum also signs [...].
class Parser {
  constructor(text) { Object.assign(this, {text, tokens: tokensOf(text), at: 0}); }
  is(text) { return this.at < this.tokens.length && this.tokens[this.at].text === text; }
  next() {
    if (this.at >= this.tokens.length) throw new Error(`equation: ${this.text}`);
    return this.tokens[this.at++];
  }
  expect(text) {
    const token = this.next();
    if (token.text !== text) throw new Error(`equation: ${this.text}`);
    return token;
  }

  line() {
    const target = this.next().text;
    this.expect("=");
    const tree = this.sum();
    if (this.at < this.tokens.length) throw new Error(`equation: ${this.text}`);
    return {text: this.text, target, tree};
  }
  sum() {
    const inner = [this.product()], signs = [1];
    while (this.is("+") || this.is("-")) {
      signs.push(this.next().text === "+" ? 1 : -1);
      inner.push(this.product());
    }
    return inner.length < 2 ? inner[0] : {kind: "sum", inner, signs, from: inner[0].from, to: inner.at(-1).to};
  }
  product() {
    const inner = [this.factor()];
    while (this.is("*")) this.next(), inner.push(this.factor());
    return inner.length < 2 ? inner[0] : {kind: "product", inner, from: inner[0].from, to: inner.at(-1).to};
  }
  factor() {
    if (this.is("(")) {
      const open = this.next(), inner = this.sum();
      return {...inner, from: open.from, to: this.expect(")").to};
    }
    const token = this.next();
    if (/^[0-9]/.test(token.text)) return {...token, kind: "number", value: Number(token.text)};
    if (!/^[A-Za-z]/.test(token.text)) throw new Error(`equation: ${this.text}`);
    if (Object.hasOwn(CALLS, token.text)) {
      this.expect("(");
      const inner = [this.sum()];
      while (this.is(",")) this.next(), inner.push(this.sum());
      return {kind: "call", name: token.text, inner, from: token.from, to: this.expect(")").to};
    }
    const follows = this.at < this.tokens.length && /^[A-Za-z(]/.test(this.tokens[this.at].text);
    if (!follows) return {...token, kind: "symbol", name: token.text};
    return {kind: "applied", name: token.text, from: token.from, to: this.factor().to};
  }
}

function evaluate(node, values) {
  switch (node.kind) {
    case "number":
      return node.value;
    case "sum":
      return node.inner.reduce((sum, one, i) => sum + node.signs[i] * evaluate(one, values), 0);
    case "product":
      return node.inner.reduce((product, one) => product * evaluate(one, values), 1);
    case "call":
      return CALLS[node.name](...node.inner.map((one) => evaluate(one, values)));
    default:
      return Object.hasOwn(values, node.name) ? values[node.name] : NaN;
  }
}
S.evaluate = evaluate;

// What carries a number in an equation, in the order of the text: symbols and applied matrices.
S.leavesOf = (node) =>
    (node.kind === "symbol" || node.kind === "applied" ? [node] : (node.inner || []).flatMap(S.leavesOf));

// A factor between 0 and 1: what sigma made, or 1 less that.
function isShare(node, equations) {
  if (node.kind === "symbol")
    return equations.some((e) => e.target === node.name && e.tree.kind === "call" && e.tree.name === "sigma");
  return node.kind === "sum" && node.inner.length === 2 && node.signs[1] < 0 && node.inner[0].value === 1 &&
      isShare(node.inner[1], equations);
}

// The summands of an equation as {node, sign, share, thing}: share the node of what lies between 0 and 1, thing that of
// what it is a share of; null where there is none. old: thing is the target's own value before the step.
function summandsOf(equation, equations) {
  const {tree, target} = equation, summands = tree.kind === "sum" ? tree.inner : [tree];
  return summands.map((node, i) => {
    const factors = node.kind === "product" ? node.inner : [node];
    const share = factors.length === 2 ? factors.find((one) => isShare(one, equations)) || null : null;
    const thing = share ? factors.find((one) => one !== share) : null;
    const old = Boolean(thing) && thing.kind === "symbol" && thing.name + "'" === target;
    return {node, sign: tree.kind === "sum" ? tree.signs[i] : 1, share, thing, old};
  });
}

// A model's equations, made once. memory: the equation of the state that keeps a share of itself, null for a cell
// without such a state; shown: equations that make a state of shares of other things (the LSTM's h').
const read = new WeakMap();
S.equationsOf = function(model) {
  if (read.has(model)) return read.get(model);
  let equations = [];
  try {
    equations = model.equations.map((line) => new Parser(line).line());
  } catch { /* a cell that prints them in another way is shown without its numbers */
  }
  for (const one of equations) one.summands = summandsOf(one, equations);
  const states = equations.filter((one) => one.target.endsWith("'"));
  const memory = states.find((one) => one.summands.some((part) => part.old)) || null;
  // z of h' = (1 - z) * h + ... writes; where the share kept is a symbol itself, it keeps.
  const keeps = memory && memory.summands.find((part) => part.old).share;
  const result = {
    equations,
    memory,
    states,
    kept: keeps,
    writes: keeps && keeps.kind === "sum" ? keeps.inner[1].name : "",
    state: memory ? memory.target.slice(0, -1) : model.states[model.states.length - 1],
  };
  read.set(model, result);
  return result;
};

// Every symbol's value at every word, for one unit of model.microscope: [{name: value}]. "h" is the state before, "h'"
// after, "W_z" what W_z makes of its vector.
S.runUnit = function(model, parts) {
  if (parts.run) return parts.run;
  const {equations} = S.equationsOf(model), {products, biases} = model.microscope;
  parts.run = parts.products.map((made, t) => {
    const values = {};
    model.states.forEach((name, s) => {
      values[name] = (t ? parts.states[t - 1] : parts.before)[s];
    });
    products.forEach((name, i) => {
      values[name] = made[i];
    });
    biases.forEach((name, i) => {
      values[name] = parts.biases[i];
    });
    for (const one of equations) values[one.target] = evaluate(one.tree, values);
    return values;
  });
  return parts.run;
};
})(window.Sluice);
