// Every request for memory refused in turn, one alone and all from there on: an answer that says so each time, the same
// each time, nothing kept, no abort. And threads that cannot be made.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <numeric>
#include <string>
#include <vector>

#include "base/threads.h"
#include "formats/model_file.h"
#include "model/model_access.h"
#include "model/stream_samples.h"
#include "realtime/traps.h"
#include "sluice/c.h"
#include "sluice/sluice.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

Model small_model(const std::string& cell = "gru") {
  return Model({.cell = cell, .layers = 2, .hidden = 5}, Vocabulary({}, {"<unk>", "a", "b", "c", "d", "\n"}), 3);
}

Model numbers_model() { return Model({.cell = "lstm", .hidden = 4, .inputs = 2, .outputs = 3}, 5); }

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("sluice-memory-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ / name; }
  std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), {})); }

 private:
  fs::path path_;
};

// Runs `work` with each request refused in turn, by itself and with all after it; of many, some.
template <class Work, class Check>
void refuse_each(Work&& work, Check&& check, std::initializer_list<bool> all_after = {false, true}) {
  work();  // what is taken once and for all
  test::count_use(0, false);
  work();
  const test::MemoryUse whole = test::stop_counting();
  EXPECT_EQ(whole.kept, 0) << "without a refusal";
  ASSERT_GT(whole.asked, 0u);
  for (const bool forever : all_after) {
    for (std::uint64_t n = 1; n <= whole.asked; n += 1 + n / 300) {
      test::count_use(n, forever);
      work();
      const test::MemoryUse use = test::stop_counting();
      if (use.refused == 0) {
        // A training writes a checkpoint more or less, by the clock: this time it was done before request n.
        ASSERT_LT(use.asked, n);
        ASSERT_GT(n, whole.asked / 2);
        break;
      }
      ASSERT_EQ(use.kept, 0) << "request " << n << " of " << whole.asked << (forever ? ", for ever" : "");
      check(n);
    }
  }
}

// ---- In C ----

// What the calls of one round came to, in memory that is there already.
struct Round {
  int failed = 0, wrong = 0;
  char first[600] = {};

  bool good(sluice_status status, const void* handle = nullptr) {
    if (status == SLUICE_OK) return true;
    ++failed;
    const bool right = status == SLUICE_FAILED && handle == nullptr && std::strstr(sluice_last_error(), "memory");
    if (!right && wrong++ == 0) std::snprintf(first, sizeof first, "%d: %s", status, sluice_last_error());
    return false;
  }
};

struct InC {
  std::string path;
  std::string bytes;
  bool from_file = false, text = true;
  Round round;
  std::array<float, 64> y;
  std::array<char, 4096> state;
  std::array<sluice_candidate, 3> top;

  void operator()() {
    round = {};
    sluice_model* model = nullptr;
    const sluice_status loaded = from_file ? sluice_model_load(path.c_str(), &model)
                                           : sluice_model_load_memory(bytes.data(), bytes.size(), &model);
    if (!round.good(loaded, model)) return;
    sluice_model_info info;
    round.good(sluice_model_inspect(model, &info, sizeof info));
    std::uint32_t token = 0;
    round.good(sluice_model_find_token(model, "a", 1, &token));
    use_stream(model);
    use_batch(model);
    round.good(sluice_model_set_precision(model, SLUICE_INT8));
    use_stream(model);
    sluice_model_free(model);
  }

  void use_stream(const sluice_model* model) {
    sluice_stream* stream = nullptr;
    if (!round.good(sluice_stream_new(model, &stream), stream)) return;
    std::size_t count = 0;
    if (text) {
      const std::uint32_t tokens[] = {1, 2, 3};
      round.good(sluice_stream_step(stream, 1));
      round.good(sluice_stream_feed(stream, tokens, 3));
      round.good(sluice_stream_feed_text(stream, "a c b\nd", 7, &count));
      round.good(sluice_stream_probabilities(stream, y.data(), y.size(), &count));
      round.good(sluice_stream_top(stream, top.data(), top.size(), &count));
    } else {
      const float x[] = {1, 2, 3, 4};
      round.good(sluice_stream_step_numbers(stream, x, 2));
      round.good(sluice_stream_feed_numbers(stream, x, 4, y.data(), 6));
      round.good(sluice_stream_output(stream, y.data(), y.size(), &count));
    }
    if (round.good(sluice_stream_save_state(stream, state.data(), state.size(), &count))) {
      round.good(sluice_stream_load_state(stream, state.data(), count));
    }
    round.good(sluice_stream_reset(stream));
    sluice_stream_free(stream);
  }

  void use_batch(const sluice_model* model) {
    sluice_batch* batch = nullptr;
    if (!round.good(sluice_batch_new(model, 3, &batch), batch)) return;
    std::size_t count = 0;
    if (text) {
      const std::uint32_t tokens[] = {1, 2, 3};
      round.good(sluice_batch_step(batch, tokens, 3));
    } else {
      const float x[6] = {};
      round.good(sluice_batch_step_numbers(batch, x, 6));
    }
    if (round.good(sluice_batch_save_state(batch, 1, state.data(), state.size(), &count))) {
      round.good(sluice_batch_load_state(batch, 2, state.data(), count));
    }
    sluice_batch_free(batch);
  }
};

