#include "needs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <system_error>

#include "base/file.h"
#include "example_text.h"
#include "formats/foreign/import.h"
#include "formats/foreign/to_model.h"
#include "model/config.h"

namespace sluice::tool {
namespace {

struct Need {
  std::string_view verb;
  bool language;          // predicts the next token
  bool plain;             // layers that are all alike (model/config.h)
  bool exact;             // computes gradients, so weights in f32
  bool examples = false;  // besides, takes what classifies texts or tags words
};
// Of train, what --from begins with.
constexpr Need kNeeds[] = {
    {"complete", true, false, false},       {"gates", true, true, false, true}, {"explain", true, true, true, true},
    {"eval", false, false, false},          {"predict", false, false, false},   {"train", true, false, false},
    {"info", false, false, false},          {"export", false, false, false},    {"export --to c", false, false, false},
    {"eval of a text", true, false, false}, {"serve", true, false, false},      {"units", true, false, false, true},
};

}  // namespace

void expect_model_for(std::string_view verb, const Model& model, const std::string& path) {
  const auto need = std::find_if(std::begin(kNeeds), std::end(kNeeds), [&](const Need& n) { return n.verb == verb; });
  if (need == std::end(kNeeds)) throw Error(Status::failed, fmt::format("{}: not in the list of needs", verb));
  const std::string where = fmt::format("{}: {}", path, verb);
  const TaskKind kind = task_of(model, path).kind;
  if (need->examples && reads_examples_of_text(model, kind)) return;
  if (need->language && kind != TaskKind::language) {
    throw Error(Status::bad_file, fmt::format("{}: expected a model of language{}, found {}", where,
                                              need->examples ? ", or one that classifies texts or tags words" : "",
                                              what_it_is_for(kind)));
  }
  try {
    if (need->language) expect_language(model.config(), where);
    if (need->plain) expect_plain(model.config(), where);
  } catch (const Error& error) {
    throw Error(Status::bad_file, error.what());
  }
  if (need->exact && model.precision() != Precision::f32) {
    throw Error(Status::usage, where + ": expected weights in f32, found fewer bits");
  }
}

std::string what_it_is_for(TaskKind kind) {
  const auto known = [](const char* what, const char* verb, const char* gives) {
    return fmt::format("one {}; sluice eval measures it, sluice {} gives {}", what, verb, gives);
  };
  switch (kind) {
    case TaskKind::classify:
      return known("that classifies", "predict", "classes");
    case TaskKind::tag:
      return known("that tags words", "predict", "tags");
    case TaskKind::forecast:
      return known("that forecasts", "predict", "forecasts");
    case TaskKind::detect:
      return known("that detects", "predict", "scores");
    case TaskKind::music:
      return known("of music", "complete", "the rest of a piece");
    case TaskKind::language:
      break;
  }
  return known("of language", "complete", "the rest of a text");
}

std::string what_it_is_for(const Model& model, const std::string& path) {
  const TaskKind kind = task_of(model, path).kind;
  if (kind == TaskKind::language && !model.reads_text()) return "one of " + what_it_reads(model.config());
  return what_it_is_for(kind);
}

namespace {

// A safetensors file begins with the length of its header, an object of JSON.
bool looks_like_a_model(const std::string& path) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return false;
  unsigned char start[9] = {};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(start), sizeof start)) return false;
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | start[i];
  return start[8] == '{' && length < std::filesystem::file_size(path, unknown);
}

}  // namespace

void refuse_models(std::string_view verb, const std::vector<std::string>& files) {
  for (const std::string& path : files) {
    if (!looks_like_a_model(path)) continue;
    throw Error(Status::bad_file, fmt::format("{}: {}: expected something to train on, found a model, {}", path, verb,
                                              what_it_is_for(open_model(path), path)));
  }
}

Model open_model(const std::string& path) {
  const RawVector<char> bytes = read_file(path);
  const std::string_view view = {bytes.data(), bytes.size()};
  if (foreign::is_network(view)) return foreign::to_model(foreign::read_network(view, path), path).model;
  return load(std::as_bytes(std::span(view)), path);
}

Model load_for(std::string_view verb, const std::string& path, Precision precision) {
  Model model = open_model(path);
  if (precision != Precision::f32) model.set_precision(precision);  // which packs anew
  expect_model_for(verb, model, path);
  return model;
}

}  // namespace sluice::tool
