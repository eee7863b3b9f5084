// Points of a run as files: everything comes back, and nothing else is accepted.
#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/file.h"
#include "base/random.h"
#include "base/safetensors.h"
#include "files.h"
#include "train/options.h"

namespace sluice::checkpoint_test {
namespace {

namespace fs = std::filesystem;
using test::text_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~CheckpointTest() override { fs::remove_all(folder_); }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("checkpoint_test_" + std::to_string(::getpid()));
  const std::string path_ = (folder_ / "c.safetensors").string();
};

void fill(Parameters& parameters, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    for (float& value : parameters[i]) value = static_cast<float>(random.normal());
  }
}

Point empty_point() {
  Point point;
  point.weights = Parameters({{"embedding.weight", 5, 3}, {"head.bias", 5, 1}});
  point.moments = {point.weights.zeros_like(), point.weights.zeros_like()};
  point.state = State(1, 2, 2, 3);
  return point;
}

Point some_point(bool with_best = true) {
  Point point = empty_point();
  fill(point.weights, 1);
  fill(point.moments[0], 2);
  fill(point.moments[1], 3);
  Random random(4);
  for (float& value : point.state.values()) value = static_cast<float>(random.normal());
  std::uint64_t n = 1;
  visit_progress(point.progress, [&](const char*, auto& value) {
    using Value = std::remove_reference_t<decltype(value)>;
    value = static_cast<Value>(static_cast<double>(n++) / (std::is_floating_point_v<Value> ? 3 : 1));
  });
  if (with_best) {
    Parameters best = point.weights.zeros_like();
    fill(best, 5);
    point.best = std::make_shared<const Parameters>(std::move(best));
  } else {
    point.progress.validations.best = std::numeric_limits<double>::infinity();
  }
  return point;
}

void expect_same(const Parameters& a, const Parameters& b) {
  ASSERT_EQ(a.all().size(), b.all().size());
  EXPECT_EQ(std::memcmp(a.all().data(), b.all().data(), a.all().size_bytes()), 0);
}

const Fingerprint kRun = {{"batch", "2"}, {"hidden", "3"}};

std::string refusal(const std::string& path, const Fingerprint& run) {
  Point point = empty_point();
  try {
    read_checkpoint(path, run, point);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::bad_file);
    EXPECT_THAT(error.what(), HasSubstr(path));
    return error.what();
  }
  ADD_FAILURE() << "was read";
  return {};
}

TEST_F(CheckpointTest, BringsEverythingBack) {
  for (const bool with_best : {true, false}) {
    const Point written = some_point(with_best);
    write_checkpoint(path_, written, kRun);
    Point read = empty_point();
    read_checkpoint(path_, kRun, read);
    std::vector<double> expected, found;
    visit_progress(written.progress, [&](const char*, auto v) { expected.push_back(static_cast<double>(v)); });
    visit_progress(read.progress, [&](const char*, auto v) { found.push_back(static_cast<double>(v)); });
    EXPECT_EQ(expected, found);
    expect_same(written.weights, read.weights);
    expect_same(written.moments[0], read.moments[0]);
    expect_same(written.moments[1], read.moments[1]);
    EXPECT_EQ(written.state, read.state);
    ASSERT_EQ(read.best != nullptr, with_best);
    if (with_best) expect_same(*written.best, *read.best);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "no temporary file stays";
}

// Every field is a number of 8 bytes, so one that is not in the list shows in the size.
TEST(ProgressTest, EveryFieldIsInTheList) {
  const Progress progress;
  std::size_t bytes = 0;
  visit_progress(progress, [&](const char*, auto value) { bytes += sizeof value; });
  EXPECT_EQ(bytes, sizeof(Progress));
}

TEST_F(CheckpointTest, RefusesFlippedBitsAndTruncations) {
  write_checkpoint(path_, some_point(), kRun);
  const std::string good = text_of(path_);
  Random random(6);
  for (std::size_t i = 0; i < good.size(); i += 11) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << random.below(8)));
    std::ofstream(path_, std::ios::binary) << bad;
    ASSERT_NE(refusal(path_, kRun), "") << "byte " << i;
  }
  for (std::size_t size = 0; size < good.size(); size += 61) {
    std::ofstream(path_, std::ios::binary) << good.substr(0, size);
    ASSERT_NE(refusal(path_, kRun), "") << size << " bytes";
  }
}

TEST_F(CheckpointTest, RefusesAnotherRunAndNamesTheDifference) {
  write_checkpoint(path_, some_point(), kRun);
  EXPECT_THAT(refusal(path_, {{"batch", "4"}, {"hidden", "3"}}), HasSubstr("batch = 2 (now 4)"));
  EXPECT_THAT(refusal(path_, {{"batch", "2"}}), HasSubstr("hidden = 3 (now none)"));
  EXPECT_THAT(refusal(path_, {{"batch", "2"}, {"hidden", "3"}, {"steps", "9"}}), HasSubstr("steps = none (now 9)"));
}

