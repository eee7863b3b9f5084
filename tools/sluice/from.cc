#include "from.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

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

Corpus From::read(const TextFiles& files, const VocabularyOptions& vocabulary, const Config& config,
                  std::uint64_t seed) {
  const Vocabulary own = model_->vocabulary();
  const Vocabulary learned =
      grows_ ? Corpus::read(files.sources, files.name, own.text(), vocabulary).vocabulary() : own;
  model_ = fine_tune(*model_, config, learned, seed);
  return Corpus::read(files.sources, files.name, model_->vocabulary());
}

}  // namespace sluice::tool
