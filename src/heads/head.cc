#include "heads/head.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "sluice/error.h"

namespace sluice {
namespace {

struct Kind {
  std::string_view loss;
  std::unique_ptr<Head> (*make)(const HeadConfig&);
};

#define SLUICE_LIST_HEAD(loss, make) {loss, make},
constexpr Kind kKinds[] = {SLUICE_FOR_EACH_HEAD(SLUICE_LIST_HEAD)};
#undef SLUICE_LIST_HEAD

}  // namespace

std::unique_ptr<Head> make_head(const HeadConfig& config, bool tokens) {
  HeadConfig full = config;
  if (full.loss.empty()) full.loss = tokens ? "softmax" : "squared";
  for (const Kind& kind : kKinds) {
    if (kind.loss == full.loss) return kind.make(full);
  }
  throw Error(Status::usage, "loss: expected one of " + std::string(kLosses) + ", found \"" + full.loss + "\"");
}

float mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v);
  return static_cast<float>(sum / static_cast<double>(values.size()));
}

float quantile_of(std::span<const float> ascending, double q) {
  const double place = q * static_cast<double>(ascending.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, ascending.size() - 1);
  const double share = place - static_cast<double>(low);
  return static_cast<float>((1 - share) * static_cast<double>(ascending[low]) +
                            share * static_cast<double>(ascending[high]));
}

}  // namespace sluice