TEST(OutOfMemory, InCEveryRefusedRequestIsAStatus) {
  const Folder folder;
  for (const bool text : {true, false}) {
    const Model model = text ? small_model() : numbers_model();
    save(model, folder / "model.safetensors", {.force = true});
    for (const bool from_file : {true, false}) {
      InC work = {folder / "model.safetensors", model_to_bytes(model), from_file, text, {}, {}, {}, {}};
      refuse_each(work, [&](std::uint64_t n) {
        EXPECT_EQ(work.round.wrong, 0) << n << ": " << work.round.first;
        EXPECT_GT(work.round.failed, 0) << n;
      });
    }
  }
}

// ---- In C++ ----

// Runs f and notes what it throws, which must be nothing but an OutOfMemory; lets go of it before it counts.
class Guarded {
 public:
  explicit Guarded(std::function<void()> f) : f_(std::move(f)) {}
  void operator()() {
    threw = false;
    other[0] = 0;
    try {
      f_();
    } catch (const OutOfMemory&) {
      threw = true;
    } catch (const std::exception& error) {
      std::snprintf(other, sizeof other, "%s", error.what());
    }
  }
  bool threw = false;
  char other[300] = {};

 private:
  std::function<void()> f_;
};

// Streams of the standard library swallow a lack of memory: what is read through them may be missing instead.
enum class Reads { nothing, the_system };

void expect_only_errors(const char* name, const std::function<void()>& f, Reads reads = Reads::nothing,
                        std::initializer_list<bool> all_after = {false, true}) {
  SCOPED_TRACE(name);
  Guarded guarded(f);
  refuse_each(
      guarded,
      [&](std::uint64_t n) {
        EXPECT_STREQ(guarded.other, "") << n;
        EXPECT_TRUE(guarded.threw || reads == Reads::the_system) << n;
      },
      all_after);
}

const char* const kText = "a b c d\nd c b a\na c a c\nb d b d\na b c d\nd c b a\na c a c\nb d b d\n";

TEST(OutOfMemory, ModelsThrowNothingElse) {
  const Folder folder;
  const Model model = small_model(), numbers = numbers_model();
  const std::string path = folder / "model.safetensors";
  const Vocabulary vocabulary = model.vocabulary();
  expect_only_errors("text", [&] { const Model fresh({.hidden = 5}, vocabulary); });
  expect_only_errors("numbers", [] { numbers_model(); });
  expect_only_errors("changed copy", [&] { Model(model).set_precision(Precision::bf16); });
  expect_only_errors("save", [&] { save(model, path, {.force = true}); });
  EXPECT_EQ(folder.files(), 1u) << "temporary files";
  expect_only_errors("load", [&] { load(path); });
  const std::vector<Token> tokens = {1, 2, 3, 4};
  const std::vector<float> x = {1, 2, 3, 4};
  expect_only_errors("trace", [&] { model.trace(tokens); });
  expect_only_errors("trace of numbers", [&] { numbers.trace(x); });
  expect_only_errors("score", [&] { model.score(tokens); });
}

TEST(OutOfMemory, StreamsThrowNothingElse) {
  const Model model = small_model();
  Stream fed(model);
  const State other(1, 1, 1, 1);
  expect_only_errors("stream", [&] { const Stream stream(model); });
  expect_only_errors("batch", [&] { const StreamBatch streams(model, 3); });
  expect_only_errors("text", [&] { fed.feed("a b c"); });
  expect_only_errors("top", [&] { fed.top(3); });
  expect_only_errors("sample", [&] { fed.sample({}, 0.5); });
  const StreamBatch streams(model, 2);
  expect_only_errors("state", [&] { streams.state(1); });
  const std::vector<std::byte> bytes = fed.state().to_bytes();
  expect_only_errors("bytes", [&] { fed.state().to_bytes(); });
  expect_only_errors("state from bytes", [&] { State::from_bytes(bytes); });
}

TEST(OutOfMemory, TextsThrowNothingElse) {
  const Model model = small_model();
  const Vocabulary& vocabulary = model.vocabulary();
  expect_only_errors("copy", [&] { const Vocabulary copy(vocabulary); });
  expect_only_errors("encode", [&] { vocabulary.encode("a b c"); });
  const std::vector<Token> tokens = {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3};
  expect_only_errors("decode", [&] { vocabulary.decode(tokens); });
  // How much memory there is.
  expect_only_errors(
      "corpus", [&] { Corpus::from_text(kText); }, Reads::the_system);
  expect_only_errors(
      "numbered", [&] { Corpus::from_text(kText, vocabulary); }, Reads::the_system);
}

