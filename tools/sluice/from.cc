#include "from.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "needs.h"

namespace sluice::tool {

void From::add(CLI::App& app) {
  app.add_option("--from", path_, "begin with the weights and the vocabulary of this model")->type_name("MODEL");
  app.add_flag("--grow-vocabulary", grows_, "with --from: learn tokens of FILE that the model does not know as well");
}

void From::load(const CLI::App& app, const std::vector<std::string>& files) {
  const auto refuse = [&](const std::vector<const char*>& flags, const std::string& expected) {
    for (const char* flag : flags) {
      expect(app.get_option(flag)->count() == 0, flag, expected, "it");
    }
  };
  if (!given()) return refuse({"--grow-vocabulary"}, "--from beside it, or neither");
  refuse({"--level", "--pretokenized", "--lowercase", "--lossy"}, "none beside --from, whose model decides it");
  if (!grows_) refuse({"--min-count", "--max-vocabulary"}, "none beside --from without --grow-vocabulary");
  const bool piped = std::find(files.begin(), files.end(), "-") != files.end();
  expect(!grows_ || !piped, "--grow-vocabulary", "a FILE, which is read twice", "standard input");
  model_ = load_for("train", path_);
  note_ = {{"model", std::filesystem::path(path_).filename().string()}, {"vocabulary", model_->vocabulary().size()}};
  const auto trained = model_->notes().find("trained");
  if (trained == model_->notes().end()) return;
  // What is nested deeper is of no interest, whoever wrote it.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth < 3; };
  const Json before = Json::parse(trained->second, shallow, false);
  for (const char* key : {"text", "tokens", "epochs", "validation_loss"}) {
    if (before.is_object() && before.contains(key) && before[key].is_primitive()) note_[key] = before[key];
  }
}

// The tokens of the text, the most frequent ones first, as many as there may be.
Vocabulary From::learned(const TextFiles& files, VocabularyOptions options) {
  const std::size_t most = std::exchange(options.max_vocabulary, 0);
  expect(most == 0 || most > 2, "--max-vocabulary", "0 (no limit) or at least 3", std::to_string(most));
  const Vocabulary& own = model_->vocabulary();
  Vocabulary all = Corpus::read(files.sources, files.name, own.text(), options).vocabulary();
  if (most == 0 || all.size() <= most) return all;
  std::vector<std::string> kept = all.tokens();
  const auto beyond = kept.begin() + static_cast<std::ptrdiff_t>(most);
  const auto unknown = std::count_if(beyond, kept.end(), [&](const std::string& token) { return !own.find(token); });
  if (unknown > 0) {
    left_out_ = fmt::format("{}: --max-vocabulary {} leaves out {} tokens that the model does not know either",
                            files.name, most, thousands(static_cast<std::uint64_t>(unknown)));
  }
  kept.erase(beyond, kept.end());
  return {own.text(), std::move(kept)};
}

Corpus From::read(const TextFiles& files, const VocabularyOptions& vocabulary, const Config& config,
                  std::uint64_t seed) {
  const Vocabulary own = model_->vocabulary();
  model_ = fine_tune(*model_, config, grows_ ? learned(files, vocabulary) : own, seed);
  return Corpus::read(files.sources, files.name, model_->vocabulary());
}

}  // namespace sluice::tool
