// The state as a value, and as bytes (the format stands in sluice/model.h).
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "base/failure.h"
#include "base/fnv.h"
#include "model/streams.h"
#include "sluice/model.h"

namespace sluice {
namespace {

constexpr std::string_view kMagic = "SLUICEST";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeader = 48, kChecksum = 8;  // bytes

// Whole numbers in little-endian order, whatever the machine's own.
template <class Number>
void put(std::vector<std::byte>& bytes, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) bytes.push_back(static_cast<std::byte>(number >> (8 * i) & 0xff));
}

template <class Number>
Number get(std::span<const std::byte> bytes, std::size_t at) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) number |= static_cast<Number>(bytes[at + i]) << (8 * i);
  return number;
}

[[noreturn]] void refuse(const std::string& expected, const std::string& found) {
  throw Error(Status::bad_file, "state: expected " + expected + ", found " + found);
}

using Extents = std::array<std::uint64_t, 4>;

std::string shape_text(const Extents& shape) {
  return std::to_string(shape[0]) + " layers x " + std::to_string(shape[1]) + " states x " + std::to_string(shape[2]) +
         " streams x " + std::to_string(shape[3]) + " units";
}

void check_start(std::span<const std::byte> bytes) {
  if (bytes.size() < kMagic.size()) {
    refuse("at least " + std::to_string(kHeader + kChecksum) + " bytes",
           std::to_string(bytes.size()) + " (it is truncated)");
  }
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    refuse("the bytes of a state, which begin with \"SLUICEST\"", "other bytes");
  }
  if (bytes.size() < kHeader + kChecksum) {
    refuse("at least " + std::to_string(kHeader + kChecksum) + " bytes",
           std::to_string(bytes.size()) + " (it is truncated)");
  }
  const auto version = get<std::uint32_t>(bytes, 8), zero = get<std::uint32_t>(bytes, 12);
  if (version > kVersion) {
    refuse("version " + std::to_string(kVersion) + " or older", "the newer version " + std::to_string(version));
  }
  if (version == 0 || zero != 0) refuse("a version from 1 on and 0 after it", "other numbers");
}

constexpr std::uint64_t kMost = std::uint64_t{1} << 40;  // values

// How many values a state of that shape has; nothing for more than kMost.
std::optional<std::size_t> count_within(const Extents& shape) {
  if (std::ranges::count(shape, 0) > 0) return 0;
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) {
    if (count > kMost / extent) return std::nullopt;
    count *= extent;
  }
  return count;
}

std::size_t count_for(const Extents& shape) {
  if (const auto count = count_within(shape)) return *count;
  throw Error(Status::usage, "state: expected at most 2^40 values, found " + shape_text(shape));
}

// Of what bytes say.
std::size_t count_in_bytes(const Extents& shape) {
  const auto count = count_within(shape);
  if (!count || (*count == 0 && shape != Extents{})) {
    refuse("a shape of a state, each extent from 1 on and at most 2^40 values", shape_text(shape));
  }
  return *count;
}

}  // namespace

State::State(std::size_t layers, std::size_t states, std::size_t batch, std::size_t hidden) try
    : layers_(layers),
      states_(states),
      batch_(batch),
      hidden_(hidden),
      values_(count_for({layers, states, batch, hidden})) {
} catch (...) {
  rethrow_as_error("state");
}

std::span<float> State::of(std::size_t layer, std::size_t state) {
  return std::span<float>(values_).subspan((layer * states_ + state) * batch_ * hidden_, batch_ * hidden_);
}

std::span<const float> State::of(std::size_t layer, std::size_t state) const {
  return std::span<const float>(values_).subspan((layer * states_ + state) * batch_ * hidden_, batch_ * hidden_);
}

void State::reset() noexcept { std::fill(values_.begin(), values_.end(), 0.f); }

bool State::same_shape(const State& other) const noexcept {
  return layers_ == other.layers_ && states_ == other.states_ && batch_ == other.batch_ && hidden_ == other.hidden_;
}

bool State::finite() const noexcept { return all_finite(values_); }

std::vector<std::byte> State::to_bytes() const try {
  std::vector<std::byte> bytes;
  bytes.reserve(kHeader + values_.size() * sizeof(float) + kChecksum);
  for (const char c : kMagic) bytes.push_back(static_cast<std::byte>(c));
  put(bytes, kVersion);
  put(bytes, std::uint32_t{0});
  for (const std::size_t extent : {layers_, states_, batch_, hidden_}) put(bytes, std::uint64_t{extent});
  for (const float value : values_) put(bytes, std::bit_cast<std::uint32_t>(value));
  put(bytes, fnv1a(std::span<const std::byte>(bytes)));
  return bytes;
} catch (...) {
  rethrow_as_error("state");
}

State State::from_bytes(std::span<const std::byte> bytes) try {
  check_start(bytes);
  Extents shape;
  for (std::size_t i = 0; i < shape.size(); ++i) shape[i] = get<std::uint64_t>(bytes, 16 + 8 * i);
  const std::size_t count = count_in_bytes(shape), size = kHeader + count * sizeof(float) + kChecksum;
  if (bytes.size() != size) {
    refuse(std::to_string(size) + " bytes for " + shape_text(shape),
           std::to_string(bytes.size()) + (bytes.size() < size ? " (it is truncated)" : ""));
  }
  const auto sum = get<std::uint64_t>(bytes, size - kChecksum);
  if (fnv1a(bytes.first(size - kChecksum)) != sum) refuse("bytes that add up to its checksum", "damaged ones");
  State state(shape[0], shape[1], shape[2], shape[3]);
  for (std::size_t i = 0; i < count; ++i) {
    state.values_[i] = std::bit_cast<float>(get<std::uint32_t>(bytes, kHeader + i * sizeof(float)));
  }
  return state;
} catch (...) {
  rethrow_as_error("state");
}

// The exponent of what is not finite is all ones. The largest of many is found without a branch.
bool all_finite(std::span<const float> values) noexcept {
  constexpr std::uint32_t infinity = 0x7f800000, no_sign = 0x7fffffff;
  std::uint32_t most = 0;
  for (const float value : values) most = std::max(most, std::bit_cast<std::uint32_t>(value) & no_sign);
  return most < infinity;
}

bool finite_stream(const State& state, std::size_t stream) noexcept {
  const std::size_t hidden = state.hidden(), parts = state.layers() * state.states();
  for (std::size_t k = 0; k < parts; ++k) {
    if (!all_finite(state.values().subspan((k * state.batch() + stream) * hidden, hidden))) return false;
  }
  return true;
}

void copy_stream(const State& from, std::size_t stream, State& to, std::size_t place) noexcept {
  const std::size_t hidden = from.hidden(), parts = from.layers() * from.states();
  for (std::size_t k = 0; k < parts; ++k) {
    std::copy_n(from.values().data() + (k * from.batch() + stream) * hidden, hidden,
                to.values().data() + (k * to.batch() + place) * hidden);
  }
}

void clear_stream(State& state, std::size_t stream) noexcept {
  const std::size_t hidden = state.hidden(), parts = state.layers() * state.states();
  for (std::size_t k = 0; k < parts; ++k) {
    std::fill_n(state.values().data() + (k * state.batch() + stream) * hidden, hidden, 0.f);
  }
}

}  // namespace sluice
