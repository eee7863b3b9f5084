// Comparing cells: matched sizes, recall by distance against a plain count, stopping, and bad options.
#include "lessons/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/random.h"
#include "lessons/favourites.h"
#include "model/layout.h"
#include "model/network.h"
#include "sluice/stream.h"

namespace sluice::compare_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

double away(std::size_t count, std::size_t from) {
  return std::abs(static_cast<double>(count) - static_cast<double>(from));
}

// Words drawn so that the last few come again often.
Corpus chatter(std::size_t words) {
  Random random(5);
  std::vector<std::string> said;
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    const bool again = said.size() > 20 && random.uniform() < 0.5;
    said.push_back(again ? said[said.size() - 1 - random.below(20)] : "w" + std::to_string(random.below(40)));
    text += said.back() + (i % 11 == 10 ? "\n" : " ");
  }
  return Corpus::from_text(text);
}

CompareOptions small_options() {
  CompareOptions options;
  options.config.hidden = 12;
  options.config.embedding = 8;
  options.train.epochs = 1;
  options.train.batch = 4;
  options.train.steps = 8;
  options.train.threads = 1;
  return options;
}

FavouritesOptions small_favourites() {
  FavouritesOptions favourites;
  favourites.words = 3000;
  favourites.longest = 3;
  favourites.stories = 70;  // more than are read side by side
  favourites.distances = {0, 5};
  return favourites;
}

std::string error_of(const CompareOptions& options, Status status) {
  try {
    compare(chatter(500), options);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), status);
    return error.what();
  }
  return "no error";
}

TEST(MatchHidden, IsTheNearestSizeForEveryCell) {
  for (const bool tied : {false, true}) {
    for (const std::size_t vocabulary : {std::size_t{65}, std::size_t{456}, std::size_t{30'000}}) {
      for (const std::size_t hidden : {std::size_t{96}, std::size_t{128}, std::size_t{301}}) {
        Config config;
        config.hidden = hidden;
        config.embedding = tied ? hidden : 64;
        config.tied = tied;
        config.layers = 2;
        const std::size_t wanted = parameter_count(config, vocabulary);
        EXPECT_EQ(match_hidden(config, "gru", vocabulary, wanted), hidden);
        for (const CellInfo& cell : cells()) {
          const std::string name(cell.name);
          const std::size_t matched = match_hidden(config, name, vocabulary, wanted);
          const auto count = [&](std::size_t units) {
            Config sized = config;
            sized.cell = name;
            sized.hidden = units;
            if (tied) sized.embedding = units;
            return parameter_count(sized, vocabulary);
          };
          EXPECT_LE(away(count(matched), wanted), 0.02 * static_cast<double>(wanted)) << name;
          EXPECT_LE(away(count(matched), wanted), away(count(matched + 1), wanted)) << name;
          EXPECT_LE(away(count(matched), wanted), away(count(matched - 1), wanted)) << name;
        }
      }
    }
  }
}

TEST(MatchHidden, IsAtLeastOne) { EXPECT_EQ(match_hidden(Config{}, "lstm", 100, 1), 1u); }

TEST(StepMicroseconds, GrowWithTheModel) {
  Config config;
  config.hidden = 8;
  const Vocabulary vocabulary = chatter(500).vocabulary();
  const double small = step_microseconds(Model(config, vocabulary));
  config.hidden = 256;
  const double large = step_microseconds(Model(config, vocabulary));
  EXPECT_GT(small, 0);
  EXPECT_GT(large, 2 * small);
}

TEST(Compare, TrainsEveryCellWithEverySeedAtMatchedSize) {
  CompareOptions options = small_options();
  options.seeds = {3, 4};
  std::vector<std::size_t> seen;
  const auto runs = compare(chatter(2000), options, [&](const CompareProgress& progress) {
    EXPECT_EQ(progress.runs, 6u);
    if (seen.empty() || seen.back() != progress.run) seen.push_back(progress.run);
    return true;
  });
  EXPECT_THAT(seen, ElementsAre(1, 2, 3, 4, 5, 6));
  ASSERT_THAT(runs, SizeIs(6));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const CellResult& result = runs[i].result;
    EXPECT_EQ(result.cell, options.cells[i % 3]);
    EXPECT_EQ(result.seed, options.seeds[i / 3]);
    EXPECT_EQ(result.hidden, runs[i].model.config().hidden);
    EXPECT_EQ(result.parameters, runs[i].model.parameter_count());
    EXPECT_LE(away(result.parameters, runs[2].result.parameters), 0.06 * static_cast<double>(result.parameters));
    EXPECT_GT(result.seconds, 0);
    EXPECT_GT(result.tokens_per_second, 0);
    EXPECT_GT(result.step_microseconds, 0);
  }
  EXPECT_EQ(runs[2].result.hidden, 12u);
  EXPECT_GT(runs[0].result.hidden, 12u);
  EXPECT_LT(runs[1].result.hidden, 12u);
  EXPECT_NE(runs[0].result.nats_per_token, runs[3].result.nats_per_token);
}

TEST(Compare, GivesAllCellsTheSameSizeWhenToldTo) {
  CompareOptions options = small_options();
  options.match = Match::hidden;
  for (const CompareRun& run : compare(chatter(600), options)) EXPECT_EQ(run.result.hidden, 12u);
}

TEST(Compare, CountsRecallByHowFarBackTheTokenLastStood) {
  CompareOptions options = small_options();
  options.cells = {"gru"};
  options.train.epochs = 8;
  options.train.learning_rate = 1e-2;
  const Corpus text = chatter(6000);
  const auto runs = compare(text, options);
  ASSERT_THAT(runs, SizeIs(1));

  // The last tenth is short enough to be read as one part.
  const std::size_t tokens = text.tokens().size();
  const Corpus test = text.slice(tokens - tokens / 10, tokens);
  const std::span<const Token> t = test.tokens();
  const Scores scores = runs[0].model.score(t);
  std::map<std::size_t, std::pair<std::uint64_t, std::uint64_t>> buckets;  // hits, n
  double nats = 0;
  std::uint64_t hits = 0;
  for (std::size_t i = 1; i < t.size(); ++i) {
    nats += static_cast<double>(scores.nats[i - 1]);
    std::size_t back = 1;
    while (back <= i && t[i - back] != t[i]) ++back;
    if (back > i) continue;
    std::size_t bucket = 1;
    while (bucket < back) bucket *= 2;
    buckets[bucket].first += scores.rank[i - 1] == 0;
    hits += scores.rank[i - 1] == 0;
    ++buckets[bucket].second;
  }
  const std::vector<Recall>& recall = runs[0].result.recall_by_distance;
  ASSERT_EQ(recall.size(), buckets.size());
  ASSERT_GE(recall.size(), 6u);
  EXPECT_GT(hits, 20u);
  std::size_t i = 0;
  for (const auto& [words, counts] : buckets) {
    EXPECT_EQ(recall[i].words, words);
    EXPECT_EQ(recall[i].n, counts.second);
    EXPECT_DOUBLE_EQ(recall[i].accuracy, static_cast<double>(counts.first) / static_cast<double>(counts.second));
    ++i;
  }
  EXPECT_NEAR(runs[0].result.nats_per_token, nats / static_cast<double>(t.size() - 1), 1e-9);
}

TEST(Compare, StopsWhenToldToAndKeepsWhatIsDone) {
  CompareOptions options = small_options();
  options.cells = {"gru", "rnn", "lstm"};
  const auto runs =
      compare(chatter(600), options, [](const CompareProgress& progress) { return progress.cell != "rnn"; });
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].result.cell, "gru");
}

