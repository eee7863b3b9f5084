// See ngram_baseline.h.
#include "ngram_baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <span>
#include <system_error>
#include <utility>

#include "base/fnv.h"
#include "data/batches.h"
#include "data/ngram.h"
#include "text_files.h"
#include "train/windows.h"
#include "training_file.h"

namespace sluice::tool {
namespace {

// Characters know the most of what six of them say; words are too rare for that.
std::size_t order_for(Level level) { return level == Level::character ? 6 : 5; }

std::string checksum(const Corpus& text) { return fmt::format("{:016x}", fnv1a(std::as_bytes(text.tokens()))); }

double mean(std::span<const float> nats) {
  return std::accumulate(nats.begin(), nats.end(), 0.0) / static_cast<double>(nats.size());
}

// What to do about a network that is worse; nothing where training diverged, which said it already.
std::string advice(const NGramBaseline& baseline, const Run& run) {
  if (run.result.diverged) return "";
  if (!run.best_long_ago()) return ": train longer: " + run.longer();
  if (run.parameters <= baseline.training_tokens) {
    return ": it was best long before the end: more --dropout, or a smaller --learning-rate";
  }
  return fmt::format(": {} tokens are too few for {} parameters: a smaller --hidden, more --dropout or a longer text",
                     thousands(baseline.training_tokens), thousands(run.parameters));
}

}  // namespace

double NGramBaseline::nats_per_token() const { return mean(nats); }

double NGramBaseline::nats_per_token(std::uint64_t validated, const TrainOptions& options) const {
  if (validated >= nats.size() || validated == 0) return nats_per_token();
  // The places in the text, cut into windows as the text itself.
  std::vector<Token> places(nats.size() + 1), inputs, targets;
  std::iota(places.begin(), places.end(), Token{0});
  const std::size_t context = options.validation_split > 0 ? std::min<std::uint64_t>(kWarmUp, training_tokens) : 0;
  places.insert(places.begin(), context, Token{0});
  const Batches windows = validation_batches(places, context, options);
  double sum = 0;
  std::uint64_t rows = 0;
  for (std::size_t k = 0; k < windows.windows() && rows < validated; ++k) {
    windows.window(k, inputs, targets);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (!windows.counted(k, i / windows.batch(), i % windows.batch())) continue;
      sum += static_cast<double>(nats[targets[i] - 1]);
      ++rows;
    }
  }
  return sum / static_cast<double>(rows);
}

NGramBaseline ngram_baseline(const Corpus& training, const Corpus& predicted) {
  const NGram model(training.tokens(), training.vocabulary().size(), order_for(training.vocabulary().text().level));
  return {model.order(), training.tokens().size(), model.tokens(), model.nats(predicted.tokens()), checksum(predicted)};
}

std::optional<TextSplit> split_of(const Corpus& corpus, const Corpus* validation, const TrainOptions& options) {
  if (validation != nullptr) {
    if (validation->tokens().size() < 2) return std::nullopt;  // train() refuses it
    return TextSplit{corpus, *validation};
  }
  const std::size_t size = corpus.tokens().size();
  const auto held_out = static_cast<std::size_t>(static_cast<double>(size) * options.validation_split);
  if (held_out < 2) return std::nullopt;
  return TextSplit{corpus.slice(0, size - held_out), corpus.slice(size - held_out, size)};
}

std::optional<NGramBaseline> ngram_baseline(Console& console, const TextSplit& split, const TrainOptions& options) {
  constexpr double kMostOfTheTime = 0.05, kSecondsPerToken = 1e-6;  // of a machine that is not idle
  const std::uint64_t read = std::min<std::uint64_t>(NGram::Limits().tokens, split.training.tokens().size());
  const double seconds = kSecondsPerToken * static_cast<double>(read + split.validation.tokens().size());
  const double limit = options.minutes > 0 ? 60 * options.minutes : options.max_seconds;
  if (limit > 0 && seconds > kMostOfTheTime * limit) {
    console.say(fmt::format("no n-gram to compare with: it may take {}, more than a twentieth of --{}",
                            duration(seconds), options.minutes > 0 ? "minutes" : "max-seconds"));
    return std::nullopt;
  }
  try {
    return ngram_baseline(split.training, split.validation);
  } catch (const Error& error) {
    console.say(fmt::format("no n-gram to compare with: {}", error.what()));
    return std::nullopt;
  }
}

