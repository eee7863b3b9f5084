#include "formats/foreign/check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, what + ": expected " + expected + ", found " + found);
}

// A port and the array that belongs to it.
struct Pair {
  const Port* port;
  const NamedArray* array;
};

std::string names_of(const std::vector<Port>& ports) {
  std::string names;
  for (const Port& port : ports) names += (names.empty() ? "" : ", ") + shown(port.name);
  return names;
}

std::vector<Pair> match(const std::vector<Port>& ports, const std::vector<NamedArray>& arrays, std::string_view prefix,
                        bool needs_all) {
  std::vector<const NamedArray*> left;
  for (const NamedArray& array : arrays) {
    if (array.name.starts_with(prefix)) left.push_back(&array);
  }
  std::vector<Pair> pairs;
  std::vector<const Port*> open;
  for (const Port& port : ports) {
    const auto same = std::ranges::find(left, std::string(prefix) + port.name, &NamedArray::name);
    if (same == left.end()) {
      if (!needs_all || !port.optional) open.push_back(&port);
      continue;
    }
    pairs.push_back({&port, *same});
    left.erase(same);
  }
  if (left.size() == 1 && !open.empty() && (open.size() == 1 || !needs_all)) {
    pairs.push_back({open.front(), left.front()});
    open.erase(open.begin());
    left.clear();
  }
  if (!left.empty()) refuse("array " + shown(left.front()->name), "one of " + names_of(ports), "another name");
  if (needs_all && !open.empty()) refuse("input " + shown(open.front()->name), "an array for it", "none");
  return pairs;
}

// The axes of an array, by the port; one more in front: calls.
struct Lie {
  std::vector<PortAxis> axes;
  bool calls = false;
};

std::vector<PortAxis> usual_axes(const Value& value, const Shape& shape, Layout layout, const std::string& name) {
  const PortAxis time = {Axis::time, 0}, batch = {Axis::batch, 0}, features = {Axis::feature, value.features};
  const bool over_time = value.kind == Kind::sequence || value.kind == Kind::tokens;
  std::vector<PortAxis> axes;
  const std::size_t own = value.kind == Kind::tokens || value.kind == Kind::lengths ? 0 : 1;
  const std::size_t rank = shape.size();
  if (!over_time) {
    if (rank > own || value.kind == Kind::lengths) axes.push_back(batch);
  } else if (rank == own + 2) {
    if (layout == Layout::unknown) {
      refuse("array " + shown(name), "--layout batch-first or time-first, as its axes may be either", "none");
    }
    axes = layout == Layout::batch_first ? std::vector{batch, time} : std::vector{time, batch};
  } else {
    axes.push_back(time);
  }
  const bool bare = value.kind == Kind::sequence && rank == 1 && value.features == 1;  // [T]
  if (own > 0 && !bare) axes.push_back(features);
  return axes;
}

Lie lie_of(const Network& network, const Port& port, const NamedArray& array) {
  const Shape& shape = array.array.shape;
  Lie lie;
  lie.axes = port.axes.empty() ? usual_axes(network.values[port.value], shape, network.layout, array.name) : port.axes;
  lie.calls = !port.axes.empty() && shape.size() == lie.axes.size() + 1;
  const std::size_t first = lie.calls ? 1 : 0;
  bool fits = shape.size() == lie.axes.size() + first;
  for (std::size_t i = 0; fits && i < lie.axes.size(); ++i) {
    if (lie.axes[i].axis != Axis::feature) lie.axes[i].size = shape[first + i];
    fits = lie.axes[i].size == shape[first + i];
  }
  if (fits) return lie;
  std::string wanted;
  for (const PortAxis& axis : lie.axes) {
    wanted += (wanted.empty() ? "" : ", ") + (axis.axis == Axis::time    ? std::string("T")
                                              : axis.axis == Axis::batch ? "B"
                                                                         : std::to_string(axis.size));
  }
  refuse("array " + shown(array.name), "shape [" + wanted + "]", text(shape));
}

std::size_t size_of(const Lie& lie, Axis axis) {
  for (const PortAxis& each : lie.axes) {
    if (each.axis == axis) return each.size;
  }
  return 0;
}