// Each cell takes what it has a use for.
TEST(Compare, GivesAFieldToTheCellsThatUseIt) {
  CompareOptions options = small_options();
  options.cells = {"gru", "rnn", "lstm"};
  options.config.activation = "relu";
  options.config.forget_bias = 2;
  EXPECT_THAT(compare(chatter(500), options), SizeIs(3));
  options.cells = {"gru", "lstm"};
  EXPECT_THAT(error_of(options, Status::usage), HasSubstr("activation: expected the default"));
  options.cells = {"gru", "rnn"};
  EXPECT_THAT(error_of(options, Status::usage), HasSubstr("forget-bias: expected the default"));
}

TEST(Compare, TakesEqualLayersOfAStackAsTheShorthand) {
  CompareOptions options = small_options(), stacked = options;
  stacked.config.stack = layers_of(options.config);
  stacked.config.hidden = Config().hidden;
  const auto expected = compare(chatter(600), options), runs = compare(chatter(600), stacked);
  ASSERT_EQ(runs.size(), expected.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i].result.cell, expected[i].result.cell);
    EXPECT_EQ(runs[i].result.nats_per_token, expected[i].result.nats_per_token);
  }
  stacked.config.stack.push_back({.units = 3});
  EXPECT_THAT(error_of(stacked, Status::usage), HasSubstr("compare"));
}

TEST(Compare, RefusesWhatCannotBeCompared) {
  CompareOptions options = small_options();
  options.cells = {"gru", "elman"};
  EXPECT_THAT(error_of(options, Status::usage), HasSubstr("elman"));
  options.cells = {};
  EXPECT_THAT(error_of(options, Status::usage), HasSubstr("expected at least one cell"));
  options = small_options();
  options.seeds = {};
  EXPECT_THAT(error_of(options, Status::usage), HasSubstr("expected at least one seed"));
  options = small_options();
  options.train.checkpoint = "checkpoint";
  EXPECT_THAT(error_of(options, Status::usage), HasSubstr("expected no checkpoint"));
  options = small_options();
  options.train.batch = 0;
  EXPECT_THAT(error_of(options, Status::usage), HasSubstr("batch"));
  EXPECT_THROW(compare(Corpus::from_text("a a b b a a"), small_options()), Error);
}

