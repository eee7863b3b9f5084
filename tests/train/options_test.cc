// The list of training options: every member is in it, and it says rightly which of them make another run.
#include "train/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>

#include "errors.h"
#include "files.h"
#include "train/training.h"

namespace sluice::options_test {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::letters;
using test::same_weights;
using test::small_model;
using test::small_options;
using testing::HasSubstr;

// Becomes whatever a member wants to begin with.
struct Anything {
  template <class T>
  operator T() const;
};

template <class T, class... Members>
constexpr std::size_t count_members() {
  if constexpr (requires { T{Members()..., Anything()}; }) {
    return count_members<T, Members..., Anything>();
  } else {
    return sizeof...(Members);
  }
}

TEST(TrainOptions, EveryMemberIsInTheList) {
  const TrainOptions options;
  std::set<const void*> members;
  std::set<std::string> names;
  std::size_t fields = 0, former = 0;
  visit_training(options, [&](const Field& field, const auto& value, Effect) {
    members.insert(&value);
    names.insert(field.name);
    ++fields;
    if (*field.former != 0) names.insert(field.former);
    former += *field.former != 0;
  });
  EXPECT_EQ(fields, count_members<TrainOptions>());
  EXPECT_EQ(members.size(), fields) << "a member twice";
  EXPECT_EQ(names.size(), fields + former) << "a name twice";
}

TEST(TrainOptions, EveryDefaultIsInRange) {
  visit_training(TrainOptions(), [](const Field& field, const auto& value, Effect) {
    EXPECT_NO_THROW(check_field(field, value)) << field.name;
  });
}

// What is seen of a run on its way, by what is reported and after how many updates.
using Track = std::map<std::pair<Report::Kind, std::uint64_t>, std::array<double, 4>>;

struct Trained {
  Model model;
  TrainResult result;
  Track track;
};

// Trains until update `stop`; 0: to the end.
Trained trained_with(const TrainOptions& options, std::uint64_t stop = 0, std::uint64_t first_weights = 1) {
  Trained run{small_model({.cell = "gru", .hidden = 6, .dropout = 0.2}, first_weights), {}, {}};
  run.result = train(run.model, letters(200), options, [&](const Report& r) {
    if (r.kind == Report::Kind::update || r.kind == Report::Kind::validation) {
      run.track[{r.kind, r.update}] = {r.loss, r.validation_loss, r.learning_rate, r.gradient_norm};
    }
    return stop == 0 || r.update < stop;
  });
  return run;
}

// Whether two runs were the same as far as both went.
bool same(const Track& a, const Track& b) {
  return std::ranges::all_of(
      a, [&](const auto& seen) { return !b.contains(seen.first) || b.at(seen.first) == seen.second; });
}

// Other values of an option, in its range.
template <class T>
std::vector<T> others(const Field& field, const T& value) {
  std::vector<T> found;
  const auto add = [&](T other) {
    if (other != value && field.bounds.holds(static_cast<double>(other))) found.push_back(other);
  };
  if constexpr (std::is_same_v<T, bool>) {
    found.push_back(!value);
  } else if constexpr (NamedEnum<T>) {
    for (std::size_t i = 0; i < choices(value).size(); ++i) add(static_cast<T>(i));
  } else if constexpr (std::is_same_v<T, double>) {
    for (const double other : {value / 2, 2 * value, value == 0 ? 0.25 : 0.5}) add(other);
  } else {
    for (const std::uint64_t other : {value / 2, value + 1, 2 * value + 3}) add(other);
    // Enough of them for a validation to make a difference.
    if (std::string_view(field.name) == "updates") add(value + 20);
  }
  return found;
}

template <>
std::vector<std::string> others(const Field& field, const std::string& path) {
  if (std::string_view(field.name) == "reset-at") return {"b", "ce"};
  fs::copy_file(path, path + "-too", fs::copy_options::overwrite_existing);
  return {path + "-too"};
}

struct Case {
  const char* name;
  TrainOptions options;
};

Case adam() {
  Case c = {"adam", small_options()};
  c.options.clip_norm = 0.1;     // below the norms that occur
  c.options.max_seconds = 1000;  // of which even half is enough
  return c;
}

Case sgd_plateau() {
  Case c = adam();
  c.name = "sgd_plateau";
  c.options.optimizer = Optimizer::sgd;
  c.options.momentum = 0.9;
  c.options.learning_rate = 1.5;  // jumps about, so that validations do not improve
  c.options.clip_norm = 1;
  c.options.schedule = Schedule::plateau;
  c.options.epochs = 8;
  return c;
}

Case rmsprop_constant() {
  Case c = adam();
  c.name = "rmsprop_constant";
  c.options.optimizer = Optimizer::rmsprop;
  c.options.schedule = Schedule::constant;
  c.options.ema_decay = 0.9;
  c.options.state_reset = 0.2;
  c.options.weight_decay = 0.01;
  c.options.precision = Precision::bf16;
  return c;
}

Case adamw_trapezoid() {
  Case c = adam();
  c.name = "adamw_trapezoid";
  c.options.optimizer = Optimizer::adamw;
  c.options.schedule = Schedule::trapezoid;
  c.options.updates = 40;
  return c;
}

std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class ChangedOption : public testing::TestWithParam<Case> {
 protected:
  ChangedOption() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.checkpoint = (folder_ / "checkpoint").string();
  }
  ~ChangedOption() override { fs::remove_all(folder_); }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("options_test_" + std::to_string(::getpid()));
  TrainOptions options_ = GetParam().options;
};