// Calls f(i, j) for number i of a call's array and its place j among [T, B, F].
template <class F>
void visit_numbers(const Lie& lie, std::size_t B, std::size_t features, F&& f) {
  std::vector<std::size_t> index(lie.axes.size());
  std::size_t count = 1;
  for (const PortAxis& axis : lie.axes) count *= axis.size;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t t = 0, b = 0, feature = 0;
    for (std::size_t k = 0; k < index.size(); ++k) {
      const PortAxis& axis = lie.axes[k];
      if (axis.axis == Axis::time) t = index[k];
      if (axis.axis == Axis::batch) b = index[k];
      if (axis.axis == Axis::feature) feature = feature * axis.size + index[k];
    }
    f(i, (t * B + b) * features + feature);
    for (std::size_t k = index.size(); k-- > 0;) {
      if (++index[k] < lie.axes[k].size) break;
      index[k] = 0;
    }
  }
}

std::size_t features_of(const Network& network, const Port& port) {
  return std::max<std::size_t>(1, network.values[port.value].features);
}

// One call after another.
class Calls {
 public:
  Calls(const Network& network, const std::vector<NamedArray>& arrays)
      : network_(network),
        inputs_(match(network.inputs, arrays, "in_", true)),
        outputs_(match(network.outputs, arrays, "out_", false)) {
    if (outputs_.empty()) refuse("check", "at least one array out_NAME to compare with", "none");
    for (const Pair& pair : inputs_) measure(pair);
    feed_.steps = steps_.value_or(1);
    feed_.batch = batch_.value_or(1);
  }

  CheckResult run(const Evaluator& evaluator) {
    CheckResult result;
    for (const Port& port : network_.inputs) {
      const bool given = std::ranges::find(inputs_, &port, &Pair::port) != inputs_.end();
      if (!given) result.left_out.push_back(port.name);
    }
    for (const Pair& pair : outputs_) result.comparisons.push_back({pair.port->name, pair.array->name});
    for (std::size_t call = 0; call < calls_.value_or(1); ++call) {
      for (const Pair& pair : inputs_) fill(pair, call);
      const auto made = evaluator(feed_);
      for (std::size_t k = 0; k < outputs_.size(); ++k) compare(outputs_[k], made, call, result.comparisons[k]);
      if (calls_) carry(made);
    }
    return result;
  }

  std::optional<Example> example(const Port& input, const Port& output) {
    const auto pair = std::ranges::find(outputs_, &output, &Pair::port);
    if (pair == outputs_.end()) return std::nullopt;
    Example made = {feed_.steps * calls_.value_or(1), feed_.batch, {}, {}, {}};
    const bool over_time = network_.values[output.value].kind == Kind::sequence;
    for (std::size_t call = 0; call < calls_.value_or(1); ++call) {
      for (const Pair& each : inputs_) fill(each, call);
      if (call == 0 && !begins_at_zeros(input)) return std::nullopt;
      const std::vector<double>& numbers = feed_.inputs[input.value];
      made.inputs.insert(made.inputs.end(), numbers.begin(), numbers.end());
      const Lie lie = lie_of(network_, output, *pair->array);
      const Numbers& expected = pair->array->array.values;
      const std::size_t size = expected.size() / (lie.calls ? pair->array->array.shape[0] : 1);
      const std::size_t first = over_time ? made.outputs.size() : 0;
      made.outputs.resize(first + size);
      visit_numbers(lie, feed_.batch, features_of(network_, output), [&](std::size_t i, std::size_t j) {
        made.outputs[first + j] = expected[(lie.calls ? call * size : 0) + i];
      });
    }
    for (const Pair& each : inputs_) {
      if (network_.values[each.port->value].kind == Kind::lengths) made.lengths = feed_.inputs[each.port->value];
    }
    return made;
  }

 private:
  // Every input besides that one and lengths is zero.
  bool begins_at_zeros(const Port& input) {
    return std::ranges::all_of(inputs_, [&](const Pair& each) {
      const bool state = each.port != &input && network_.values[each.port->value].kind != Kind::lengths;
      return !state || std::ranges::all_of(feed_.inputs[each.port->value], [](double value) { return value == 0; });
    });
  }

