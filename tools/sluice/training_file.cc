// See training_file.h.
#include "training_file.h"

#include <algorithm>
#include <filesystem>

namespace sluice::tool {

namespace fs = std::filesystem;

Json training_note(const Model& model, const char* name) {
  const auto trained = model.notes().find("trained");
  if (trained == model.notes().end()) return {};
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth < 3; };
  const Json note = Json::parse(trained->second, shallow, false);
  return note.is_object() && note.contains(name) ? note[name] : Json();
}

std::vector<std::string> files_of_training(const Model& model, const std::string& model_path,
                                           const std::string& evaluated) {
  Json name = training_note(model, "file");
  if (!name.is_string()) name = training_note(model, "text");
  if (!name.is_string()) return {};
  // A model file is untrusted and may name anything: only a name within a folder is taken.
  const fs::path file = name.get<std::string>();
  if (file.empty() || file != file.filename()) return {};
  std::vector<std::string> found;
  std::error_code none;
  for (const fs::path& folder : {fs::path(evaluated).parent_path(), fs::path(model_path).parent_path(), fs::path()}) {
    const std::string path = (folder / file).string();
    // Of what was trained on, baselines know the answers.
    if (!fs::is_regular_file(path, none) || fs::equivalent(path, evaluated, none)) continue;
    if (std::ranges::find(found, path) == found.end()) found.push_back(path);
  }
  return found;
}

}  // namespace sluice::tool
