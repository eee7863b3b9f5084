#include "sluice/series.h"

#include <algorithm>
#include <cmath>

#include "base/failure.h"
#include "sluice/error.h"

namespace sluice {

struct Series::Impl {
  std::vector<float> inputs, targets;  // [N, I], [N, O] before any slice
  std::size_t input_width = 0, target_width = 0;
  std::string name;
};

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, name + ": expected " + expected + ", found " + found);
}

// The number of rows.
std::size_t check(const std::string& name, const std::string& what, std::span<const float> values, std::size_t width) {
  if (width == 0) refuse(name, what + " of 1 number a step or more", "0");
  if (values.size() % width != 0) {
    refuse(name, what + " in whole rows of " + std::to_string(width), std::to_string(values.size()) + " numbers");
  }
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad != values.end()) {
    const auto at = static_cast<std::size_t>(bad - values.begin());
    refuse(name, what + " that are finite",
           std::to_string(*bad) + " at step " + std::to_string(at / width) + ", column " + std::to_string(at % width));
  }
  return values.size() / width;
}

}  // namespace

Series::Series(std::vector<float> inputs, std::size_t input_width, std::vector<float> targets, std::size_t target_width,
               std::string name) try {
  last_ = check(name, "inputs", inputs, input_width);
  const std::size_t rows = check(name, "targets", targets, target_width);
  if (rows != last_) refuse(name, "a target for each of " + std::to_string(last_) + " inputs", std::to_string(rows));
  impl_ = std::make_shared<const Impl>(
      Impl{std::move(inputs), std::move(targets), input_width, target_width, std::move(name)});
} catch (...) {
  rethrow_as_error("series");
}

Series Series::forecast(std::vector<float> values, std::size_t width, std::size_t ahead, std::string name) try {
  const std::size_t rows = check(name, "values", values, width);
  if (ahead == 0 || ahead >= rows) {
    refuse(name,
           "to predict from 1 to " + std::to_string(rows > 0 ? rows - 1 : 0) + " steps ahead, of " +
               std::to_string(rows) + " in all",
           std::to_string(ahead));
  }
  std::vector<float> targets(values.begin() + static_cast<std::ptrdiff_t>(ahead * width), values.end());
  values.resize(targets.size());
  return {std::move(values), width, std::move(targets), width, std::move(name)};
} catch (...) {
  rethrow_as_error("series");
}

std::size_t Series::input_width() const { return impl_->input_width; }
std::size_t Series::target_width() const { return impl_->target_width; }
const std::string& Series::name() const { return impl_->name; }

std::span<const float> Series::inputs() const {
  return std::span<const float>(impl_->inputs).subspan(first_ * input_width(), steps() * input_width());
}

std::span<const float> Series::targets() const {
  return std::span<const float>(impl_->targets).subspan(first_ * target_width(), steps() * target_width());
}

Series Series::slice(std::size_t first, std::size_t last) const {
  if (first > last || last > steps()) {
    refuse(name(), "steps from 0 to " + std::to_string(steps()), std::to_string(first) + " to " + std::to_string(last));
  }
  Series part = *this;
  part.first_ = first_ + first;
  part.last_ = first_ + last;
  return part;
}

}  // namespace sluice
