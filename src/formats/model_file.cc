#include "formats/model_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/failure.h"
#include "base/file.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/safetensors.h"
#include "base/threads.h"
#include "formats/model_check.h"
#include "formats/model_tensors.h"
#include "formats/self_check.h"
#include "model/config.h"
#include "model/model_access.h"
#include "sluice/formats.h"

namespace sluice {
namespace {

using Metadata = std::map<std::string, std::string>;

constexpr unsigned file_version = 3;
constexpr unsigned fnv1a_version = 1;  // the last one with that checksum
constexpr unsigned alike_version = 2;  // the last one in which every cell had PyTorch's names
constexpr std::string_view note_prefix = "sluice.note.";

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw Error(Status::bad_file, where + ": expected " + expected + ", found " + found);
}

std::string where_of(const std::string& path, const std::string& key) { return path + ": metadata " + key; }

const std::string& entry(const Metadata& metadata, const std::string& key, const std::string& path) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) refuse(where_of(path, key), "such an entry", "none");
  return found->second;
}

// What a file says is out of range is the file's fault, not the caller's.
template <class F>
auto blame_file(const std::string& where, F&& f) {
  try {
    return f();
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& error) {
    throw Error(Status::bad_file, where + ": " + error.what());
  }
}

// Text in UTF-8, what is broken in it replaced by U+FFFD: a note may hold a file name of any bytes.
std::string mended(const std::string& text) {
  return nlohmann::json::parse(nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void write_vocabulary(const Vocabulary& vocabulary, Metadata& metadata) {
  const TextOptions& text = vocabulary.text();
  JsonWriter options, tokens;
  options.begin_object().key("level").string(name(text.level)).key("lowercase").boolean(text.lowercase);
  options.key("lossy").boolean(text.lossy).end_object();
  metadata["sluice.text"] = options.take();
  tokens.begin_array();
  for (const std::string& token : vocabulary.tokens()) tokens.exact_string(token, "vocabulary");
  metadata["sluice.vocabulary"] = tokens.end_array().take();
}

Metadata make_metadata(const Model& model) {
  Metadata metadata;
  const CellInfo& cell = model.cell();
  std::string equations;
  for (const std::string_view equation : cell.equations) (equations += equation) += '\n';
  metadata["format"] = "pt";
  metadata["sluice.version"] = std::to_string(file_version);
  metadata["sluice.cell"] = cell.name;
  metadata["sluice.equations"] = equations;
  metadata["sluice.config"] = config_to_json(model.config());
  if (const std::string stack = stack_to_json(model.config()); !stack.empty()) metadata["sluice.layers"] = stack;
  if (const std::string head = head_to_json(model.config()); !head.empty()) metadata["sluice.head"] = head;
  if (const std::string scaling = scaling_to_json(model.config()); !scaling.empty()) {
    metadata["sluice.scaling"] = scaling;
  }
  if (const std::string spelling = spelling_to_json(model.config()); !spelling.empty()) {
    metadata["sluice.spelling"] = spelling;
  }
  if (model.reads_text()) write_vocabulary(model.vocabulary(), metadata);
  for (const auto& [name, note] : model.notes()) {
    // Weights that were changed since are not what their source computed with.
    if (name == check_note && !is_check_of(network_of(model), note)) continue;
    metadata[std::string(note_prefix) + mended(name)] = mended(note);
  }
  metadata["sluice.self-check"] = make_self_check(network_of(model));
  return metadata;
}

// Tokens by number; refuses more of them than there are weights for.
class VocabularyReader : public JsonReader {
 public:
  VocabularyReader(const std::string& where, std::size_t size) : JsonReader(where), size_(size) {}
  bool start_array(std::size_t) override {
    if (std::exchange(opened_, true)) refuse("an array within");
    return true;
  }
  bool string(string_t& value) override {
    if (!opened_ || tokens.size() == size_) refuse(opened_ ? "more" : "a text");
    tokens.push_back(std::move(value));
    return true;
  }
  bool end_array() override {
    if (tokens.size() != size_) refuse(std::to_string(tokens.size()));
    return true;
  }

  std::vector<std::string> tokens;

 protected:
  std::string expected() const override {
    return "an array of as many texts as embedding.weight has rows, " + std::to_string(size_);
  }

 private:
  std::size_t size_;
  bool opened_ = false;
};

TextOptions read_text_options(const std::string& json, const std::string& where) {
  const auto fields = read_flat_object(json, where);
  const auto field = [&](const char* key) -> const nlohmann::json& {
    const auto found = fields.find(key);
    const bool fits = found != fields.end() &&
                      (std::string_view(key) == "level" ? found->second.is_string() : found->second.is_boolean());
    if (!fits) refuse(where, std::string(key) + " as it was written", "none or another kind of value");
    return found->second;
  };
  const std::string level = field("level");
  if (fields.size() != 3) refuse(where, "level, lowercase and lossy", std::to_string(fields.size()) + " entries");
  try {
    return {.level = find_level(level), .lowercase = field("lowercase"), .lossy = field("lossy")};
  } catch (const Error&) {
    refuse(where, "a known level", shown(level));
  }
}

Vocabulary read_vocabulary(const Metadata& metadata, std::size_t size, const std::string& path) {
  const std::string where = where_of(path, "sluice.vocabulary");
  const TextOptions text = read_text_options(entry(metadata, "sluice.text", path), where_of(path, "sluice.text"));
  VocabularyReader reader(where, size);
  reader.read(entry(metadata, "sluice.vocabulary", path));
  return blame_file(where, [&] { return Vocabulary(text, std::move(reader.tokens)); });
}

// A model on numbers has none; what nobody would read is not kept either.
void refuse_vocabulary(const Metadata& metadata, const std::string& path) {
  for (const char* key : {"sluice.vocabulary", "sluice.text"}) {
    if (metadata.contains(key)) refuse(where_of(path, key), "no such entry in a model on numbers", "one");
  }
}

unsigned read_version(const Metadata& metadata, const std::string& path) {
  const std::string where = where_of(path, "sluice.version");
  const auto found = metadata.find("sluice.version");
  if (found == metadata.end()) refuse(where, "a file written by Sluice", "no such entry");
  const std::string& text = found->second;
  unsigned version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version == 0) refuse(where, "a version", shown(text));
  if (version > file_version) {
    refuse(where, "version " + std::to_string(file_version) + " or older", "the newer version " + text);
  }
  return version;
}

Config read_config(const Metadata& metadata, const std::string& path) {
  const std::string where = where_of(path, "sluice.config");
  const auto given = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  const Config config = config_from_json(entry(metadata, "sluice.config", path), where,
                                         {.stack = given("sluice.layers"),
                                          .head = given("sluice.head"),
                                          .scaling = given("sluice.scaling"),
                                          .spelling = given("sluice.spelling")});
  const std::string& cell = entry(metadata, "sluice.cell", path);
  if (config.stack.empty() && cell != config.cell) {
    refuse(where_of(path, "sluice.cell"), "the cell of sluice.config", shown(cell));
  }
  return blame_file(where, [&] { return checked(config); });
}

// V as the file's weights have it.
std::size_t vocabulary_size(const TensorFileView& file, const std::string& path) {
  const std::string where = path + ": tensor \"embedding.weight\"";
  const TensorView* embedding = file.find("embedding.weight");
  if (embedding == nullptr) refuse(where, "it in the file", "no tensor of that name");
  if (embedding->shape.size() != 2) {
    refuse(where, "a shape of two dimensions", std::to_string(embedding->shape.size()));
  }
  return embedding->shape[0];
}

}  // namespace

