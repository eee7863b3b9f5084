// The real-time contract of sluice/stream.h, held to by traps: a program of its own, because the traps are in the place
// of malloc and of the locks. For every cell and both kinds of model, and for any input, NaN and infinities among them.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <mutex>

#include "model/stream_samples.h"
#include "realtime/traps.h"
#include "sluice/stream.h"

namespace sluice {
namespace {

static_assert(noexcept(std::declval<Stream&>().step(Token{})));
static_assert(noexcept(std::declval<Stream&>().step(std::span<const float>())));
static_assert(noexcept(std::declval<Stream&>().feed(std::span<const Token>())));
static_assert(noexcept(std::declval<Stream&>().feed(std::span<const float>(), std::span<float>())));
static_assert(noexcept(std::declval<Stream&>().begin()));
static_assert(noexcept(std::declval<Stream&>().reset()));
static_assert(noexcept(std::declval<StreamBatch&>().step(std::span<const Token>())));
static_assert(noexcept(std::declval<StreamBatch&>().step(std::span<const float>())));
static_assert(noexcept(std::declval<const StreamBatch&>().copy_state(0, std::declval<State&>())));
static_assert(noexcept(std::declval<const Stream&>().copy_state(std::declval<State&>())));
static_assert(noexcept(std::declval<const Stream&>().finite()));
static_assert(noexcept(std::declval<const StreamBatch&>().finite(0)));
static_assert(noexcept(std::declval<const State&>().finite()));

constexpr std::size_t kStreams = 3, kInputs = 2, kOutputs = 5, kLong = 40;

// Streams on one model with everything that they will read, made before the traps are set.
class Player {
 public:
  Player(const test::CellName& cell, bool text, Precision precision = Precision::f32)
      : model_(of_precision(test::random_model(cell, text, {2, 9, kInputs, kOutputs}, 1), precision)),
        stream_(model_),
        batch_(model_, kStreams),
        kept_(model_.initial_state()) {
    Random random(2);
    for (Token& token : tokens_) token = static_cast<Token>(random.below(kOutputs));
    for (float& v : x_) v = static_cast<float>(2 * random.uniform() - 1);
    x_[5] = std::nanf("");
    x_[9] = HUGE_VALF;
    x_[13] = -HUGE_VALF;
    x_[17] = 1e-40f;
    x_[21] = 3e38f;
  }

  // One step of one stream, and every so often a new beginning, for a NaN stays for good.
  bool step(std::size_t i) noexcept {
    if (i % 64 == 0) stream_.reset();
    if (model_.reads_text()) return stream_.step(tokens_[i % kLong]);
    return stream_.step(std::span<const float>(x_).subspan(i % kLong * kInputs, kInputs));
  }
  bool step_batch(std::size_t i) noexcept {
    if (i % 64 == 0) batch_.reset();
    const std::size_t at = i % (kLong - kStreams);
    if (model_.reads_text()) return batch_.step(std::span<const Token>(tokens_).subspan(at, kStreams));
    return batch_.step(std::span<const float>(x_).subspan(at * kInputs, kStreams * kInputs));
  }
  // Everything else that is marked real-time.
  bool all_else() noexcept {
    bool good = model_.reads_text() ? stream_.feed(tokens_) : stream_.feed(x_, y_);
    good = good && !stream_.step(Token{kOutputs}) && !stream_.step(std::span<const float>(x_).first(1));
    good = good && stream_.begin() == model_.reads_text();
    good = good && batch_.copy_state(1, kept_) && stream_.copy_state(kept_);
    good = good && (kept_.finite() || !stream_.finite()) && !batch_.finite(kStreams);
    stream_.set_state(kept_);
    batch_.set_state(2, stream_.state());
    batch_.reset(0);
    sum_ += model_.reads_text() ? stream_.probabilities()[1] + batch_.probabilities(2)[1]
                                : stream_.output()[1] + batch_.output(2)[1];
    return good;
  }

 private:
  static Model of_precision(Model model, Precision precision) {
    model.set_precision(precision);
    return model;
  }

  const Model model_;
  Stream stream_;
  StreamBatch batch_;
  State kept_;
  std::array<Token, kLong> tokens_;
  std::array<float, kLong * kInputs> x_;
  std::array<float, kLong * kOutputs> y_;
  float sum_ = 0;
};

class RealTime : public test::EveryCell {};

TEST_P(RealTime, NoMemoryIsTakenAndNoLock) {
  for (const bool text : {true, false}) {
    for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8}) {
      Player player(GetParam(), text, precision);
      bool good = true;
      test::arm_traps();
      for (std::size_t i = 0; i < 500; ++i) good = player.step(i) && player.step_batch(i) && player.all_else() && good;
      const test::Trapped trapped = test::disarm_traps();
      EXPECT_TRUE(good);
      EXPECT_EQ(trapped.memory, 0u);
      EXPECT_EQ(trapped.locks, 0u);
    }
  }
}

constexpr int kRefused = 77, kWrong = 78;

// What became of a child in which system calls kill: `body` runs after they are forbidden.
template <class Body>
int in_silence(Body&& body) {
  const pid_t child = fork();
  if (child == 0) {
    if (!test::forbid_system_calls()) _exit(kRefused);
    _exit(body() ? 0 : kWrong);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

bool refused(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == kRefused; }

TEST_P(RealTime, AMillionStepsMakeNoSystemCall) {
  for (const bool text : {true, false}) {
    Player player(GetParam(), text);
    const int status = in_silence([&player]() noexcept {
      bool good = true;
      for (std::size_t i = 0; i < 1000000; ++i) good = player.step(i) && good;
      for (std::size_t i = 0; i < 100000; ++i) good = player.step_batch(i) && good;
      for (std::size_t i = 0; i < 1000; ++i) good = player.all_else() && good;
      return good;
    });
    if (refused(status)) GTEST_SKIP() << "this system does not let a process forbid itself system calls";
    ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, RealTime, testing::ValuesIn(test::every_cell()), test::label);

// A trap that cannot spring proves nothing.
TEST(Traps, Spring) {
  std::mutex mutex;
  const Model model = test::random_model({"gru", "tanh"}, true, {}, 1);
  test::arm_traps();
  { const std::vector<int> v(3); }
  const test::Trapped memory = test::disarm_traps();
  EXPECT_GE(memory.memory, 2u);
  EXPECT_EQ(memory.locks, 0u);
  test::arm_traps();
  { const std::lock_guard<std::mutex> lock(mutex); }
  EXPECT_EQ(test::disarm_traps().locks, 2u);
  test::arm_traps();
  { const Stream stream(model); }
  EXPECT_GT(test::disarm_traps().memory, 0u) << "making a stream is not real-time";

  const int status = in_silence([] { return getppid() > 0; });
  if (refused(status)) GTEST_SKIP() << "this system does not let a process forbid itself system calls";
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

}  // namespace
}  // namespace sluice
