// The same contract of the functions that sluice/c.h marks real-time, also where they refuse.
#include <gtest/gtest.h>

#include <array>

#include "formats/model_file.h"
#include "model/stream_samples.h"
#include "realtime/traps.h"
#include "sluice/c.h"

namespace sluice {
namespace {

constexpr std::size_t kStreams = 3, kInputs = 2, kOutputs = 5;

// Handles on one model, and everything that its functions read and write.
struct Handles {
  sluice_model* model = nullptr;
  sluice_stream *stream = nullptr, *other = nullptr;
  sluice_batch* batch = nullptr;
  std::array<std::uint32_t, kStreams> tokens = {1, 2, 3};
  std::array<float, kStreams* kInputs> x = {0.5f, -0.25f, 1, 0, 1e-40f, 3e38f};
  std::array<float, kStreams* kOutputs> y = {};
  std::array<sluice_candidate, 2> top = {};
  std::size_t count = 0;
  int finite = 0;

  explicit Handles(bool text) {
    const std::string bytes =
        model_to_bytes(test::random_model(test::every_cell().front(), text, {2, 9, kInputs, kOutputs}, 1));
    EXPECT_EQ(sluice_model_load_memory(bytes.data(), bytes.size(), &model), SLUICE_OK) << sluice_last_error();
    EXPECT_EQ(sluice_stream_new(model, &stream), SLUICE_OK);
    EXPECT_EQ(sluice_stream_new(model, &other), SLUICE_OK);
    EXPECT_EQ(sluice_batch_new(model, kStreams, &batch), SLUICE_OK);
  }
  ~Handles() {
    sluice_batch_free(batch);
    sluice_stream_free(other);
    sluice_stream_free(stream);
    sluice_model_free(model);
  }
};

// How many of them answered SLUICE_OK.
int use_all(Handles& h) {
  return (sluice_stream_step(h.stream, 1) == SLUICE_OK) +
         (sluice_stream_feed(h.stream, h.tokens.data(), 3) == SLUICE_OK) +
         (sluice_stream_probabilities(h.stream, h.y.data(), kOutputs, &h.count) == SLUICE_OK) +
         (sluice_stream_top(h.stream, h.top.data(), 2, &h.count) == SLUICE_OK) +
         (sluice_stream_finite(h.stream, &h.finite) == SLUICE_OK) +
         (sluice_batch_finite(h.batch, 1, &h.finite) == SLUICE_OK) +
         (sluice_batch_step(h.batch, h.tokens.data(), kStreams) == SLUICE_OK) +
         (sluice_batch_probabilities(h.batch, 1, h.y.data(), kOutputs, &h.count) == SLUICE_OK) +
         (sluice_batch_top(h.batch, 1, h.top.data(), 2, &h.count) == SLUICE_OK) +
         (sluice_stream_step_numbers(h.stream, h.x.data(), kInputs) == SLUICE_OK) +
         (sluice_stream_feed_numbers(h.stream, h.x.data(), 3 * kInputs, h.y.data(), 3 * kOutputs) == SLUICE_OK) +
         (sluice_stream_output(h.stream, h.y.data(), kOutputs, &h.count) == SLUICE_OK) +
         (sluice_batch_step_numbers(h.batch, h.x.data(), kStreams * kInputs) == SLUICE_OK) +
         (sluice_batch_output(h.batch, 1, h.y.data(), kOutputs, &h.count) == SLUICE_OK) +
         (sluice_batch_reset(h.batch, 1) == SLUICE_OK) + (sluice_stream_copy_state(h.other, h.stream) == SLUICE_OK) +
         (sluice_stream_reset(h.stream) == SLUICE_OK);
}

TEST(RealTimeInC, NoMemoryIsTakenAndNoLock) {
  for (const bool text : {true, false}) {
    Handles handles(text);
    // What is for the other kind of model is refused, in as little time.
    const int expected = text ? 7 + 5 : 5 + 5;
    int wrong = 0;
    test::arm_traps();
    for (int i = 0; i < 100; ++i) wrong += use_all(handles) != expected;
    const test::Trapped trapped = test::disarm_traps();
    EXPECT_EQ(wrong, 0) << sluice_last_error();
    EXPECT_EQ(trapped.memory, 0u);
    EXPECT_EQ(trapped.locks, 0u);
  }
}

}  // namespace
}  // namespace sluice
