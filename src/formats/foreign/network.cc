#include "formats/foreign/network.h"

#include <algorithm>
#include <cmath>

#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

// Bounds that keep every product of two sizes inside 64 bits.
constexpr std::size_t most_features = std::size_t{1} << 24, most_parts = 1 << 16;
// The features of an input that is not there.
constexpr std::size_t not_given = no_value;

const char* name_of(Kind kind) {
  constexpr const char* names[] = {"numbers of every step", "numbers of a row", "tokens", "lengths", "a mask"};
  return names[static_cast<int>(kind)];
}

std::string text(const Value& value) {
  const bool numbers = value.kind == Kind::sequence || value.kind == Kind::vector;
  return numbers ? std::to_string(value.features) + " " + name_of(value.kind) : name_of(value.kind);
}

// Checks one part and says what it makes.
class Checker {
 public:
  Checker(std::string where, std::vector<Value> inputs) : where_(std::move(where)), inputs_(std::move(inputs)) {}

  std::vector<Value> operator()(const Embedding& part) const {
    expect_inputs({{Kind::tokens, 0}});
    expect_size("table", part.table, part.tokens * sized("size", part.size));
    std::vector<Value> made = {{Kind::sequence, part.size}};
    if (part.masks_zero) made.push_back({Kind::mask, 0});
    return made;
  }
  std::vector<Value> operator()(const OneHot& part) const {
    expect_inputs({{Kind::tokens, 0}});
    return {{Kind::sequence, sized("size", part.size)}};
  }
  std::vector<Value> operator()(const Dense& part) const {
    expect_numbers(part.inputs);
    expect_size("weights", part.weight, part.inputs * sized("outputs", part.outputs));
    if (!part.bias.empty()) expect_size("bias", part.bias, part.outputs);
    return {{inputs_.front().kind, part.outputs}};
  }
  std::vector<Value> operator()(const Elementwise&) const {
    expect_numbers();
    return inputs_;
  }
  std::vector<Value> operator()(const Scale& part) const {
    expect_numbers();
    expect_size("factor", part.factor, inputs_.front().features);
    expect_size("offset", part.offset, inputs_.front().features);
    return inputs_;
  }
  std::vector<Value> operator()(const Recurrent& part) const;
  std::vector<Value> operator()(const Combine& part) const;
  std::vector<Value> operator()(const Select& part) const {
    expect_numbers();
    const std::size_t features = inputs_.front().features;
    for (const std::size_t feature : part.features) {
      if (feature >= features) refuse("a feature below " + std::to_string(features), std::to_string(feature));
    }
    return {{inputs_.front().kind, sized("features", part.features.size())}};
  }
  std::vector<Value> operator()(const Pool&) const {
    expect_inputs({{Kind::sequence, inputs_.empty() ? 0 : inputs_.front().features}});
    return {{Kind::vector, inputs_.front().features}};
  }
  std::vector<Value> operator()(const Reverse&) const {
    expect_inputs({{Kind::sequence, inputs_.empty() ? 0 : inputs_.front().features}});
    return inputs_;
  }
  std::vector<Value> operator()(const LengthMask&) const {
    expect_inputs({{Kind::lengths, 0}});
    return {{Kind::mask, 0}};
  }
  std::vector<Value> operator()(const ValueMask&) const {
    expect_inputs({{Kind::sequence, inputs_.empty() ? 0 : inputs_.front().features}});
    return {inputs_.front(), {Kind::mask, 0}};
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw Error(Status::bad_file, where_ + ": expected " + expected + ", found " + found);
  }
  std::size_t sized(const char* what, std::size_t size) const {
    if (size >= 1 && size <= most_features) return size;
    refuse(std::string(what) + " from 1 to " + std::to_string(most_features), std::to_string(size));
  }
  void expect_inputs(const std::vector<Value>& wanted) const {
    if (inputs_.size() != wanted.size()) {
      refuse(std::to_string(wanted.size()) + " values to read", std::to_string(inputs_.size()));
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) expect_value(inputs_[i], wanted[i]);
  }
  void expect_value(const Value& found, const Value& wanted) const {
    const bool same = found.kind == wanted.kind && found.features == wanted.features;
    if (!same) refuse(text(wanted) + " to read", text(found));
  }
  // One value of numbers, of so many features where that is known.
  void expect_numbers(std::size_t features = 0) const {
    if (inputs_.size() != 1) refuse("one value to read", std::to_string(inputs_.size()));
    const Value& found = inputs_.front();
    const bool numbers = found.kind == Kind::sequence || found.kind == Kind::vector;
    if (!numbers || (features > 0 && found.features != features)) {
      refuse((features > 0 ? std::to_string(features) + " " : "") + "numbers to read", text(found));
    }
  }
  void expect_size(const std::string& what, const Numbers& numbers, std::size_t size) const {
    if (numbers.size() != size) {
      refuse(what + " of " + std::to_string(size) + " numbers", std::to_string(numbers.size()));
    }
    numbers.visit([&]<class T>(const std::vector<T>& all) {
      T taint = 0;  // a NaN as soon as one number is none or is infinite
      for (const T number : all) taint += number * 0;
      if (taint == 0) return;
      const auto wrong = std::ranges::find_if_not(all, [](T number) { return std::isfinite(number); });
      refuse("finite numbers in " + what, "one at " + std::to_string(wrong - all.begin()) + " that is not");
    });
  }

