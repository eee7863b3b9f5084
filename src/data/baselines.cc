// Baselines; see baselines.h.
#include "data/baselines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/failure.h"
#include "base/random.h"
#include "base/threads.h"
#include "data/utf8.h"

namespace sluice {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

double squared_distance(const float* a, const float* b, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double apart = static_cast<double>(a[i]) - b[i];
    sum += apart * apart;
  }
  return sum;
}

bool is_capital(std::string_view word) {
  const std::string_view first = word.substr(0, sequence_length(word.front()));
  std::string scratch;
  return lowercase(first, scratch) != first;
}

// Euclid's, squared; kFar once it is not below `best`.
double euclidean(std::span<const float> a, std::span<const float> b, double best) {
  constexpr std::size_t kPiece = 64;
  double sum = 0;
  for (std::size_t at = 0; at < a.size(); at += kPiece) {
    sum += squared_distance(a.data() + at, b.data() + at, std::min(kPiece, a.size() - at));
    if (sum >= best) return kFar;
  }
  return sum;
}

// The cheapest way to walk through both sequences together; a row of the table of ways at a time. kFar once no way is
// below `best`.
double warped(std::span<const float> a, std::span<const float> b, std::size_t width, double best,
              std::vector<double>& row) {
  const std::size_t columns = b.size() / width;
  row.assign(columns + 1, kFar);  // row[j + 1] is the cost up to step j of b
  row[0] = 0;
  for (std::size_t i = 0; i * width < a.size(); ++i) {
    double diagonal = row[0], least = kFar;
    row[0] = kFar;
    for (std::size_t j = 0; j < columns; ++j) {
      const double before = std::min({diagonal, row[j], row[j + 1]});
      diagonal = row[j + 1];
      row[j + 1] = before + squared_distance(a.data() + i * width, b.data() + j * width, width);
      least = std::min(least, row[j + 1]);
    }
    if (least >= best) return kFar;
  }
  return row[columns] < best ? row[columns] : kFar;
}

// An n-gram by its hash, with a class: how often they stand together.
struct Counted {
  std::uint64_t ngram;
  std::uint32_t label, times;
};

std::span<const Token> tokens_of(const Sequences& texts, std::size_t s) {
  return std::span(texts.tokens).subspan(texts.starts[s], texts.length(s));
}

// Calls use(hash) for every n-gram of 1 to `order` tokens of a text with its two ends.
template <class Use>
void each_ngram(std::span<const Token> text, std::size_t order, Use&& use) {
  const auto symbol = [&](std::size_t i) -> std::uint64_t {  // no token has these numbers
    return i == 0 ? 0 : i > text.size() ? 1 : std::uint64_t{text[i - 1]} + 2;
  };
  const std::size_t symbols = text.size() + 2;
  for (std::size_t first = 0; first < symbols; ++first) {
    std::uint64_t hash = 0;
    for (std::size_t i = first; i < std::min(symbols, first + order); ++i) {
      use(hash = mix64(hash + symbol(i) + 0x9e3779b97f4a7c15u));
    }
  }
}

}  // namespace

std::vector<std::uint64_t> count_classes(std::span<const std::uint32_t> labels, std::size_t classes) {
  std::vector<std::uint64_t> counts(classes);
  for (const std::uint32_t label : labels) ++counts[label];
  return counts;
}

std::uint32_t majority_class(std::span<const std::uint32_t> labels, std::size_t classes) {
  const std::vector<std::uint64_t> counts = count_classes(labels, classes);
  return static_cast<std::uint32_t>(std::ranges::max_element(counts) - counts.begin());
}

Distance fitting_distance(const Sequences& train, const Sequences& test) {
  const std::size_t length = train.size() > 0 ? train.length(0) : 0;
  for (const Sequences* all : {&train, &test}) {
    for (std::size_t s = 0; s < all->size(); ++s) {
      if (all->length(s) != length) return Distance::warped;
    }
  }
  return Distance::euclidean;
}

double accuracy(std::span<const std::uint32_t> predicted, std::span<const std::uint32_t> labels) {
  std::size_t hits = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) hits += predicted[i] == labels[i];
  return static_cast<double>(hits) / static_cast<double>(labels.size());
}

std::vector<std::uint32_t> nearest_neighbour(const Sequences& train, const Sequences& test, Distance distance,
                                             std::size_t threads) try {
  std::vector<std::uint32_t> labels(test.size());
  Team team(threads);
  std::vector<std::vector<double>> rows(team.size());  // no memory is asked for within the team
  std::size_t longest = 0;
  for (std::size_t s = 0; s < train.size(); ++s) longest = std::max(longest, train.length(s));
  for (auto& row : rows) row.reserve(longest + 1);
  team.split(test.size(), 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
    for (std::size_t t = first; t < last; ++t) {
      double best = kFar;
      for (std::size_t s = 0; s < train.size(); ++s) {
        const auto a = test.values_of(t), b = train.values_of(s);
        const double apart =
            distance == Distance::euclidean ? euclidean(a, b, best) : warped(a, b, train.inputs, best, rows[thread]);
        if (apart >= best) continue;
        best = apart;
        labels[t] = train.labels[s];
      }
    }
  });
  return labels;
} catch (...) {
  rethrow_as_error("nearest neighbour");
}

double nearest_neighbour_work(const Sequences& train, const Sequences& test, Distance distance) {
  const std::size_t each = distance == Distance::euclidean ? test.size() : test.steps();
  return static_cast<double>(train.steps()) * static_cast<double>(each);
}

