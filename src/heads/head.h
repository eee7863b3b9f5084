// What stands on the last linear layer: from its rows to a loss, a gradient and a prediction. A head is a file with a
// class of these functions and a line in the list of head.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sluice/config.h"

namespace sluice {

// What rows are to predict: a class each, or O numbers each.
struct Targets {
  std::span<const std::uint32_t> classes;  // [N]
  std::span<const float> numbers;          // [N, O]
};

class Head {
 public:
  virtual ~Head() = default;
  virtual std::unique_ptr<Head> clone() const = 0;

  // Whether targets are classes, and not numbers.
  virtual bool classes() const { return false; }
  // Outputs of the linear layer for O classes or numbers.
  virtual std::size_t columns(std::size_t outputs) const { return outputs; }
  // What the padding of a row holds.
  virtual float pad() const { return 0; }
  // Adds a number to the prediction of number o, whichever outputs that has. Keeps the real-time contract.
  virtual void shift(float* y, std::size_t o, float by) const noexcept { y[o] += by; }
  // How much row i counts in the mean over all.
  virtual double weight(const Targets&, std::size_t) const { return 1; }

  // The loss of row i, y [padded], before its weight. outputs: O.
  virtual float loss(const float* y, std::size_t padded, std::size_t outputs, const Targets& targets,
                     std::size_t i) const = 0;
  // The same, and y becomes its gradient times scale; its padding zero.
  virtual float gradient(float* y, std::size_t padded, std::size_t outputs, const Targets& targets, std::size_t i,
                         float scale) const = 0;
  // What is shown of a row, over itself: probabilities, numbers. Keeps the real-time contract.
  virtual void predict(const float* y, std::size_t padded, std::size_t outputs, float* out) const noexcept = 0;
};

// The head of a config; tokens: whether the network reads tokens. Throws Error (usage) that lists the known losses.
std::unique_ptr<Head> make_head(const HeadConfig& config, bool tokens);

// One a file.
std::unique_ptr<Head> make_softmax(const HeadConfig& config);
std::unique_ptr<Head> make_regression(const HeadConfig& config);
std::unique_ptr<Head> make_quantiles(const HeadConfig& config);
std::unique_ptr<Head> make_normal(const HeadConfig& config);
std::unique_ptr<Head> make_multilabel(const HeadConfig& config);

}  // namespace sluice
