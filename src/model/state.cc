// The state as a value, and as bytes (the format stands in sluice/model.h).
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/failure.h"
#include "base/fnv.h"
#include "model/streams.h"
#include "sluice/model.h"

namespace sluice {
namespace {

constexpr std::string_view kMagic = "SLUICEST";
constexpr std::uint32_t kVersion = 2, kAlikeVersion = 1;  // the latter: all layers alike, and no model named
constexpr std::size_t kStart = 16, kChecksum = 8;         // bytes: magic, version and 0
constexpr std::size_t kShortest = kStart + 24 + kChecksum;
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 40;

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

std::string shape_text(std::uint64_t layers, std::uint64_t batch, const std::string& of_layers) {
  return std::to_string(layers) + " layers x " + std::to_string(batch) + " streams" + of_layers;
}

void check_start(std::span<const std::byte> bytes) {
  if (bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    refuse("the bytes of a state, which begin with \"SLUICEST\"", "other bytes");
  }
  if (bytes.size() < kShortest) {
    refuse("at least " + std::to_string(kShortest) + " bytes", std::to_string(bytes.size()) + " (it is truncated)");
  }
  const auto version = get<std::uint32_t>(bytes, 8), zero = get<std::uint32_t>(bytes, 12);
  if (version > kVersion) {
    refuse("version " + std::to_string(kVersion) + " or older", "the newer version " + std::to_string(version));
  }
  if (version == 0 || zero != 0) refuse("a version from 1 on and 0 after it", "other numbers");
}

// What stands before the values.
struct Header {
  std::uint64_t model = 0, batch = 0, count = 0;
  std::vector<StateShape> shapes;
  std::size_t size = 0;  // bytes
};

// Adds the values of a layer; false: more than there can be.
bool add_layer(Header& header, std::uint64_t states, std::uint64_t hidden) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  if (states == 0 || hidden == 0 || states > most || hidden > most || header.batch == 0 || header.batch > most) {
    return false;
  }
  if (states > kMostValues / hidden || states * hidden > kMostValues / header.batch) return false;
  header.count += states * hidden * header.batch;
  header.shapes.push_back({static_cast<std::size_t>(states), static_cast<std::size_t>(hidden)});
  return header.count <= kMostValues;
}

// Sizes are compared with the bytes that are there before any memory is taken.
Header read_header(std::span<const std::byte> bytes) {
  Header header;
  const std::string expected = "a shape of a state, each extent from 1 on and at most 2^40 values";
  const bool alike = get<std::uint32_t>(bytes, 8) == kAlikeVersion;
  const auto word = [&](std::size_t i) { return get<std::uint64_t>(bytes, kStart + 8 * i); };
  const std::uint64_t layers = word(alike ? 0 : 1);
  header.batch = word(2);
  if (!alike) header.model = word(0);
  header.size = kStart + (alike ? 32 : 24);
  if (layers > (bytes.size() - kChecksum) / sizeof(float)) {
    refuse(expected, shape_text(layers, header.batch, " in " + std::to_string(bytes.size()) + " bytes"));
  }
  if (!alike) header.size += 16 * static_cast<std::size_t>(layers);
  if (header.size + kChecksum > bytes.size()) {
    refuse("at least " + std::to_string(header.size + kChecksum) + " bytes",
           std::to_string(bytes.size()) + " (it is truncated)");
  }
  // A state of nothing is all zeros.
  if (layers == 0 && header.batch == 0 && (!alike || (word(1) == 0 && word(3) == 0))) return header;
  for (std::size_t l = 0; l < layers; ++l) {
    const std::uint64_t states = word(alike ? 1 : 3 + 2 * l), hidden = word(alike ? 3 : 4 + 2 * l);
    if (add_layer(header, states, hidden)) continue;
    refuse(expected, shape_text(layers, header.batch,
                                " of " + std::to_string(states) + " states x " + std::to_string(hidden) + " units"));
  }
  if (layers == 0) refuse(expected, shape_text(layers, header.batch, ""));
  return header;
}

std::size_t values_of(const std::vector<StateShape>& layers, std::size_t batch) {
  std::size_t count = 0;
  for (const auto& [states, hidden] : layers) {
    std::size_t each = 0;
    if (__builtin_mul_overflow(states, hidden, &each) || __builtin_mul_overflow(each, batch, &each) ||
        each > kMostValues || (count += each) > kMostValues) {
      throw Error(Status::usage, "state: expected at most 2^40 values, found more");
    }
  }
  return count;
}

}  // namespace

State::State(std::vector<StateShape> layers, std::size_t batch) try
    : shapes_(std::move(layers)), batch_(batch), values_(values_of(shapes_, batch)) {
} catch (...) {
  rethrow_as_error("state");
}