std::vector<std::uint32_t> naive_bayes(const Sequences& train, const Sequences& test, std::size_t order) try {
  constexpr double kMore = 0.1;
  const std::size_t classes = train.classes.size();
  std::vector<Counted> seen;  // n-grams of training, each with a class; then each pair once
  seen.reserve(naive_bayes_ngrams(train, order));
  std::vector<double> texts(classes), sums(classes);
  for (std::size_t s = 0; s < train.size(); ++s) {
    const std::uint32_t label = train.labels[s];
    ++texts[label];
    each_ngram(tokens_of(train, s), order, [&](std::uint64_t ngram) {
      seen.push_back({ngram, label, 1});
      ++sums[label];
    });
  }
  std::ranges::sort(seen, {}, [](const Counted& c) { return std::pair(c.ngram, c.label); });
  std::size_t pairs = 0, distinct = 0;
  for (const Counted& one : seen) {
    if (pairs > 0 && seen[pairs - 1].ngram == one.ngram && seen[pairs - 1].label == one.label) {
      ++seen[pairs - 1].times;
      continue;
    }
    distinct += pairs == 0 || seen[pairs - 1].ngram != one.ngram;
    seen[pairs++] = one;
  }
  seen.resize(pairs);
  std::vector<double> never(classes);  // what an n-gram costs a class that does not have it
  for (std::size_t c = 0; c < classes; ++c) {
    never[c] = std::log(kMore / (sums[c] + kMore * static_cast<double>(distinct)));
  }
  std::vector<std::uint32_t> labels;
  std::vector<double> score(classes);
  for (std::size_t s = 0; s < test.size(); ++s) {
    for (std::size_t c = 0; c < classes; ++c) score[c] = std::log(texts[c]);
    each_ngram(tokens_of(test, s), order, [&](std::uint64_t ngram) {
      auto found = std::ranges::lower_bound(seen, ngram, {}, &Counted::ngram);
      if (found == seen.end() || found->ngram != ngram) return;
      for (std::size_t c = 0; c < classes; ++c) score[c] += never[c];
      for (; found != seen.end() && found->ngram == ngram; ++found) {
        score[found->label] += std::log1p(found->times / kMore);
      }
    });
    labels.push_back(static_cast<std::uint32_t>(std::ranges::max_element(score) - score.begin()));
  }
  return labels;
} catch (...) {
  rethrow_as_error("naive Bayes");
}

std::size_t naive_bayes_ngrams(const Sequences& train, std::size_t order) {
  return (train.tokens.size() + 2 * train.size()) * order;
}

std::vector<std::uint32_t> most_frequent_tags(const TaggedSentences& train, const TaggedSentences& test) try {
  struct Count {
    std::uint32_t tag;
    std::size_t times;
  };
  std::unordered_map<std::string_view, std::vector<Count>> words;  // tags in the order in which a word first has them
  for (std::size_t i = 0; i < train.words.size(); ++i) {
    auto& counts = words[train.words[i]];
    const auto found = std::ranges::find(counts, train.tags[i], &Count::tag);
    if (found == counts.end()) {
      counts.push_back({train.tags[i], 1});
    } else {
      ++found->times;
    }
  }
  std::array<std::vector<std::uint32_t>, 2> once;  // tags of words that are there once, without a capital and with one
  for (const auto& [word, counts] : words) {
    if (counts.size() == 1 && counts.front().times == 1) once[is_capital(word)].push_back(counts.front().tag);
  }
  std::array<std::uint32_t, 2> unknown{};
  for (std::size_t i = 0; i < 2; ++i) {
    unknown[i] = majority_class(once[i].empty() ? train.tags : once[i], train.classes.size());
  }
  std::vector<std::uint32_t> tags;
  tags.reserve(test.words.size());
  for (const std::string& word : test.words) {
    const auto found = words.find(word);
    tags.push_back(found == words.end() ? unknown[is_capital(word)]
                                        : std::ranges::max_element(found->second, {}, &Count::times)->tag);
  }
  return tags;
} catch (...) {
  rethrow_as_error("most frequent tags");
}

std::vector<std::uint64_t> count_targets(const Sequences& all) {
  std::vector<std::uint64_t> ones(all.outputs);
  for (std::size_t i = 0; i < all.targets.size(); ++i) ones[i % ones.size()] += all.targets[i] > 0;
  return ones;
}

double marginal_loss(const Sequences& train, const Sequences& test) {
  return marginal_loss(count_targets(train), train.targets.size() / train.outputs, test);
}

double marginal_loss(std::span<const std::uint64_t> ones, std::uint64_t steps, const Sequences& test) try {
  const std::size_t width = ones.size();
  std::vector<double> test_ones(width, 0.0);
  for (std::size_t i = 0; i < test.targets.size(); ++i) test_ones[i % width] += test.targets[i];
  const std::size_t test_rows = test.targets.size() / width;
  const auto test_steps = static_cast<double>(test_rows);
  double loss = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const double share = static_cast<double>(ones[i] + 1) / static_cast<double>(steps + 2);
    loss -= test_ones[i] * std::log(share) + (test_steps - test_ones[i]) * std::log1p(-share);
  }
  return loss / test_steps;
} catch (...) {
  rethrow_as_error("marginal frequencies");
}

}  // namespace sluice