std::optional<Trained> accepted(const TrainOptions& options) {
  try {
    return trained_with(options);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::usage);
    return std::nullopt;  // does not go with the other options
  }
}

// The judge is training itself: a run that is another on its way is refused and the option named; one that is the same
// goes on, to the bits of a run that had the value from the start.
TEST_P(ChangedOption, IsRefusedWhereTheRunWouldBeAnother) {
  constexpr std::uint64_t kStop = 14;  // in the second epoch
  const Trained whole = trained_with(options_);
  ASSERT_GT(whole.result.updates, kStop);
  TrainOptions changed = options_;
  visit_training(changed, [&](const Field& field, auto& value, Effect effect) {
    SCOPED_TRACE(field.name);
    if (std::string_view(field.name) == "resume") return;
    ASSERT_TRUE(trained_with(options_, kStop).result.stopped);
    const auto before = value;
    const auto values = others(field, before);
    ASSERT_FALSE(values.empty());
    bool refused = false, another = false, tried = false;
    for (const auto& other : values) {
      SCOPED_TRACE(field_text(other));
      value = other;
      const std::string checkpoint = changed.checkpoint;
      changed.checkpoint.clear();
      const std::optional<Trained> from_start = accepted(changed);
      changed.checkpoint = checkpoint;
      if (!from_start) continue;
      tried = true;
      const bool differs = !same(whole.track, from_start->track);
      another |= differs;
      changed.resume = true;
      const std::string kept = test::text_of(checkpoint);
      try {
        const Trained resumed = trained_with(changed, 0, 99);
        EXPECT_FALSE(differs) << "went on as if it were the same run";
        EXPECT_TRUE(same(resumed.track, from_start->track));
        if (resumed.result.updates == from_start->result.updates) {
          EXPECT_TRUE(same_weights(resumed.model, from_start->model));
        }
      } catch (const Error& error) {
        refused = true;
        EXPECT_EQ(error.status(), Status::bad_file);
        EXPECT_THAT(error.what(), HasSubstr(" " + std::string(field.name) + " = "));
      }
      write_file(checkpoint, kept, /*force=*/true);
      changed.resume = false;
    }
    value = before;
    EXPECT_EQ(refused, another);
    EXPECT_EQ(refused, tried && (effect == Effect::run || effect == Effect::data));
  });
}

INSTANTIATE_TEST_SUITE_P(All, ChangedOption,
                         testing::Values(adam(), sgd_plateau(), rmsprop_constant(), adamw_trapezoid()), case_name);