  static void agree(std::optional<std::size_t>& known, std::size_t found, const char* what, const NamedArray& array) {
    if (known && *known != found) {
      refuse("array " + shown(array.name), std::to_string(*known) + " " + what, std::to_string(found));
    }
    known = found;
  }

  void measure(const Pair& pair) {
    const Lie lie = lie_of(network_, *pair.port, *pair.array);
    if (const std::size_t steps = size_of(lie, Axis::time)) agree(steps_, steps, "steps", *pair.array);
    if (const std::size_t batch = size_of(lie, Axis::batch)) agree(batch_, batch, "rows", *pair.array);
    if (lie.calls) agree(calls_, pair.array->array.shape[0], "calls", *pair.array);
    if (pair.array->array.values.empty()) refuse("array " + shown(pair.array->name), "numbers", "none");
  }

  void fill(const Pair& pair, std::size_t call) {
    const Lie lie = lie_of(network_, *pair.port, *pair.array);
    if (!lie.calls && call > 0) return;  // a state, which the call before has moved
    const std::size_t features = features_of(network_, *pair.port);
    const Numbers& values = pair.array->array.values;
    const std::size_t size = lie.calls ? values.size() / pair.array->array.shape[0] : values.size();
    std::vector<double>& numbers = feed_.inputs[pair.port->value];
    numbers.assign(size, 0);
    visit_numbers(lie, feed_.batch, features,
                  [&](std::size_t i, std::size_t j) { numbers[j] = values[call * size + i]; });
  }

  void compare(const Pair& pair, const std::vector<std::vector<double>>& made, std::size_t call,
               Comparison& comparison) const {
    const Lie lie = lie_of(network_, *pair.port, *pair.array);
    if (!lie.calls && call + 1 < calls_.value_or(1)) return;
    const std::vector<double>& numbers = made[static_cast<std::size_t>(pair.port - network_.outputs.data())];
    const Numbers& expected = pair.array->array.values;
    const std::size_t calls = lie.calls ? pair.array->array.shape[0] : 1,
                      size = calls > 0 ? expected.size() / calls : 0;
    if (size != numbers.size() || calls != (lie.calls ? calls_.value_or(1) : 1)) {
      refuse("array " + shown(pair.array->name), std::to_string(numbers.size()) + " numbers", std::to_string(size));
    }
    const std::size_t first = lie.calls ? call * size : 0;
    visit_numbers(lie, feed_.batch, features_of(network_, *pair.port), [&](std::size_t i, std::size_t j) {
      const double difference = std::abs(numbers[j] - expected[first + i]);
      // What is not a number differs infinitely.
      comparison.largest =
          std::max(comparison.largest, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
      comparison.magnitude = std::max(comparison.magnitude, std::abs(expected[first + i]));
      ++comparison.numbers;
    });
  }

  // Every state that comes out goes into the input of the same units.
  void carry(const std::vector<std::vector<double>>& made) {
    for (const Port& in : network_.inputs) {
      const std::vector<StateUnit> units = initial_units(network_, in);
      if (units.empty()) continue;
      for (std::size_t k = 0; k < network_.outputs.size(); ++k) {
        if (last_units(network_, network_.outputs[k]) == units) feed_.inputs[in.value] = made[k];
      }
    }
  }

  const Network& network_;
  std::vector<Pair> inputs_, outputs_;
  std::optional<std::size_t> steps_, batch_, calls_;
  Feed feed_;
};

}  // namespace

double CheckResult::largest() const {
  double most = 0;
  for (const Comparison& comparison : comparisons) most = std::max(most, comparison.largest);
  return most;
}

std::optional<Example> example_of(const Network& network, const std::vector<NamedArray>& arrays, const Port& input,
                                  const Port& output) {
  return Calls(network, arrays).example(input, output);
}

CheckResult check(const Network& network, const std::vector<NamedArray>& arrays, const Evaluator& evaluator) {
  return Calls(network, arrays).run(evaluator);
}

CheckResult check(const Network& network, const std::vector<NamedArray>& arrays) {
  return check(network, arrays, [&](const Feed& feed) { return evaluate(network, feed); });
}

}  // namespace sluice::foreign
