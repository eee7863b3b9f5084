// train --from: a saved model to begin with.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "options.h"
#include "output.h"
#include "text_files.h"

namespace sluice::tool {

class From {
 public:
  void add(CLI::App& app);
  bool given() const { return !path_.empty(); }

  // Reads the model. Throws Error: usage (options that the model decides, or that stand alone; `files` are the text's),
  // bad_file.
  void load(const CLI::App& app, const std::vector<std::string>& files);
  const Model& model() const { return *model_; }

  // Makes it ready to train, with the tokens of the text besides its own where that is asked for, and reads the text as
  // the model reads it. `seed` draws what a new token begins with.
  Corpus read(const TextFiles& files, const VocabularyOptions& vocabulary, const Config& config, std::uint64_t seed);
  // Which tokens of the text it does not learn, in a sentence; empty where it learns all that it may.
  const std::string& left_out() const { return left_out_; }
  // What it was, for the notes of the next.
  const Json& note() const { return note_; }

 private:
  Vocabulary learned(const TextFiles& files, VocabularyOptions options);

  std::string path_;
  bool grows_ = false;
  std::optional<Model> model_;
  Json note_;
  std::string left_out_;
};

}  // namespace sluice::tool
