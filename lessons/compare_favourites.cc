// Cells side by side on the favourites stories: what the demonstration trains and how its memory is measured.
#include <algorithm>

#include "base/failure.h"
#include "base/random.h"
#include "base/threads.h"
#include "lessons/compare.h"
#include "lessons/compare_runs.h"
#include "lessons/favourites.h"
#include "model/model_access.h"
#include "train/options.h"

namespace sluice {
namespace {

constexpr std::size_t kWords = 4'000'000, kLongest = 20;
constexpr double kStrangers = 0.2;
constexpr std::uint64_t kStrangerStream = 1;  // of random numbers
constexpr const char* kName = "favourites";

Vocabulary favourites_vocabulary() {
  return Corpus::from_text(favourites::all_words(), TextOptions{}, VocabularyOptions{.min_count = 1}, kName)
      .vocabulary();
}

// Makes a share of the people of each line strangers: their name, wherever it stands in the line, becomes <unk>. So a
// network learns to answer for people it has never heard of, and that names have no say in taste.
Corpus with_strangers(const Corpus& text, std::uint64_t seed) {
  const Vocabulary& vocabulary = text.vocabulary();
  std::vector<bool> is_name(vocabulary.size());
  for (const std::string& person : favourites::people()) is_name[*vocabulary.find(person)] = true;
  const Token line_end = *vocabulary.find("\n");
  std::vector<Token> tokens(text.tokens().begin(), text.tokens().end());
  const Random random(seed, kStrangerStream);
  std::uint64_t line = 0;
  for (Token& token : tokens) {
    if (token == line_end) ++line;
    if (is_name[token] && random.uniform_at(line * vocabulary.size() + token) < kStrangers) token = Vocabulary::unknown;
  }
  return Corpus::from_tokens(std::move(tokens), vocabulary, text.name());
}

// A held-out story as tokens, and where its answers stand.
struct Exam {
  std::vector<Token> tokens;  // up to and with the last answer
  std::vector<std::size_t> answers;
};

Exam exam(const Vocabulary& vocabulary, const favourites::Story& story) {
  const std::string_view text = story.text;
  Exam out;
  for (const favourites::Question& question : story.questions) {
    out.answers.push_back(vocabulary.encode(text.substr(0, question.prompt_bytes)).size());
    out.tokens = vocabulary.encode(text.substr(0, question.prompt_bytes + 1 + question.answer.size()));
  }
  return out;
}

// Reads stories side by side, each from an empty state, and counts the answers that were likeliest.
std::uint64_t count_right(const Model& model, const std::vector<Exam>& exams, Workspace& workspace, Team& team) {
  const std::size_t batch = exams.size();
  std::size_t longest = 0;
  for (const Exam& exam : exams) longest = std::max(longest, exam.tokens.size());
  const std::size_t steps = longest - 1;
  // [T, B]; what stands after a story's end is never looked at.
  std::vector<Token> inputs(steps * batch, Vocabulary::unknown), targets = inputs;
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t t = 0; t + 1 < exams[b].tokens.size(); ++t) {
      inputs[t * batch + b] = exams[b].tokens[t];
      targets[t * batch + b] = exams[b].tokens[t + 1];
    }
  }
  State state = model.initial_state(batch);
  std::vector<float> nats(steps * batch);
  std::vector<std::uint32_t> rank(steps * batch);
  network_of(model).score({inputs, targets, steps, batch}, state, nats, rank, workspace, team);
  std::uint64_t right = 0;
  for (std::size_t b = 0; b < batch; ++b) {
    for (const std::size_t answer : exams[b].answers) {
      const std::size_t entry = (answer - 1) * batch + b;
      right += rank[entry] == 0 && targets[entry] != Vocabulary::unknown;
    }
  }
  return right;
}

std::vector<Recall> recall(const Model& model, const FavouritesOptions& options, std::uint64_t seed,
                           std::size_t threads) {
  constexpr std::size_t kAtOnce = 64;
  if (model.vocabulary().text().level != Level::word) {
    throw Error(Status::usage, "favourites: expected a model of words, found one of level '" +
                                   std::string(name(model.vocabulary().text().level)) + "'");
  }
  const FlushDenormals flush;
  Team team(threads);
  Workspace workspace;
  std::vector<Recall> out;
  for (const std::size_t distance : options.distances) {
    Recall result = {distance, 0, 0};
    std::uint64_t right = 0;
    for (std::size_t first = 0; first < options.stories; first += kAtOnce) {
      std::vector<Exam> exams;
      for (std::size_t i = first; i < std::min(first + kAtOnce, options.stories); ++i) {
        exams.push_back(exam(model.vocabulary(), favourites::story(seed, i, distance, favourites::Part::held_out)));
        result.n += exams.back().answers.size();
      }
      right += count_right(model, exams, workspace, team);
    }
    result.accuracy = static_cast<double>(right) / static_cast<double>(result.n);
    out.push_back(result);
  }
  return out;
}

}  // namespace

CompareOptions favourites_defaults() {
  CompareOptions options;
  options.config.hidden = 128;
  options.config.embedding = 64;
  options.train.epochs = 1;
  options.train.batch = 32;
  options.train.steps = 32;
  options.train.learning_rate = 5e-3;
  options.train.beta2 = 0.99;  // a curriculum changes faster than 0.999 forgets
  options.train.warmup = 50;
  options.train.validation_split = 0;
  options.train.state_reset = 0.1;  // the texts of the demonstration begin with an empty state
  return options;
}

std::vector<Recall> favourites_recall(const Model& model, const FavouritesOptions& favourites, std::uint64_t seed) try {
  return recall(model, favourites, seed, 0);
} catch (...) {
  rethrow_as_error("favourites");
}

std::vector<CompareRun> compare_favourites(const FavouritesOptions& favourites, const CompareOptions& options,
                                           const CompareCallback& report) try {
  if (favourites.stories == 0) throw Error(Status::usage, "favourites: expected at least 1 story, found 0");
  const std::size_t words = favourites.words == 0 ? kWords : favourites.words;
  const std::size_t longest = favourites.longest == 0 ? kLongest : favourites.longest;
  const Vocabulary vocabulary = favourites_vocabulary();
  const auto training = [&](std::uint64_t seed) {
    return with_strangers(Corpus::from_text(favourites::training_text(seed, words, longest), vocabulary, kName), seed);
  };
  const auto measure = [&](const Model& model, CellResult& result) {
    std::string text;
    for (std::size_t i = 0; i < favourites.stories; ++i) {
      text += favourites::story(result.seed, i, i % (longest + 1), favourites::Part::held_out).text + '\n';
    }
    const Corpus held_out = Corpus::from_text(text, vocabulary, kName);
    result.nats_per_token = evaluate(model, held_out, options.train.batch, options.train.threads).nats_per_token;
    result.recall_by_distance = recall(model, favourites, result.seed, options.train.threads);
  };
  const auto recall_then = [&](const Model& model, std::uint64_t seed) {
    FavouritesOptions fewer = favourites;
    fewer.stories = std::min(favourites.stories, favourites.stories_then);
    return recall(model, fewer, seed, options.train.threads);
  };
  return compare_runs(options, training, measure, report, {favourites.times, recall_then});
} catch (...) {
  rethrow_as_error("favourites");
}

}  // namespace sluice