// A validation text of its own: the share that would be split off is of no account.
TEST(OwnValidation, GoesOnWithAnotherSplit) {
  const std::string checkpoint = (fs::path(testing::TempDir()) / ("own_" + std::to_string(::getpid()))).string();
  TrainOptions options = small_options();
  options.checkpoint = checkpoint;
  Model model = small_model();
  const auto once = [](const Report&) { return false; };
  EXPECT_TRUE(train(model, letters(200), letters(50, 2), options, once).stopped);
  options.resume = true;
  options.validation_split = 0.3;
  EXPECT_NO_THROW(train(model, letters(200), letters(50, 2), options));
  fs::remove(checkpoint);
}

TEST(Fields, SayWhatTheyTake) {
  EXPECT_EQ(expected_of<double>(bounds::above(0)), "a number above 0");
  EXPECT_EQ(expected_of<double>(bounds::at_least(0)), "a number of 0 or more");
  EXPECT_EQ(expected_of<double>(bounds::within(0, 1)), "a number from 0 to 1");
  EXPECT_EQ(expected_of<double>(bounds::from_to_below(0, 1)), "a number from 0 up to but not including 1");
  EXPECT_EQ(expected_of<double>(bounds::between(0, 1)), "a number above 0 and below 1");
  EXPECT_EQ(expected_of<double>(), "a number");
  EXPECT_EQ(expected_of<std::uint64_t>(bounds::within(1, 1e6)), "a whole number from 1 to 1000000");
  EXPECT_EQ(expected_of<std::uint64_t>(), "a whole number of 0 or more");
  EXPECT_EQ(expected_of<Optimizer>(), "sgd, rmsprop, adam or adamw");
  EXPECT_EQ(expected_of<Precision>(bounds::up_to(Precision::bf16)), "f32 or bf16");
  const std::string message = error_of(Status::usage, [] {
    check_field({"precision", "", bounds::up_to(Precision::bf16)}, Precision::int8);
  });
  EXPECT_EQ(message, "precision: expected f32 or bf16, found int8");
}

TEST(Fields, TakeTheirBoundsOrNot) {
  for (const Bounds& shut : {bounds::within(0, 1), bounds::at_least(0)}) EXPECT_TRUE(shut.holds(0));
  for (const Bounds& open : {bounds::above(0), bounds::between(0, 1)}) EXPECT_FALSE(open.holds(0));
  EXPECT_TRUE(bounds::within(0, 1).holds(1));
  for (const Bounds& open : {bounds::from_to_below(0, 1), bounds::between(0, 1)}) EXPECT_FALSE(open.holds(1));
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const Bounds& any : {Bounds(), bounds::at_least(0), bounds::between(0, 1)}) EXPECT_FALSE(any.holds(nan));
  for (const Bounds& any : {bounds::above(0), bounds::at_least(0)}) EXPECT_FALSE(any.holds(infinity));
}

TEST(Fields, GoToTextAndBack) {
  const auto expect_back = [](const auto& value) {
    std::decay_t<decltype(value)> back{};
    EXPECT_TRUE(read_field(field_text(value), back));
    EXPECT_EQ(back, value);
  };
  for (const double value : {0., 0.1, 1. / 3, 1e-8, -2.5e300}) expect_back(value);
  for (const std::uint64_t value : {std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max()}) expect_back(value);
  for (const Optimizer value : {Optimizer::sgd, Optimizer::adamw}) expect_back(value);
  for (const bool value : {false, true}) expect_back(value);
  std::uint64_t whole = 7;
  double number = 7;
  for (const char* bad : {"", " 1", "1 ", "1x", "x", "+1", "-1", "1.5", "99999999999999999999"}) {
    EXPECT_FALSE(read_field(bad, whole)) << bad;
  }
  for (const char* bad : {"", " 1", "1,5", "1x", "x", "0x1"}) EXPECT_FALSE(read_field(bad, number)) << bad;
  Optimizer choice = Optimizer::sgd;
  EXPECT_FALSE(read_field("adam ", choice));
  EXPECT_EQ(whole, 7u);
  EXPECT_EQ(number, 7);
}

}  // namespace
}  // namespace sluice::options_test