TEST_F(CheckpointTest, RefusesWhatIsNoCheckpoint) {
  EXPECT_NE(refusal((folder_ / "missing").string(), kRun), "");
  EXPECT_NE(refusal(folder_.string(), kRun), "");
  write_file(path_, format_safetensors(TensorFile{{{"cell", "gru"}}, {}}), true);
  EXPECT_THAT(refusal(path_, kRun), HasSubstr("expected a checkpoint"));
  write_file(path_, format_safetensors(TensorFile{{{"format", "sluice-checkpoint"}, {"version", "2"}}, {}}), true);
  EXPECT_THAT(refusal(path_, kRun), HasSubstr("version 1, found 2"));
}

TEST_F(CheckpointTest, RefusesOtherShapes) {
  write_checkpoint(path_, some_point(), kRun);
  Point point = empty_point();
  point.weights = Parameters({{"embedding.weight", 3, 5}, {"head.bias", 5, 1}});
  EXPECT_THROW(read_checkpoint(path_, kRun, point), Error);
  point = empty_point();
  point.state = State(1, 2, 4, 3);
  EXPECT_THROW(read_checkpoint(path_, kRun, point), Error);
}

TEST_F(CheckpointTest, RefusesAnotherArithmetic) {
  Fingerprint run = kRun;
  run["arithmetic"] = "fused multiply-add";
  write_checkpoint(path_, some_point(), run);
  Point point = empty_point();
  EXPECT_TRUE(read_checkpoint(path_, run, point));
  run["arithmetic"] = "multiply, then add";
  EXPECT_THAT(refusal(path_, run),
              AllOf(HasSubstr("arithmetic = fused multiply-add (now multiply, then add)"), HasSubstr("SLUICE_TARGET")));
  EXPECT_THAT(refusal(path_, {{"batch", "4"}}), Not(HasSubstr("SLUICE_TARGET")));
  write_checkpoint(path_, some_point(), kRun);
  EXPECT_FALSE(read_checkpoint(path_, run, point)) << "an older file does not say";
}

Corpus text(const std::string& bytes) { return Corpus::from_text(bytes, {.level = Level::character}); }

// The options have a test of their own, options_test.cc.
TEST(FingerprintTest, ChangesWithTheNetworkAndTheText) {
  const Corpus corpus = text("abcabcabd");
  const TrainOptions options;
  const Config config;
  const Fingerprint expected = fingerprint(options, config, corpus, nullptr);
  const std::pair<const char*, std::function<void(Config&)>> changes[] = {
      {"hidden", [](Config& c) { c.hidden = 3; }},
      {"cell", [](Config& c) { c.cell = "rnn"; }},
      {"dropout", [](Config& c) { c.dropout = 0.5; }},
      {"tied", [](Config& c) { c.tied = true; }},
  };
  for (const auto& [name, change] : changes) {
    Config c = config;
    change(c);
    const Fingerprint found = fingerprint(options, c, corpus, nullptr);
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_NE(found.at(name), expected.at(name)) << name;
  }
  EXPECT_NE(fingerprint(options, config, text("abcabcadb"), nullptr).at("text"), expected.at("text"));
  EXPECT_NE(fingerprint(options, config, text("xbcxbcxbd"), nullptr).at("vocabulary"), expected.at("vocabulary"));
  EXPECT_NE(fingerprint(options, config, corpus, &corpus).at("validation-text"), expected.at("validation-text"));
}

// An option may be younger than a file, and a name may be younger than an option.
TEST_F(CheckpointTest, OfBeforeAnOptionOrItsNameIsRead) {
  const Corpus corpus = text("abcabcabd");
  TrainOptions options;
  options.validation_split = 0.3;
  Fingerprint run = fingerprint(options, Config(), corpus, nullptr);
  Fingerprint older = run;
  older.erase("warmup");
  older.erase("validation-split");
  visit_training(options, [&](const Field& field, const auto&, Effect) {
    if (*field.former == 0) return;
    if (auto renamed = older.extract(field.name)) {
      renamed.key() = field.former;
      older.insert(std::move(renamed));
    }
  });
  write_checkpoint(path_, some_point(), older);
  Point point = empty_point();
  EXPECT_NO_THROW(read_checkpoint(path_, run, point));

  options.warmup = 3;
  options.clip_norm = 0.25;
  options.learning_rate = 0.5;
  run = fingerprint(options, Config(), corpus, nullptr);
  for (const char* difference :
       {"warmup = none (now 3)", "clip-norm = 1 (now 0.25)", "learning-rate = 0.002 (now 0.5)"}) {
    EXPECT_THAT(refusal(path_, run), HasSubstr(difference));
  }
}

}  // namespace
}  // namespace sluice::checkpoint_test
