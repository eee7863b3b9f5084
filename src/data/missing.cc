// Missing numbers and scales; see missing.h.
#include "data/missing.h"

#include <algorithm>
#include <cmath>

#include "base/failure.h"

namespace sluice {
namespace {

// Mean and deviation of numbers that come one after another (Welford 1962), without losing the small differences of
// large ones.
class Moments {
 public:
  void add(double value) {
    if (std::isnan(value)) return;
    const double from_mean = value - mean_;
    mean_ += from_mean / static_cast<double>(++count_);
    squares_ += from_mean * (value - mean_);
  }
  void put(ScalingConfig& scaling) const {
    const double deviation = count_ == 0 ? 0 : std::sqrt(squares_ / static_cast<double>(count_));
    scaling.mean.push_back(mean_);
    scaling.deviation.push_back(deviation > 0 && std::isfinite(deviation) ? deviation : 1);
  }

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0, squares_ = 0;
};

}  // namespace

MissingFiller::MissingFiller(Missing missing, std::size_t columns)
    : missing_(missing), last_(columns, 0.0f), since_(columns, 0) {}

void MissingFiller::start() {
  std::ranges::fill(last_, 0.0f);
  std::ranges::fill(since_, 0u);
}

void MissingFiller::step(std::span<const float> row, float* to) {
  const std::size_t columns = last_.size();
  for (std::size_t c = 0; c < columns; ++c) {
    const bool there = !std::isnan(row[c]);
    if (there) last_[c] = row[c];
    since_[c] = there ? 0 : since_[c] + 1;
    to[c] = last_[c];
    if (missing_ != Missing::mask) continue;
    to[columns + c] = there ? 1.0f : 0.0f;
    to[2 * columns + c] = std::log1p(static_cast<float>(since_[c]));
  }
}

Sequences fill_missing(const Sequences& all, Missing missing) try {
  Sequences filled = all;
  MissingFiller filler(missing, all.inputs);
  filled.inputs = filler.inputs();
  filled.values.assign(all.steps() * filled.inputs, 0.0f);
  float* to = filled.values.data();
  for (std::size_t s = 0; s < all.size(); ++s) {
    filler.start();
    const auto values = all.values_of(s);
    for (std::size_t at = 0; at < values.size(); at += all.inputs, to += filled.inputs) {
      filler.step(values.subspan(at, all.inputs), to);
    }
  }
  return filled;
} catch (...) {
  rethrow_as_error("sequences");
}

void add_column(ScalingConfig& scaling, std::span<const double> values) {
  Moments moments;
  for (const double value : values) moments.add(value);
  moments.put(scaling);
}

ScalingConfig find_scaling(const Sequences& all) {
  std::vector<Moments> moments(all.inputs);
  for (std::size_t i = 0; i < all.values.size(); ++i) moments[i % all.inputs].add(all.values[i]);
  ScalingConfig scaling;
  for (const Moments& column : moments) column.put(scaling);
  return scaling;
}

void apply_scaling(const ScalingConfig& scaling, Sequences& all) {
  for (std::size_t i = 0; i < all.values.size(); ++i) {
    all.values[i] = static_cast<float>(to_scale(scaling, all.values[i], i % all.inputs));
  }
}

}  // namespace sluice