std::string model_to_bytes(const Model& model) {
  TensorFile file;
  file.tensors = to_tensors(network_of(model));
  file.metadata = make_metadata(model);
  return format_with_checksum(std::move(file));
}

Model model_from_bytes(std::string_view bytes, const std::string& path) {
  // What is wrong is named as exactly as possible, so the checksum, which can only say that something is, comes late.
  const TensorFileView file = view_safetensors(bytes, path);
  const unsigned version = read_version(file.metadata, path);
  const Config config = read_config(file.metadata, path);
  const bool text = config.inputs == 0;
  const std::size_t size = text ? vocabulary_size(file, path) : 0;
  const FileNames names = version <= alike_version ? FileNames::alike : FileNames::apart;
  check_tensors(file, config, size, names, path);
  Vocabulary vocabulary;
  if (text) {
    vocabulary = read_vocabulary(file.metadata, size, path);
  } else {
    refuse_vocabulary(file.metadata, path);
  }
  verify_checksum(bytes, file.metadata, path, version <= fnv1a_version ? Checksum::fnv1a : Checksum::xxh3);

  Model model = ModelAccess::make(std::make_shared<Network>(config, size), std::move(vocabulary));
  from_tensors(file, network_of(model), names, path);
  Team team(1);
  network_of(model).pack(team);
  for (const auto& [key, value] : file.metadata) {
    if (key.starts_with(note_prefix)) model.notes()[key.substr(note_prefix.size())] = value;
  }
  verify_self_check(network_of(model), entry(file.metadata, "sluice.self-check", path),
                    where_of(path, "sluice.self-check"));
  if (const auto check = model.notes().find(check_note); check != model.notes().end()) {
    verify_check(network_of(model), check->second, where_of(path, std::string(note_prefix) + check_note));
  }
  return model;
}

void save(const Model& model, const std::string& path, const SaveOptions& options) try {
  check_writable(path, options.force);
  write_file(path, model_to_bytes(model), options.force);
} catch (...) {
  rethrow_as_error(path.c_str());
}

std::vector<std::byte> to_bytes(const Model& model) try {
  const std::string bytes = model_to_bytes(model);
  const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  return {first, first + bytes.size()};
} catch (...) {
  rethrow_as_error("to_bytes");
}

Model load(const std::string& path) try {
  const RawVector<char> bytes = read_file(path);
  return model_from_bytes({bytes.data(), bytes.size()}, path);
} catch (...) {
  rethrow_as_error(path.c_str());
}

Model load(std::span<const std::byte> bytes, const std::string& name) try {
  return model_from_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
} catch (...) {
  rethrow_as_error(name.c_str());
}

}  // namespace sluice