  std::string where_;
  std::vector<Value> inputs_;
};

std::vector<Value> Checker::operator()(const Recurrent& part) const {
  const std::size_t D = part.directions.size(), H = sized("hidden", part.hidden), R = part.outputs(),
                    G = gates_of(part.cell), I = sized("inputs", part.inputs);
  const bool lstm = part.cell == Cell::lstm;
  if (D < 1 || D > 2) refuse("one or two directions", std::to_string(D));
  sized("projection", R);
  if (part.projection > 0 && !lstm)
    refuse("a projection of an lstm alone", "one of a " + std::string(name_of(part.cell)));
  if (inputs_.empty() || inputs_.size() > 4) refuse("one to four values to read", std::to_string(inputs_.size()));
  expect_value(inputs_[0], {Kind::sequence, I});
  const Value optional[] = {{}, {Kind::mask, 0}, {Kind::vector, D * R}, {Kind::vector, D * H}};
  for (std::size_t i = 1; i < inputs_.size(); ++i) {
    if (inputs_[i].features != not_given) expect_value(inputs_[i], optional[i]);
  }
  for (const Direction& direction : part.directions) {
    const auto maybe = [&](const char* what, const Numbers& numbers, std::size_t size) {
      if (!numbers.empty()) expect_size(what, numbers, size);
    };
    expect_size("input weights", direction.input, G * H * I);
    expect_size("recurrent weights", direction.recurrent, G * H * R);
    maybe("input bias", direction.input_bias, G * H);
    maybe("recurrent bias", direction.recurrent_bias, G * H);
    maybe("peepholes", direction.peepholes, lstm ? 3 * H : 0);
    maybe("initial h", direction.initial_h, R);
    maybe("initial c", direction.initial_c, lstm ? H : 0);
    if (part.projection > 0) expect_size("projection", direction.projection, lstm ? R * H : 0);
    for (const Activation& f : {direction.gate, direction.candidate, direction.output}) {
      if (f.function == Function::softmax) refuse("an activation of one number", "softmax");
    }
  }
  std::vector<Value> made = {{Kind::sequence, D * R}, {Kind::vector, D * R}};
  if (lstm) made.push_back({Kind::vector, D * H});
  return made;
}

std::vector<Value> Checker::operator()(const Combine& part) const {
  if (inputs_.empty()) refuse("values to combine", "none");
  Value made = inputs_.front();
  for (const Value& value : inputs_) {
    if (value.kind != Kind::sequence && value.kind != Kind::vector) refuse("numbers to combine", text(value));
    if (value.kind != made.kind) refuse(text(made) + " to combine", text(value));
    if (part.how != Combination::concatenate) expect_value(value, made);
  }
  if (part.how == Combination::concatenate) {
    made.features = 0;
    for (const Value& value : inputs_) made.features += value.features;
    sized("features", made.features);
  }
  return {made};
}

std::size_t size_of(const Direction& d) {
  return d.input.size() + d.recurrent.size() + d.input_bias.size() + d.recurrent_bias.size() + d.peepholes.size() +
         d.projection.size() + d.initial_h.size() + d.initial_c.size();
}

std::size_t size_of(const Work& work) {
  if (const auto* part = std::get_if<Embedding>(&work)) return part->table.size();
  if (const auto* part = std::get_if<Dense>(&work)) return part->weight.size() + part->bias.size();
  if (const auto* part = std::get_if<Scale>(&work)) return part->factor.size() + part->offset.size();
  std::size_t size = 0;
  if (const auto* part = std::get_if<Recurrent>(&work)) {
    for (const Direction& direction : part->directions) size += size_of(direction);
  }
  return size;
}

}  // namespace

std::size_t gates_of(Cell cell) { return cell == Cell::rnn ? 1 : cell == Cell::lstm ? 4 : 3; }

const char* name_of(Cell cell) {
  constexpr const char* names[] = {"rnn", "lstm", "gru", "gru-reset-after"};
  return names[static_cast<int>(cell)];
}

std::size_t Network::parameter_count() const {
  std::size_t count = 0;
  for (const Part& part : parts) count += size_of(part.work);
  return count;
}

