#include "formats/foreign/evaluate.h"

#include <algorithm>
#include <cmath>

#include "base/shown.h"
#include "formats/foreign/recurrent.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

using Doubles = std::vector<double>;

class Evaluation {
 public:
  Evaluation(const Network& network, const Feed& feed)
      : network_(network), T_(feed.steps), B_(feed.batch), values_(network.values.size()) {
    for (const Port& port : network.inputs) values_[port.value] = input(port, feed);
    for (const Part& part : network.parts) {
      part_ = &part;
      std::visit(*this, part.work);
    }
  }

  const Doubles& operator[](ValueId id) const { return values_[id]; }

  void operator()(const Embedding& part) {
    const Doubles& tokens = in();
    Doubles& y = out();
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      const std::size_t token = checked_token(tokens[row], part.tokens);
      for (std::size_t i = 0; i < part.size; ++i) y[row * part.size + i] = part.table[token * part.size + i];
    }
    if (!part.masks_zero) return;
    Doubles& mask = out(1);
    for (std::size_t row = 0; row < tokens.size(); ++row) mask[row] = tokens[row] != 0;
  }
  void operator()(const OneHot& part) {
    const Doubles& tokens = in();
    Doubles& y = out();
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      y[row * part.size + checked_token(tokens[row], part.size)] = 1;
    }
  }
  void operator()(const Dense& part) {
    const Doubles& x = in();
    Doubles& y = out();
    const std::size_t rows = x.size() / part.inputs;
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t o = 0; o < part.outputs; ++o) {
        double sum = part.bias.empty() ? 0 : part.bias[o];
        for (std::size_t i = 0; i < part.inputs; ++i)
          sum += part.weight[o * part.inputs + i] * x[row * part.inputs + i];
        y[row * part.outputs + o] = sum;
      }
    }
  }
  void operator()(const Elementwise& part) {
    const Doubles& x = in();
    Doubles& y = out();
    if (part.activation.function == Function::softmax) return softmax(x, y);
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = activate(part.activation, x[i]);
  }
  void operator()(const Scale& part) {
    const Doubles& x = in();
    Doubles& y = out();
    const std::size_t features = part.factor.size();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = part.factor[i % features] * x[i] + part.offset[i % features];
  }
  void operator()(const Recurrent& part) {
    const auto given = [&](std::size_t i) -> const Doubles* {
      return i < part_->inputs.size() && part_->inputs[i] != no_value ? &values_[part_->inputs[i]] : nullptr;
    };
    const RecurrentInputs inputs = {T_, B_, in(), given(1), given(2), given(3)};
    RecurrentOutputs made = run_recurrent(part, inputs);
    values_[part_->outputs[0]] = std::move(made.sequence);
    values_[part_->outputs[1]] = std::move(made.h);
    if (part.cell == Cell::lstm) values_[part_->outputs[2]] = std::move(made.c);
  }
  void operator()(const Combine& part) {
    Doubles& y = out();
    if (part.how == Combination::concatenate) return concatenate(y);
    y = in();
    for (std::size_t k = 1; k < part_->inputs.size(); ++k) {
      const Doubles& x = in(k);
      for (std::size_t i = 0; i < y.size(); ++i) part.how == Combination::product ? y[i] *= x[i] : y[i] += x[i];
    }
    if (part.how != Combination::average) return;
    for (double& value : y) value /= static_cast<double>(part_->inputs.size());
  }
  void operator()(const Select& part) {
    const Doubles& x = in();
    Doubles& y = out();
    const std::size_t from = features(part_->inputs.front()), to = part.features.size();
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i / to * from + part.features[i % to]];
  }
  void operator()(const Pool& part) {
    const Doubles& x = in();
    Doubles& y = out();
    for (std::size_t i = 0; i < y.size(); ++i) {
      const auto at = [&](std::size_t t) { return x[t * y.size() + i]; };
      y[i] = part.how == Pooling::last ? at(T_ - 1) : at(0);
      for (std::size_t t = 1; t < T_; ++t) {
        if (part.how == Pooling::mean) y[i] += at(t);
        if (part.how == Pooling::maximum) y[i] = std::max(y[i], at(t));
      }
      if (part.how == Pooling::mean) y[i] /= static_cast<double>(T_);
    }
  }
  void operator()(const Reverse&) {
    const Doubles& x = in();
    Doubles& y = out();
    const std::size_t step = x.size() / T_;
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[(T_ - 1 - i / step) * step + i % step];
  }
  void operator()(const LengthMask&) {
    const Doubles& lengths = in();
    Doubles& mask = out();
    for (std::size_t i = 0; i < mask.size(); ++i) {
      const std::size_t step = i / B_;
      mask[i] = static_cast<double>(step) < lengths[i % B_];
    }
  }
  void operator()(const ValueMask& part) {
    const Doubles& x = in();
    Doubles &y = out(), &mask = out(1);
    const std::size_t size = x.size() / mask.size();
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] != part.value) mask[i / size] = 1;
    }
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * mask[i / size];
  }

 private:
  std::size_t features(ValueId id) const { return network_.values[id].features; }
  const Doubles& in(std::size_t i = 0) const { return values_[part_->inputs[i]]; }
  // An output of the present part, all zeros.
  Doubles& out(std::size_t i = 0) {
    Doubles& y = values_[part_->outputs[i]];
    y.assign(size_of(part_->outputs[i]), 0);
    return y;
  }
  std::size_t size_of(ValueId id) const {
    const Value& value = network_.values[id];
    switch (value.kind) {
      case Kind::sequence:
        return T_ * B_ * value.features;
      case Kind::vector:
        return B_ * value.features;
      case Kind::lengths:
        return B_;
      default:
        return T_ * B_;
    }
  }

  Doubles input(const Port& port, const Feed& feed) const {
    const auto given = feed.inputs.find(port.value);
    const bool lengths = network_.values[port.value].kind == Kind::lengths;
    const std::size_t size = size_of(port.value);
    if (given == feed.inputs.end()) {
      if (port.optional) return Doubles(size, lengths ? static_cast<double>(T_) : 0);
      throw Error(Status::usage, "input " + shown(port.name) + ": expected numbers for it, found none");
    }
    if (given->second.size() != size) {
      throw Error(Status::usage, "input " + shown(port.name) + ": expected " + std::to_string(size) +
                                     " numbers, found " + std::to_string(given->second.size()));
    }
    for (const double length : given->second) {
      if (!lengths || (length >= 0 && length <= static_cast<double>(T_) && length == std::floor(length))) continue;
      throw Error(Status::usage, "input " + shown(port.name) + ": expected lengths from 0 to " + std::to_string(T_) +
                                     ", found " + std::to_string(length));
    }
    return given->second;
  }

  std::size_t checked_token(double token, std::size_t tokens) const {
    if (token >= 0 && token < static_cast<double>(tokens)) return static_cast<std::size_t>(token);
    throw Error(Status::usage, shown(part_->name) + ": expected tokens from 0 to " + std::to_string(tokens - 1) +
                                   ", found " + std::to_string(token));
  }

  void softmax(const Doubles& x, Doubles& y) const {
    const std::size_t size = features(part_->inputs.front());
    for (std::size_t row = 0; row < x.size(); row += size) {
      double most = x[row], sum = 0;
      for (std::size_t i = 0; i < size; ++i) most = std::max(most, x[row + i]);
      for (std::size_t i = 0; i < size; ++i) sum += y[row + i] = std::exp(x[row + i] - most);
      for (std::size_t i = 0; i < size; ++i) y[row + i] /= sum;
    }
  }
  void concatenate(Doubles& y) const {
    const std::size_t to = features(part_->outputs.front());
    std::size_t first = 0;
    for (const ValueId id : part_->inputs) {
      const std::size_t from = features(id);
      const Doubles& x = values_[id];
      for (std::size_t i = 0; i < x.size(); ++i) y[i / from * to + first + i % from] = x[i];
      first += from;
    }
  }

  const Network& network_;
  const std::size_t T_, B_;
  std::vector<Doubles> values_;
  const Part* part_ = nullptr;
};

}  // namespace

std::vector<std::vector<double>> evaluate(const Network& network, const Feed& feed) {
  if (feed.steps == 0 || feed.batch == 0) {
    throw Error(Status::usage, "expected at least one step of one row, found none");
  }
  const Evaluation evaluation(network, feed);
  std::vector<std::vector<double>> outputs;
  for (const Port& port : network.outputs) outputs.push_back(evaluation[port.value]);
  return outputs;
}

}  // namespace sluice::foreign