TEST(OutOfMemory, TrainingThrowsNothingElseAndLeavesASafeModel) {
  const Folder folder;
  const Corpus corpus = Corpus::from_text(kText, small_model().vocabulary());
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const Model fresh = small_model();
    TrainOptions options = {.epochs = 1,
                            .batch = 2,
                            .steps = 4,
                            .precision = precision,
                            .ema_decay = 0.5,
                            .calibrate_temperature = true,
                            .validation_split = 0.3,
                            .threads = 1};
    const auto run = [&] {
      Model model = fresh;
      try {
        train(model, corpus, options);
      } catch (const OutOfMemory&) {
        // There may have been too little even for what the model computes with: then a stream says so.
        try {
          Stream(model).step(Token{1});
        } catch (const Error&) {
        }
        throw;
      }
    };
    expect_only_errors("train", run);
    // Too little for a checkpoint is a warning, and training goes on. One request at a time: after some 8,000
    // exceptions without any memory the C++ library's reserve for them, 72 kB, is in pieces too small for another.
    options.checkpoint = folder / "checkpoint";
    expect_only_errors("train with a checkpoint", run, Reads::the_system, {false});
    EXPECT_EQ(folder.files(), 1u) << "temporary files";
    options.checkpoint.clear();
  }
  expect_only_errors("evaluate", [&, model = small_model()] { evaluate(model, corpus, 1, 1); });
}

TEST(OutOfMemory, ExplanationsThrowNothingElse) {
  const Model model = small_model();
  ExplainOptions options;
  options.changes.replace = {{0, "b"}};
  options.changes.clamp = {{.gate = "reset", .value = 1}};
  const Explanation found = explain(model, "a b c", options);
  expect_only_errors("explain", [&] { explain(model, "a b c", options); });
  expect_only_errors("to_json", [&] { to_json(model, found, {}); });
}

TEST(OutOfMemory, UnitsThrowNothingElse) {
  const Model model = small_model();
  const UnitCorpus corpus = read_unit_corpus(model, "a b c a b c a b");
  expect_only_errors("read_unit_corpus", [&] { read_unit_corpus(model, "a b c a b c a b"); });
  expect_only_errors("UnitFinder",
                     [&] { UnitFinder(model, read_unit_corpus(model, "a b c a b c a b"), {.threads = 1}); });
  const UnitFinder finder(model, corpus, {.threads = 1});
  expect_only_errors("like", [&] { finder.like({.first = 1, .last = 2}); });
  expect_only_errors("extremes", [&] { finder.extremes({0, 0}, true, 3); });
  expect_only_errors("to_json of units", [&] { to_json(finder, UnitsJson()); });
}

// Sizes that are in range, and that the machine has not: nothing is computed before that is found out.
TEST(OutOfMemory, WhatIsTooLargeForTheMachineSaysSo) {
  const Vocabulary vocabulary({}, {"<unk>", "a"});
  const Model model({.hidden = 64, .embedding = 1}, vocabulary);
  test::refuse_larger(std::size_t{1} << 30);
  EXPECT_THROW(Model({.cell = "gru", .hidden = 32768}, vocabulary), OutOfMemory);
  EXPECT_THROW(StreamBatch(model, std::size_t{1} << 24), OutOfMemory);
  EXPECT_THROW(State(std::size_t{1} << 38, 1, 1, 1), OutOfMemory);
  EXPECT_THROW(model.initial_state(std::size_t{1} << 30), OutOfMemory);
  test::refuse_larger(~std::size_t{0});
}

// ---- Threads ----

TEST(TooFewThreads, ATeamDoesWithThoseThereAre) {
  for (const int most : {0, 1, 2}) {
    test::allow_threads(most);
    Team team(5);
    test::allow_threads(-1);
    ASSERT_EQ(team.size(), static_cast<std::size_t>(most) + 1);
    std::vector<int> done(100);
    for (int round = 0; round < 20; ++round) {
      team.split(done.size(), 1, [&](std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last; ++i) ++done[i];
      });
    }
    EXPECT_EQ(done, std::vector<int>(100, 20));
  }
}

TEST(TooFewThreads, TrainingGoesOnAndSaysHowMany) {
  const Corpus corpus = Corpus::from_text(kText, small_model().vocabulary());
  const TrainOptions options = {.epochs = 2, .batch = 2, .steps = 4, .validation_split = 0, .threads = 4};
  Model plenty = small_model(), few = small_model();
  EXPECT_EQ(train(plenty, corpus, options).threads, 4u);
  std::size_t reported = 0;
  test::allow_threads(1);
  const TrainResult result = train(few, corpus, options, [&](const Report& r) {
    reported = r.threads;
    return true;
  });
  test::allow_threads(0);
  const Evaluation evaluation = evaluate(few, corpus, 2, 4);
  test::allow_threads(-1);
  EXPECT_EQ(result.threads, 2u);
  EXPECT_EQ(reported, 2u);
  EXPECT_EQ(evaluation.threads, 1u);
  EXPECT_TRUE(test::same_bits(network_of(plenty).parameters().all(), network_of(few).parameters().all()));
}

}  // namespace
}  // namespace sluice