State::State(std::size_t layers, std::size_t states, std::size_t batch, std::size_t hidden) try {
  std::size_t count = 0;  // where it is 0, so are the layers
  const bool none = layers == 0 || states == 0 || batch == 0 || hidden == 0;
  if (!none && (__builtin_mul_overflow(states, hidden, &count) || __builtin_mul_overflow(count, batch, &count) ||
                __builtin_mul_overflow(count, layers, &count) || count > kMostValues)) {
    throw Error(Status::usage, "state: expected at most 2^40 values, found more");
  }
  *this = State(std::vector<StateShape>(none ? 0 : layers, {states, hidden}), batch);
} catch (...) {
  rethrow_as_error("state");
}

void State::refuse_layer(std::size_t layer) const try {
  throw Error(Status::usage,
              "state: expected a layer below " + std::to_string(layers()) + ", found " + std::to_string(layer));
} catch (...) {
  rethrow_as_error("state");
}

std::size_t State::offset(std::size_t layer, std::size_t state) const {
  if (state >= shape(layer).states) {
    throw Error(Status::usage, "state: expected one below " + std::to_string(shapes_[layer].states) + " of layer " +
                                   std::to_string(layer) + ", found " + std::to_string(state));
  }
  std::size_t before = 0;
  for (std::size_t l = 0; l < layer; ++l) before += shapes_[l].states * shapes_[l].hidden;
  return (before + state * shapes_[layer].hidden) * batch_;
}

std::span<float> State::of(std::size_t layer, std::size_t state) {
  return std::span<float>(values_).subspan(offset(layer, state), batch_ * shapes_[layer].hidden);
}

std::span<const float> State::of(std::size_t layer, std::size_t state) const {
  return std::span<const float>(values_).subspan(offset(layer, state), batch_ * shapes_[layer].hidden);
}

void State::reset() noexcept { std::fill(values_.begin(), values_.end(), 0.f); }

bool State::finite() const noexcept { return all_finite(values_); }

std::vector<std::byte> State::to_bytes() const try {
  std::vector<std::byte> bytes;
  bytes.reserve(kShortest + 16 * shapes_.size() + values_.size() * sizeof(float));
  for (const char c : kMagic) bytes.push_back(static_cast<std::byte>(c));
  put(bytes, kVersion);
  put(bytes, std::uint32_t{0});
  put(bytes, model_);
  put(bytes, std::uint64_t{shapes_.size()});
  put(bytes, std::uint64_t{batch_});
  for (const auto& [states, hidden] : shapes_) {
    put(bytes, std::uint64_t{states});
    put(bytes, std::uint64_t{hidden});
  }
  for (const float value : values_) put(bytes, std::bit_cast<std::uint32_t>(value));
  put(bytes, fnv1a(std::span<const std::byte>(bytes)));
  return bytes;
} catch (...) {
  rethrow_as_error("state");
}

State State::from_bytes(std::span<const std::byte> bytes) try {
  check_start(bytes);
  const Header header = read_header(bytes);
  const std::size_t size = header.size + header.count * sizeof(float) + kChecksum;
  if (bytes.size() != size) {
    refuse(std::to_string(size) + " bytes for " + shape_text(header.shapes.size(), header.batch, ""),
           std::to_string(bytes.size()) + (bytes.size() < size ? " (it is truncated)" : ""));
  }
  const auto sum = get<std::uint64_t>(bytes, size - kChecksum);
  if (fnv1a(bytes.first(size - kChecksum)) != sum) refuse("bytes that add up to its checksum", "damaged ones");
  State state(header.shapes, static_cast<std::size_t>(header.batch));
  state.model_ = header.model;
  for (std::size_t i = 0; i < header.count; ++i) {
    state.values_[i] = std::bit_cast<float>(get<std::uint32_t>(bytes, header.size + i * sizeof(float)));
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

namespace {

// Calls f(first value of a stream in `state`, how many) for every layer and state.
template <class StateType, class F>
void for_each_row(StateType& state, std::size_t stream, F&& f) noexcept {
  std::size_t at = 0;
  for (std::size_t l = 0; l < state.layers(); ++l) {
    const std::size_t hidden = state.shape(l).hidden;
    for (std::size_t s = 0; s < state.shape(l).states; ++s, at += state.batch() * hidden) {
      f(state.values().data() + at + stream * hidden, hidden);
    }
  }
}

}  // namespace

void copy_stream(const State& from, std::size_t stream, State& to, std::size_t place) noexcept {
  std::size_t at = 0;
  for_each_row(from, stream, [&](const float* row, std::size_t hidden) {
    std::copy_n(row, hidden, to.values().data() + at + place * hidden);
    at += to.batch() * hidden;
  });
}

bool finite_stream(const State& state, std::size_t stream) noexcept {
  bool finite = true;
  for_each_row(state, stream, [&](const float* row, std::size_t hidden) {
    finite = finite && all_finite(std::span<const float>(row, hidden));
  });
  return finite;
}

void clear_stream(State& state, std::size_t stream) noexcept {
  for_each_row(state, stream, [](float* row, std::size_t hidden) { std::fill_n(row, hidden, 0.f); });
}

}  // namespace sluice
