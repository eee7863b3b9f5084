// The state as bytes: back to the same bits, and every way of being wrong named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/fnv.h"
#include "errors.h"
#include "sluice/model.h"
#include "sluice/stream.h"

namespace sluice::state_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Bytes = std::vector<std::byte>;

State example() {
  State state(2, 2, 3, 5);
  float value = -1;
  for (float& v : state.values()) v = value += 0.37f;
  return state;
}

// Bytes whose checksum fits again after a change.
Bytes summed(Bytes bytes) {
  const std::uint64_t sum = fnv1a(std::span<const std::byte>(bytes).first(bytes.size() - 8));
  for (std::size_t i = 0; i < 8; ++i) bytes[bytes.size() - 8 + i] = static_cast<std::byte>(sum >> (8 * i) & 0xff);
  return bytes;
}

std::string refusal(const Bytes& bytes) {
  const std::string message = test::error_of(Status::bad_file, [&] { State::from_bytes(bytes); });
  EXPECT_THAT(message, AllOf(HasSubstr("state: expected "), HasSubstr(", found ")));
  return message;
}

TEST(State, OfTooManyValuesIsRefused) {
  constexpr std::size_t k32 = std::size_t{1} << 32, k40 = std::size_t{1} << 40;
  for (const auto& sizes : {std::pair(k32, k32), {k40, k40}, {k40, std::size_t{2}}, {~std::size_t{0}, k32}}) {
    const std::size_t layers = sizes.first, states = sizes.second;
    EXPECT_THAT(test::error_of(Status::usage, [&] { State(layers, states, 1, 1); }), HasSubstr("2^40 values"));
    EXPECT_THAT(test::error_of(Status::usage, [&] { State(1, 1, layers, states); }), HasSubstr("2^40 values"));
  }
  EXPECT_EQ(State(k40, k40, 0, 1).values().size(), 0u);
}

TEST(State, LayersAndStatesThatAreNotThereAreRefused) {
  State state({{1, 2}, {2, 1}}, 3);
  const State& same = state;
  EXPECT_EQ(state.of(1, 1).size(), 3u);
  for (const std::size_t layer : {std::size_t{2}, ~std::size_t{0}}) {
    EXPECT_THAT(test::error_of(Status::usage, [&] { (void)state.shape(layer); }), HasSubstr("a layer below 2, found"));
    EXPECT_THAT(test::error_of(Status::usage, [&] { state.of(layer, 0); }), HasSubstr("a layer below 2, found"));
    EXPECT_THAT(test::error_of(Status::usage, [&] { same.of(layer, 0); }), HasSubstr("a layer below 2, found"));
  }
  for (const std::size_t one : {std::size_t{1}, ~std::size_t{0}}) {
    EXPECT_THAT(test::error_of(Status::usage, [&] { state.of(0, one); }), HasSubstr("one below 1 of layer 0, found"));
    EXPECT_THAT(test::error_of(Status::usage, [&] { same.of(0, one); }), HasSubstr("one below 1 of layer 0, found"));
  }
  EXPECT_THAT(test::error_of(Status::usage, [&] { (void)State().shape(0); }), HasSubstr("below 0, found 0"));
}

