#include "model/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace sluice {
namespace {

void expect(bool good, const char* what, double found) {
  if (!good) throw Error(Status::usage, "sample: expected " + std::string(what) + ", found " + std::to_string(found));
}

}  // namespace

std::vector<Token> likeliest(std::span<const float> scores, std::size_t k) {
  constexpr float kLast = -std::numeric_limits<float>::infinity();
  const auto score = [&](Token token) { return std::isnan(scores[token]) ? kLast : scores[token]; };
  std::vector<Token> order(scores.size());
  std::iota(order.begin(), order.end(), Token{0});
  k = std::min(k, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                    [&](Token a, Token b) { return score(a) > score(b) || (score(a) == score(b) && a < b); });
  order.resize(k);
  return order;
}

Token draw(std::span<const float> logits, std::span<const float> probabilities, const SampleOptions& options,
           double random) {
  expect(options.temperature >= 0, "a temperature of 0 or more", options.temperature);
  expect(options.top_p >= 0 && options.top_p <= 1, "a top_p from 0 to 1", options.top_p);
  std::vector<Token> order = likeliest(logits, logits.size());
  const bool none = order.empty() || !(probabilities[order.front()] > 0);
  if (!options.allow_unknown && order.size() > 1) std::erase(order, Vocabulary::unknown);
  const double greatest = order.empty() ? 0 : static_cast<double>(logits[order.front()]);
  if (none || !std::isfinite(greatest)) {
    throw Error(Status::usage,
                "sample: expected probabilities to draw from, found none (no step was made, or its numbers were not "
                "finite)");
  }
  if (options.temperature == 0) return order.front();
  if (options.top_k > 0 && options.top_k < order.size()) order.resize(options.top_k);
  // Probabilities as they are decide what top_p keeps; the temperature bends what is left.
  double total = 0, kept = 0, sum = 0;
  for (const Token token : order) total += static_cast<double>(probabilities[token]);
  std::vector<double> weight;
  for (const Token token : order) {
    if (!weight.empty() && options.top_p < 1 && kept >= options.top_p * total) break;
    kept += static_cast<double>(probabilities[token]);
    const double below = static_cast<double>(logits[token]) - greatest;
    weight.push_back(below == 0 ? 1 : std::isfinite(below) ? std::exp(below / options.temperature) : 0);
    sum += weight.back();
  }
  double left = random * sum;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (!(weight[i] > 0)) continue;
    last = i;
    left -= weight[i];
    if (left < 0) break;
  }
  return order[last];
}

}  // namespace sluice