TEST(CompareFavourites, MeasuresEachCellOnHeldOutStories) {
  CompareOptions options = small_options();
  options.train.validation_split = 0;
  const auto runs = compare_favourites(small_favourites(), options);
  ASSERT_THAT(runs, SizeIs(3));
  for (const CompareRun& run : runs) {
    ASSERT_THAT(run.result.recall_by_distance, SizeIs(2));
    EXPECT_EQ(run.result.recall_by_distance[0].words, 0u);
    EXPECT_EQ(run.result.recall_by_distance[1].words, 5u);
    EXPECT_EQ(run.result.recall_by_distance[0].n, 140u);
    EXPECT_LT(run.result.nats_per_token, std::log(static_cast<double>(run.model.vocabulary().size())));
  }
}

// What is measured while it trains is that of a training that ends there, and changes nothing.
TEST(CompareFavourites, MeasuresWhileItTrains) {
  CompareOptions options = small_options();
  options.cells = {"gru"};
  options.train.validation_split = 0;
  options.train.learning_rate = 0.02;
  options.train.schedule = Schedule::constant;
  options.train.epochs = 4;
  FavouritesOptions favourites = small_favourites();
  const CompareRun plain = std::move(compare_favourites(favourites, options)[0]);
  EXPECT_THAT(plain.result.recall_while_training, IsEmpty());
  favourites.times = 3;
  favourites.stories_then = favourites.stories;
  const CompareRun run = std::move(compare_favourites(favourites, options)[0]);
  EXPECT_EQ(run.result.nats_per_token, plain.result.nats_per_token);
  ASSERT_THAT(run.result.recall_while_training, SizeIs(3));
  for (std::size_t i = 0; i < 3; ++i) {
    const RecallThen& then = run.result.recall_while_training[i];
    EXPECT_EQ(then.update * 4, then.updates * (i + 1));
    options.train.epochs = i + 1;
    favourites.times = 0;
    const CompareRun shorter = std::move(compare_favourites(favourites, options)[0]);
    for (std::size_t d = 0; d < 2; ++d) {
      EXPECT_EQ(then.by_distance[d].accuracy, shorter.result.recall_by_distance[d].accuracy);
      EXPECT_EQ(then.by_distance[d].n, 140u);
    }
  }
  const auto& first = run.result.recall_while_training.front().by_distance;
  EXPECT_NE(first[0].accuracy, run.result.recall_by_distance[0].accuracy) << "it learns, so that it matters when";
}

// The batched count against a stream that reads each story word for word.
TEST(CompareFavourites, CountsAnAnswerThatIsLikeliestAtItsPlace) {
  CompareOptions options = small_options();
  options.cells = {"gru"};
  options.train.validation_split = 0;
  options.train.epochs = 20;
  options.train.learning_rate = 1e-2;
  const FavouritesOptions favourites = small_favourites();
  const Model model = std::move(compare_favourites(favourites, options)[0].model);
  const std::vector<Recall> recall = favourites_recall(model, favourites, 9);
  ASSERT_THAT(recall, SizeIs(2));
  for (const Recall& result : recall) {
    std::uint64_t right = 0;
    for (std::uint64_t number = 0; number < favourites.stories; ++number) {
      const favourites::Story story = favourites::story(9, number, result.words, favourites::Part::held_out);
      for (const favourites::Question& question : story.questions) {
        Stream stream(model);
        stream.feed(story.text.substr(0, question.prompt_bytes));
        right += model.vocabulary().token(stream.top(1)[0].first) == question.answer;
      }
    }
    EXPECT_EQ(result.n, 2 * favourites.stories);
    EXPECT_GT(right, 0u);
    EXPECT_LT(right, result.n);
    EXPECT_DOUBLE_EQ(result.accuracy, static_cast<double>(right) / static_cast<double>(result.n));
  }
}

TEST(CompareFavourites, TeachesTheUnknownWordAsAName) {
  CompareOptions options = small_options();
  options.cells = {"gru"};
  options.train.validation_split = 0;
  options.train.epochs = 5;
  options.train.learning_rate = 1e-2;
  FavouritesOptions favourites = small_favourites();
  favourites.words = 10'000;
  const Model model = std::move(compare_favourites(favourites, options)[0].model);
  Stream stream(model);
  stream.feed("However ");
  EXPECT_GT(stream.probabilities()[Vocabulary::unknown], 0.005f);
}

TEST(CompareFavourites, RefusesAModelThatDoesNotReadWords) {
  const Corpus letters = Corpus::from_text("some letters to learn", TextOptions{.level = Level::character});
  const Model model(Config{.hidden = 8}, letters.vocabulary());
  EXPECT_THROW(favourites_recall(model, small_favourites(), 1), Error);
}

TEST(CompareFavourites, DefaultsCompareTheThreeCellsOfTheDemonstration) {
  const CompareOptions options = favourites_defaults();
  EXPECT_THAT(options.cells, ElementsAre("rnn", "lstm", "gru"));
  EXPECT_EQ(options.match, Match::parameters);
  EXPECT_EQ(options.train.epochs, 1u);
  EXPECT_EQ(options.train.validation_split, 0);
}

}  // namespace
}  // namespace sluice::compare_test