ValueId Builder::input(const std::string& name, Value value, std::vector<PortAxis> axes, bool optional) {
  network_.values.push_back(value);
  const ValueId id = network_.values.size() - 1;
  network_.inputs.push_back({name, id, std::move(axes), optional});
  return id;
}

void Builder::output(const std::string& name, ValueId value, std::vector<PortAxis> axes) {
  network_.outputs.push_back({name, value, std::move(axes), false});
}

std::vector<ValueId> Builder::add(const std::string& name, Work work, const std::vector<ValueId>& inputs) {
  const std::string where = where_ + ": " + shown(name);
  if (network_.parts.size() >= most_parts) {
    throw Error(Status::bad_file, where + ": expected at most " + std::to_string(most_parts) + " parts, found more");
  }
  std::vector<Value> read;
  read.reserve(inputs.size());
  for (const ValueId id : inputs)
    read.push_back(id == no_value ? Value{Kind::mask, not_given} : network_.values.at(id));
  std::vector<ValueId> outputs;
  for (const Value& value : std::visit(Checker(where, std::move(read)), work)) {
    outputs.push_back(network_.values.size());
    network_.values.push_back(value);
  }
  network_.parts.push_back({name, std::move(work), inputs, outputs});
  return outputs;
}

Network Builder::finish(std::string format) {
  if (network_.parts.empty()) throw Error(Status::bad_file, where_ + ": expected a network, found no part of one");
  if (network_.inputs.empty() || network_.outputs.empty()) {
    throw Error(Status::bad_file, where_ + ": expected inputs and outputs, found none");
  }
  network_.format = std::move(format);
  return std::move(network_);
}

namespace {

std::string direction_text(const Recurrent& part) {
  if (part.directions.size() == 2) return ", both directions";
  return part.directions.front().backward ? ", backward" : "";
}

// What differs from the usual, for the summary.
std::string unusual_text(const Recurrent& part) {
  const Direction& first = part.directions.front();
  std::string line;
  const Activation gate = {Function::sigmoid}, tanh = {Function::tanh};
  for (const Direction& d : part.directions) {
    if (&d != &first && d.gate == first.gate && d.candidate == first.candidate && d.output == first.output) continue;
    if (part.cell != Cell::rnn && !(d.gate == gate)) line += ", gates " + text(d.gate);
    if (!(d.candidate == tanh)) line += ", " + text(d.candidate);
    if (part.cell == Cell::lstm && !(d.output == tanh)) line += ", output " + text(d.output);
  }
  if (part.projection > 0) line += ", projection to " + std::to_string(part.projection);
  if (part.clip > 0) line += ", clip " + std::to_string(part.clip);
  if (!first.peepholes.empty()) line += ", peepholes";
  if (part.couples_input_forget) line += ", f = 1 - i";
  if (!first.initial_h.empty() || !first.initial_c.empty()) line += ", initial state";
  if (first.input_bias.empty() && first.recurrent_bias.empty()) line += ", no biases";
  return line;
}

std::string what(const Part& part) {
  constexpr const char* combinations[] = {"concatenation", "sum", "product", "average"};
  constexpr const char* poolings[] = {"last step", "first step", "mean over time", "maximum over time"};
  const Work& work = part.work;
  if (const auto* r = std::get_if<Recurrent>(&work)) return name_of(r->cell) + direction_text(*r) + unusual_text(*r);
  if (const auto* e = std::get_if<Elementwise>(&work)) return text(e->activation);
  if (const auto* c = std::get_if<Combine>(&work)) return combinations[static_cast<int>(c->how)];
  if (const auto* p = std::get_if<Pool>(&work)) return poolings[static_cast<int>(p->how)];
  if (const auto* e = std::get_if<Embedding>(&work)) return e->masks_zero ? "embedding, token 0 masked" : "embedding";
  if (std::holds_alternative<OneHot>(work)) return "one-hot";
  if (std::holds_alternative<Dense>(work)) return "dense";
  if (std::holds_alternative<Scale>(work)) return "scaling";
  if (std::holds_alternative<Select>(work)) return "selection";
  if (std::holds_alternative<Reverse>(work)) return "time reversed";
  return std::holds_alternative<LengthMask>(work) ? "lengths" : "mask";
}

}  // namespace

std::vector<PartLine> summary(const Network& network) {
  std::vector<PartLine> lines;
  const auto size = [&](const std::vector<ValueId>& ids) {
    const Value value = ids.empty() ? Value{} : network.values[ids.front()];
    return value.features > 0 ? std::to_string(value.features) : std::string(name_of(value.kind));
  };
  for (const Part& part : network.parts) {
    lines.push_back({part.name, what(part), size(part.inputs) + " -> " + size(part.outputs), size_of(part.work)});
  }
  return lines;
}

}  // namespace sluice::foreign