TEST(State, KnowsWhetherItIsFinite) {
  State state = example();
  EXPECT_TRUE(state.finite());
  EXPECT_TRUE(State().finite());
  for (const float bad : {std::nanf(""), -std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    for (float& value : state.values()) {
      const float before = std::exchange(value, bad);
      ASSERT_FALSE(state.finite()) << bad;
      value = before;
    }
  }
  for (const float good : {-0.f, 1e-45f, std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest()}) {
    state.values().back() = good;
    EXPECT_TRUE(state.finite()) << good;
  }
}

TEST(StateBytes, ComeBackBitForBit) {
  State state = example();
  const float odd[] = {-0.f, std::numeric_limits<float>::infinity(), std::bit_cast<float>(0x7fc01234u), 1e-45f};
  std::copy(std::begin(odd), std::end(odd), state.values().begin());
  const State back = State::from_bytes(state.to_bytes());
  ASSERT_TRUE(back.same_shape(state));
  EXPECT_EQ(std::memcmp(back.values().data(), state.values().data(), state.values().size_bytes()), 0);
  EXPECT_EQ(State::from_bytes(State().to_bytes()), State());
}

// What another model remembers means nothing to this one, and features that are scaled otherwise make it another.
TEST(State, OfAModelThatScalesFeaturesOtherwiseIsRefused) {
  const auto model_with = [](const ScalingConfig& scaling) {
    return Model({.cell = "gru", .hidden = 2, .inputs = 1, .outputs = 1, .scaling = scaling}, 5);
  };
  const ScalingConfig scalings[] = {{}, {{3}, {2}}, {{2}, {2}}, {{3}, {1}}, {{0}, {1}}};
  for (const ScalingConfig& one : scalings) {
    Stream stream(model_with(one));
    for (const ScalingConfig& other : scalings) {
      const State state = State::from_bytes(model_with(other).initial_state().to_bytes());
      if (one == other) {
        EXPECT_NO_THROW(stream.set_state(state));
      } else {
        EXPECT_THAT(test::error_of(Status::usage, [&] { stream.set_state(state); }), HasSubstr("of this model"));
      }
    }
    // The fingerprint of all of them before it covered the scaling.
    State former = model_with({{7}, {8}}).initial_state();
    former.set_model(0xf7b5d0c97f5aafa2u);
    EXPECT_NO_THROW(stream.set_state(State::from_bytes(former.to_bytes())));
    StreamBatch batch(model_with(one), 2);
    EXPECT_NO_THROW(batch.set_state(1, former));
  }
}

// Byte by byte, so that a machine of another byte order, or a reader in another language, finds the same.
TEST(StateBytes, AreWhatTheHeaderSays) {
  State state({{1, 2}, {2, 1}}, 1);
  const float values[] = {1, -2.5f, 0, 2};
  std::ranges::copy(values, state.values().begin());
  state.set_model(0x0102030405060708u);
  const Bytes bytes = state.to_bytes();
  const unsigned char expected[] = {
      'S', 'L', 'U',  'I',  'C', 'E', 'S',  'T',  2, 0, 0, 0, 0, 0, 0, 0,  // version
      8,   7,   6,    5,    4,   3,   2,    1,                             // model
      2,   0,   0,    0,    0,   0,   0,    0,    1, 0, 0, 0, 0, 0, 0, 0,  // layers, batch
      1,   0,   0,    0,    0,   0,   0,    0,    2, 0, 0, 0, 0, 0, 0, 0,  // states, hidden
      2,   0,   0,    0,    0,   0,   0,    0,    1, 0, 0, 0, 0, 0, 0, 0,
      0,   0,   0x80, 0x3f, 0,   0,   0x20, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0x40};
  ASSERT_EQ(bytes.size(), sizeof expected + 8);
  EXPECT_EQ(std::memcmp(bytes.data(), expected, sizeof expected), 0);
  EXPECT_EQ(summed(bytes), bytes);
  const State back = State::from_bytes(bytes);
  EXPECT_EQ(back, state);
  EXPECT_EQ(back.model(), state.model());
  EXPECT_EQ(back.of(1, 1)[0], 2);
}

// Version 1, which all commits up to f39ebe3 wrote: layers that are alike, and no model.
TEST(StateBytes, ThoseOfVersion1AreRead) {
  const unsigned char old[] = {'S', 'L', 'U', 'I', 'C', 'E', 'S', 'T', 1, 0, 0, 0, 0,    0,    0, 0, 1,    0,   0,
                               0,   0,   0,   0,   0,   1,   0,   0,   0, 0, 0, 0, 0,    1,    0, 0, 0,    0,   0,
                               0,   0,   2,   0,   0,   0,   0,   0,   0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0};
  Bytes bytes(sizeof old + 8);
  std::memcpy(bytes.data(), old, sizeof old);
  const State state = State::from_bytes(summed(bytes));
  EXPECT_EQ(state.model(), 0u);
  State expected(1, 1, 1, 2);
  expected.values()[0] = 1;
  expected.values()[1] = -2.5f;
  EXPECT_EQ(state, expected);
}

TEST(StateBytes, EveryTruncationIsNamed) {
  const Bytes bytes = example().to_bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THAT(refusal(part), AllOf(HasSubstr("truncated"), HasSubstr(std::to_string(size)))) << size;
  }
  Bytes longer = bytes;
  longer.emplace_back();
  EXPECT_THAT(refusal(longer), HasSubstr(std::to_string(bytes.size())));
}

TEST(StateBytes, EveryChangedByteIsNoticed) {
  const Bytes bytes = example().to_bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const unsigned flip : {1u, 0x80u, 0xffu}) {
      Bytes changed = bytes;
      changed[i] ^= static_cast<std::byte>(flip);
      EXPECT_NE(refusal(changed), "") << i;
    }
  }
}

TEST(StateBytes, WhatIsWrongIsNamed) {
  const Bytes bytes = example().to_bytes();
  const auto with = [&bytes](std::size_t at, unsigned value) {
    Bytes changed = bytes;
    changed[at] = static_cast<std::byte>(value);
    return changed;
  };
  EXPECT_THAT(refusal(with(0, 'X')), HasSubstr("SLUICEST"));
  EXPECT_THAT(refusal(summed(with(8, 3))), HasSubstr("newer version 3"));
  EXPECT_THAT(refusal(summed(with(8, 0))), HasSubstr("version"));
  EXPECT_THAT(refusal(with(bytes.size() - 12, 9)), HasSubstr("checksum"));
  EXPECT_NE(refusal(summed(with(24, 3))), "") << "another number of layers";
  for (const std::size_t extent : {24u, 32u, 40u, 48u}) {
    EXPECT_THAT(refusal(summed(with(extent, 0))), HasSubstr("shape"));
    EXPECT_THAT(refusal(summed(with(extent + 7, 0x80))), HasSubstr("shape")) << "an extent of 2^63 and more";
    EXPECT_NE(refusal(summed(with(extent + 3, 0xff))), "") << "memory is not taken for what is not there";
  }
}

TEST(State, OfSizesThatWrapIsRefused) {
  const std::size_t large = std::size_t{1} << 32;
  EXPECT_THROW(State(large, large, 1, 1), Error);
  EXPECT_THROW(State(1, 1, large, large), Error);
  EXPECT_THROW(State(std::vector<StateShape>{{large, large}}, 1), Error);
}

}  // namespace
}  // namespace sluice::state_test