NGramComparison compare_with(const NGramBaseline& baseline, const Run& run) {
  const double reached = baseline.nats_per_token(run.result.validation_tokens, run.options);
  const double ahead = reached - run.result.validation_loss;
  const bool worse = !(ahead > 0);
  const bool part = baseline.counted < baseline.training_tokens;
  std::string line = fmt::format(
      "an n-gram of order {} (Kneser-Ney) of {}: validation {:.4f} nats per token, ", baseline.order,
      part ? fmt::format("the last {} tokens of the same text", thousands(baseline.counted)) : "the same text",
      reached);
  line += worse ? fmt::format("{:.4f} better than the model{}", -ahead, advice(baseline, run))
                : fmt::format("{:.4f} worse than the model", ahead);
  // Rounded, so that a library of mathematics that differs in the last bit gives the same file.
  const double rounded = std::round(reached * 1e6) / 1e6;
  const Json facts = {{"order", baseline.order}, {"tokens", baseline.counted}, {"validation_loss", rounded}};
  Json note = facts, object = facts;
  note["training_tokens"] = baseline.training_tokens;
  if (run.result.validation_tokens == baseline.nats.size()) note["validation_text"] = baseline.text;
  object["better_than_model"] = worse;
  return {line, worse, note, object};
}

namespace {

Corpus read_training(const Model& model, const std::string& path) {
  const TextFiles files = text_files({path});
  return Corpus::read(files.sources, files.name, model.vocabulary());
}

// The text that was trained on, where it is still there, as many tokens as then; nothing of one that takes long to
// read.
std::optional<std::pair<std::string, Corpus>> find_training(const Model& model, const std::vector<std::string>& paths,
                                                            const Corpus& evaluated) {
  constexpr std::uintmax_t kMostBytes = 100'000'000;
  for (const std::string& path : paths) {
    std::error_code unreadable;
    const std::uintmax_t bytes = std::filesystem::file_size(path, unreadable);
    if (unreadable || bytes > kMostBytes) continue;
    try {
      Corpus corpus = read_training(model, path);
      // What an n-gram says of the text that it was counted from is no measure.
      if (std::ranges::equal(corpus.tokens(), evaluated.tokens())) return std::nullopt;
      if (training_note(model, "text_tokens") == corpus.tokens().size() &&
          training_note(model, "text_unknown") == corpus.unknown()) {
        return std::pair(path, std::move(corpus));
      }
    } catch (const Error&) {
      // Some other file that happens to have the name.
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<KnownNGram> known_ngram(const Model& model, const std::string& training,
                                      const std::vector<std::string>& candidates, const Corpus& text) {
  const Json note = training_note(model, "ngram");
  const auto has = [&](const char* name, bool (Json::*is)() const) {
    return note.is_object() && note.contains(name) && (note[name].*is)();
  };
  const auto counted = [&](const std::string& path, Corpus corpus) {
    // The last of it may have been kept to validate on.
    const Json whole = training_note(model, "text_tokens");
    if (whole == corpus.tokens().size() && has("training_tokens", &Json::is_number_unsigned)) {
      const auto trained = note["training_tokens"].get<std::uint64_t>();
      if (trained > 0 && trained < corpus.tokens().size()) corpus = corpus.slice(0, trained);
    }
    const NGramBaseline baseline = ngram_baseline(corpus, text);
    return KnownNGram{baseline.order, baseline.counted, baseline.nats_per_token(), path};
  };
  if (!training.empty()) return counted(training, read_training(model, training));
  const bool same_text = has("validation_text", &Json::is_string) && note["validation_text"] == checksum(text);
  if (!same_text || !has("order", &Json::is_number_unsigned) || !has("tokens", &Json::is_number_unsigned) ||
      !has("validation_loss", &Json::is_number)) {
    auto found = find_training(model, candidates, text);
    if (!found) return std::nullopt;
    return counted(found->first, std::move(found->second));
  }
  return KnownNGram{note["order"].get<std::size_t>(), note["tokens"].get<std::uint64_t>(),
                    note["validation_loss"].get<double>(), ""};
}

}  // namespace sluice::tool
