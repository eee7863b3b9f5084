#include "needs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "base/file.h"
#include "formats/foreign/import.h"
#include "formats/foreign/to_model.h"
#include "model/config.h"

namespace sluice::tool {
namespace {

struct Need {
  std::string_view verb;
  bool language;  // predicts the next token
  bool plain;     // layers that are all alike (model/config.h)
  bool exact;     // computes gradients, so weights in f32
};
// Of train, what --from begins with.
constexpr Need kNeeds[] = {
    {"complete", true, false, false},       {"gates", true, true, false},     {"explain", true, true, true},
    {"eval", false, false, false},          {"predict", false, false, false}, {"train", true, false, false},
    {"info", false, false, false},          {"export", false, false, false},  {"export --to c", false, false, false},
    {"eval of a text", true, false, false},
};

}  // namespace

void expect_model_for(std::string_view verb, const Model& model, const std::string& path) {
  const auto need = std::find_if(std::begin(kNeeds), std::end(kNeeds), [&](const Need& n) { return n.verb == verb; });
  if (need == std::end(kNeeds)) throw Error(Status::failed, fmt::format("{}: not in the list of needs", verb));
  const std::string where = fmt::format("{}: {}", path, verb);
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
