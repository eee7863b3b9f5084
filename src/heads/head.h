// What stands on the last linear layer: from its rows to a loss, a gradient and a prediction. A head is a file with a
// class of these functions and a line in the list at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sluice/config.h"

namespace sluice {

// Weights below this are 0 to the kernels, which have no numbers near the smallest float.
inline constexpr double kLeastWeight = 1e-30;

// What rows are to predict: a class each, or O numbers each.
struct Targets {
  std::span<const std::uint32_t> classes;  // [N]
  std::span<const float> numbers;          // [N, O]; NaN: missing, counts for nothing
  std::span<const float> weights = {};     // [N] how much each counts, or empty: all the same
};

// How many of the O numbers of row i are there.
inline std::size_t numbers_there(const Targets& targets, std::size_t outputs, std::size_t i) {
  const float* row = targets.numbers.data() + i * outputs;
  std::size_t there = 0;
  for (std::size_t o = 0; o < outputs; ++o) there += row[o] == row[o];
  return there;
}

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
  // How much row i counts in the mean over all: as the head says, times what the row has by itself. outputs: O.
  double weight(const Targets& targets, std::size_t outputs, std::size_t i) const {
    const double own = own_weight(targets, outputs, i);
    return targets.weights.empty() ? own : own * static_cast<double>(targets.weights[i]);
  }
  // Of numbers the share of those that are there.
  virtual double own_weight(const Targets& targets, std::size_t outputs, std::size_t i) const {
    return static_cast<double>(numbers_there(targets, outputs, i)) / static_cast<double>(outputs);
  }

  // The loss of row i, y [padded], before its weight: of several numbers the mean over those that are there.
  virtual float loss(const float* y, std::size_t padded, std::size_t outputs, const Targets& targets,
                     std::size_t i) const = 0;
  // The same, and y becomes its gradient times scale; its padding zero.
  virtual float gradient(float* y, std::size_t padded, std::size_t outputs, const Targets& targets, std::size_t i,
                         float scale) const = 0;
  // What is shown of a row, over itself: probabilities, numbers. Keeps the real-time contract.
  virtual void predict(const float* y, std::size_t padded, std::size_t outputs, float* out) const noexcept = 0;
  // Whether that is the outputs themselves, one for each number.
  virtual bool predicts_outputs() const { return false; }
  // Whether a number of the input may be added to what it predicts (HeadConfig::residual).
  virtual bool takes_residual() const { return true; }
  // What was expected where a target, which is finite or NaN (missing), cannot be; nullptr where it can.
  virtual const char* unfit(float) const { return nullptr; }
  // Of one number, whose values in training are `values` (at least one, ascending): the outputs that predict it best
  // without any input, columns(1) of them. Not asked where targets are classes.
  virtual void constant(std::span<const float>, float*) const {}
};
float mean_of(std::span<const float> values);
// A value below which a share q of the ascending values lies, on the line between its neighbours.
float quantile_of(std::span<const float> ascending, double q);

// The head of a config; tokens: whether the network reads tokens. Throws Error (usage) that lists the known losses.
std::unique_ptr<Head> make_head(const HeadConfig& config, bool tokens);

// The one list of losses (HeadConfig::loss) and of the functions that make their heads.
#define SLUICE_FOR_EACH_HEAD(HEAD)  \
  HEAD("softmax", make_softmax)     \
  HEAD("squared", make_regression)  \
  HEAD("absolute", make_regression) \
  HEAD("huber", make_regression)    \
  HEAD("quantiles", make_quantiles) \
  HEAD("normal", make_normal)       \
  HEAD("poisson", make_poisson)     \
  HEAD("multilabel", make_multilabel)

#define SLUICE_DECLARE_HEAD(loss, make) std::unique_ptr<Head> make(const HeadConfig& config);
SLUICE_FOR_EACH_HEAD(SLUICE_DECLARE_HEAD)
#undef SLUICE_DECLARE_HEAD

// Their names, between commas.
#define SLUICE_NAME_HEAD(loss, make) ", " loss
inline constexpr const char* kLosses = &(SLUICE_FOR_EACH_HEAD(SLUICE_NAME_HEAD))[2];
#undef SLUICE_NAME_HEAD

}  // namespace sluice
