// Denormal numbers in a stream: zero while it runs, so that they cost nothing, and the caller's mode is as it was.
#include <gtest/gtest.h>

#include <cmath>

#include "base/threads.h"
#include "model/model_access.h"
#include "model/stream_samples.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::denormal_test {
namespace {

class Denormals : public test::EveryCell {
 protected:
  // Without biases what is denormal stays so: h' is about U h, c' about f c.
  Model without_biases(bool text) const {
    Model model = test::random_model(GetParam(), text, {2, 17, 3, 40}, 1);
    Parameters& p = network_of(model).parameters();
    for (std::size_t i = 0; i < p.shapes().size(); ++i) {
      const std::string& name = p.shapes()[i].name;
      if (name.find("bias") != std::string::npos || name == "embedding.weight") std::ranges::fill(p[i], 0.f);
    }
    Team team(1);
    network_of(model).pack(team);
    return model;
  }
};

bool has_denormal(std::span<const float> values) {
  return std::ranges::any_of(values, [](float v) { return std::fpclassify(v) == FP_SUBNORMAL; });
}

TEST_P(Denormals, AreZeroWhileAStreamRuns) {
  for (const bool text : {true, false}) {
    const Model model = without_biases(text);
    Stream stream(model), zeros(model);
    State state = model.initial_state();
    std::ranges::fill(state.values(), 3e-39f);
    ASSERT_TRUE(has_denormal(state.values()));
    stream.set_state(state);
    const std::vector<float> tiny(3, -4e-39f), nothing(3, 0.f);
    for (int t = 0; t < 3; ++t) {
      ASSERT_TRUE(text ? stream.step(Token{1}) : stream.step(tiny));
      ASSERT_TRUE(text ? zeros.step(Token{1}) : zeros.step(nothing));
      EXPECT_FALSE(has_denormal(stream.state().values()));
      EXPECT_FALSE(has_denormal(test::answer(model, stream)));
      for (std::size_t i = 0; i < state.values().size(); ++i) {
        EXPECT_EQ(stream.state().values()[i], zeros.state().values()[i]);
      }
    }
  }
}

// 39 tokens share a probability of almost 1, and one has e^-85 of a share of it, which is denormal.
TEST_P(Denormals, AProbabilityIsNone) {
  Model model = without_biases(true);
  Parameters& p = network_of(model).parameters();
  p[p.shapes().size() - 1][7] = -85;
  Team team(1);
  network_of(model).pack(team);
  Stream stream(model);
  stream.step(Token{1});
  EXPECT_EQ(std::fpclassify(stream.probabilities()[7]), FP_ZERO);
  EXPECT_NEAR(stream.probabilities()[6], 1.0 / 39, 1e-6);
}

// In the caller's mode, whichever that is, and with the flags that it had.
TEST_P(Denormals, TheCallersModeComesBack) {
#if defined(__x86_64__)
  const Model text = without_biases(true), numbers = without_biases(false);
  Stream words(text), rows(numbers);
  StreamBatch batch(numbers, 2);
  const std::vector<float> x(6, 1e-39f);
  const unsigned usual = _mm_getcsr();
  for (const unsigned mode : {usual & ~0x8040u, usual | 0x8000u, usual | 0x0040u, usual | 0x8040u}) {
    _mm_setcsr(mode);
    words.step(Token{1});
    const unsigned after_token = _mm_getcsr();
    rows.step(std::span(x).first(3));
    const unsigned after_row = _mm_getcsr();
    batch.step(x);
    const unsigned after_batch = _mm_getcsr();
    _mm_setcsr(usual);
    EXPECT_EQ(after_token, mode);
    EXPECT_EQ(after_row, mode);
    EXPECT_EQ(after_batch, mode);
  }
#else
  volatile float tiny = 1e-38f;
  const Model numbers = without_biases(false);
  Stream rows(numbers);
  rows.step(std::vector<float>(3, 1e-39f));
  EXPECT_GT(tiny / 16, 0.f);
#endif
}

INSTANTIATE_TEST_SUITE_P(Cells, Denormals, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice::denormal_test
