#include "train/checkpoint.h"

#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>

#include "base/file.h"
#include "base/random.h"
#include "base/safetensors.h"
#include "kernels/update.h"
#include "model/config.h"
#include "train/options.h"

namespace sluice {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie in memory");

constexpr std::string_view kFormat = "sluice-checkpoint", kVersion = "1";
constexpr const char* kArithmetic = "arithmetic";  // a key of Fingerprint

class Hash {
 public:
  void add(std::uint64_t word) { value_ = mix64(value_ ^ word) + 0x9e3779b97f4a7c15u; }
  void add(std::string_view bytes) {
    add(bytes.size());
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) add_bytes(bytes.data(), 8);
    add_bytes(bytes.data(), bytes.size());
  }
  std::string text() const {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, value_, 16).ptr;
    return {digits, end};
  }

 private:
  void add_bytes(const char* bytes, std::size_t n) {
    std::uint64_t word = 0;
    if (n > 0) std::memcpy(&word, bytes, n);
    add(word);
  }
  std::uint64_t value_ = 0;
};

std::string describe(const Corpus& corpus) {
  Hash hash;
  for (const Token token : corpus.tokens()) hash.add(token);
  return field_text(corpus.tokens().size()) + " tokens, hash " + hash.text();
}

std::string describe(const Series& series) {
  Hash hash;
  hash.add(series.input_width());
  for (const auto& numbers : {series.inputs(), series.targets()}) hash.add(view_of(numbers));
  return field_text(series.steps()) + " steps, hash " + hash.text();
}

std::string describe(const Sequences& sequences) {
  Hash hash;
  hash.add(sequences.inputs);
  for (const std::size_t start : sequences.starts) hash.add(start);
  hash.add(view_of(std::span(sequences.values)));
  for (const Token token : sequences.tokens) hash.add(token);
  for (const std::uint32_t word : sequences.words) hash.add(word);
  if (!sequences.words.empty()) {
    for (const std::size_t start : sequences.spellings.starts) hash.add(start);
    for (const std::uint32_t character : sequences.spellings.characters) hash.add(character);
  }
  for (const std::uint32_t label : sequences.labels) hash.add(label);
  hash.add(view_of(std::span(sequences.targets)));
  if (!sequences.weights.empty()) hash.add(view_of(std::span(sequences.weights)));
  return field_text(sequences.size()) + " sequences, hash " + hash.text();
}

std::string describe(const Vocabulary& vocabulary) {
  Hash hash;
  for (const std::string& token : vocabulary.tokens()) hash.add(token);
  return field_text(vocabulary.size()) + " tokens, hash " + hash.text();
}

std::string checksum(const TensorFileView& file) {
  Hash hash;
  for (const auto& [key, value] : file.metadata) {
    if (key == "checksum") continue;
    hash.add(key);
    hash.add(value);
  }
  // The container sorts tensors by name; so does a map of their hashes.
  std::map<std::string, std::string> tensors;
  for (const TensorView& tensor : file.tensors) {
    Hash bytes;
    bytes.add(tensor.dtype);
    for (const std::uint64_t extent : tensor.shape) bytes.add(extent);
    bytes.add(tensor.bytes);
    tensors[tensor.name] = bytes.text();
  }
  for (const auto& [name, digest] : tensors) {
    hash.add(name);
    hash.add(digest);
  }
  return hash.text();
}

void append(TensorFileView& file, const std::string& prefix, const Parameters& parameters) {
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    const Shape& shape = parameters.shapes()[i];
    file.tensors.push_back({prefix + "/" + shape.name, "F32", {shape.rows, shape.columns}, view_of(parameters[i])});
  }
}

// [L, S, B, H], or all values in a row where layers have sizes of their own.
std::vector<std::uint64_t> shape_of(const State& state) {
  for (std::size_t l = 1; l < state.layers(); ++l) {
    if (state.shape(l) != state.shape(0)) return {state.values().size()};
  }
  return {state.layers(), state.states(), state.batch(), state.hidden()};
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(Status::bad_file, path + ": " + what);
}

void read_tensor(const TensorFileView& file, const std::string& path, const std::string& name,
                 const std::vector<std::uint64_t>& shape, std::span<float> values) {
  const TensorView* tensor = file.find(name);
  if (tensor == nullptr) refuse(path, "expected a tensor " + name + " in the checkpoint, found none");
  if (tensor->dtype != "F32" || tensor->shape != shape || tensor->bytes.size() != values.size_bytes()) {
    refuse(path, "tensor " + name + " of the checkpoint does not have the shape of this model");
  }
  if (!values.empty()) std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
}

void read_parameters(const TensorFileView& file, const std::string& path, const std::string& prefix,
                     Parameters& parameters) {
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    const Shape& shape = parameters.shapes()[i];
    read_tensor(file, path, prefix + "/" + shape.name, {shape.rows, shape.columns}, parameters[i]);
  }
}

// The part that options, config and the instruction set have.
Fingerprint fingerprint(const TrainOptions& options, const Config& config) {
  Fingerprint run;
  run[kArithmetic] = fuses_multiply_add() ? "fused multiply-add" : "multiply, then add";
  visit_training(options, [&](const Field& field, const auto& value, Effect effect) {
    if (effect == Effect::run || effect == Effect::data) run[field.name] = field_text(value);
  });
  visit_config(config, [&](const char* name, const auto& value, const char*) { run[name] = field_text(value); });
  for (std::size_t l = 0; l < config.stack.size(); ++l) {
    visit_layer(config.stack[l], [&](const char* name, const auto& value, const char*) {
      run["layer-" + field_text(l) + "-" + name] = field_text(value);
    });
  }
  if (config.head != HeadConfig()) run["head"] = head_to_json(config);
  if (config.scaling != ScalingConfig()) run["scaling"] = scaling_to_json(config);
  if (config.spelling != SpellingConfig()) run["spelling"] = spelling_to_json(config);
  return run;
}

// What a file says of its run, under the names that options have now.
Fingerprint written_run(const TensorFileView& file) {
  Fingerprint found;
  for (const auto& [key, value] : file.metadata) {
    if (key.starts_with("run.")) found[key.substr(4)] = value;
  }
  visit_training(TrainOptions(), [&](const Field& field, const auto&, Effect) {
    if (auto former = found.extract(field.former)) {
      former.key() = field.name;
      found.insert(std::move(former));
    }
  });
  return found;
}

// Returns whether the file names its arithmetic.
bool check_run(const TensorFileView& file, const std::string& path, const Fingerprint& run) {
  const Fingerprint found = written_run(file);
  std::string differences;
  const auto differ = [&](const std::string& key, const std::string& theirs, const std::string& ours) {
    differences += (differences.empty() ? "" : ", ") + key + " = " + theirs + " (now " + ours + ")";
  };
  // A file that does not name an option or a field of the network is older than that: it had its default. Which part of
  // the text was trained on, the fingerprint of the text says as well.
  Fingerprint defaults = fingerprint(TrainOptions(), Config());
  std::set<std::string> options;
  visit_training(TrainOptions(), [&](const Field& field, const auto& value, Effect effect) {
    options.insert(field.name);
    defaults[field.name] = effect == Effect::data && run.contains(field.name) ? run.at(field.name) : field_text(value);
  });
  const auto arithmetic = found.find(kArithmetic);
  for (const auto& [key, value] : run) {
    if (key == kArithmetic && arithmetic == found.end()) continue;
    const auto it = found.find(key);
    if (it != found.end()) {
      if (it->second != value) differ(key, it->second, value);
    } else if (const auto known = defaults.find(key); known == defaults.end() || known->second != value) {
      differ(key, "none", value);
    }
  }
  // An option that the file names and this run does not has no effect beside the others, which are compared.
  for (const auto& [key, value] : found) {
    if (!run.contains(key) && !options.contains(key)) differ(key, value, "none");
  }
  if (differences.empty()) return arithmetic != found.end();
  const bool other =
      arithmetic != found.end() && run.contains(kArithmetic) && arithmetic->second != run.at(kArithmetic);
  refuse(path, "cannot resume: expected a checkpoint of this run, found one made with " + differences +
                   (other ? "; SLUICE_TARGET in the environment chooses another instruction set" : ""));
}

}  // namespace

Fingerprint fingerprint(const TrainOptions& options, const Config& config, const Corpus& training,
                        const Corpus* validation) {
  Fingerprint run = fingerprint(options, config);
  run["vocabulary"] = describe(training.vocabulary());
  run["text"] = describe(training);
  run["validation-text"] = validation == nullptr ? "none" : describe(*validation);
  return run;
}

Fingerprint fingerprint(const TrainOptions& options, const Config& config, const Series& training,
                        const Series* validation) {
  Fingerprint run = fingerprint(options, config);
  run["series"] = describe(training);
  run["validation-series"] = validation == nullptr ? "none" : describe(*validation);
  return run;
}

Fingerprint fingerprint(const TrainOptions& options, const Config& config, const Sequences& training,
                        const Sequences* validation) {
  Fingerprint run = fingerprint(options, config);
  run["sequences"] = describe(training);
  run["validation-sequences"] = validation == nullptr ? "none" : describe(*validation);
  return run;
}

void expect_no_other_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code unknown;
  const fs::file_status status = fs::status(path, unknown);
  if (!fs::exists(status) || fs::is_directory(status)) return;  // which nothing replaces
  const auto refuse_other = [&](const std::string& found) {
    throw Error(Status::failed, path + ": expected a checkpoint of an earlier run or no file, found another " + found +
                                    "; it is left as it is: give the checkpoint another name");
  };
  if (!fs::is_regular_file(status)) refuse_other("kind of file");
  if (fs::file_size(path, unknown) == 0) return;
  // What a file is says the beginning of its header, where keys stand by name.
  char bytes[4096];
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file && errno == ENOMEM) throw std::bad_alloc();
  const std::size_t got = file ? std::fread(bytes, 1, sizeof bytes, file.get()) : 0;
  const std::string format = "\"format\":\"" + std::string(kFormat) + "\"";
  if (std::string_view(bytes, got).find(format) == std::string_view::npos) refuse_other("file");
}

void write_checkpoint(const std::string& path, const Point& point, const Fingerprint& run) {
  TensorFileView file;
  file.metadata["format"] = kFormat;
  file.metadata["version"] = kVersion;
  for (const auto& [key, value] : run) file.metadata["run." + key] = value;
  visit_progress(point.progress,
                 [&](const std::string& key, auto value) { file.metadata["progress." + key] = field_text(value); });
  append(file, "weights", point.weights);
  for (std::size_t i = 0; i < point.moments.size(); ++i) {
    append(file, "moment" + field_text(i), point.moments[i]);
  }
  if (point.average) append(file, "average", *point.average);
  if (point.best != nullptr) {
    append(file, "best", *point.best);
  } else if (point.first != nullptr) {
    append(file, "first", *point.first);
  }
  const State& state = point.state;
  file.tensors.push_back({"state", "F32", shape_of(state), view_of(state.values())});
  file.metadata["checksum"] = checksum(file);
  write_file(path, format_safetensors(file), /*force=*/true);
}

void as_in_checkpoint(const std::string& path, Config& config, TrainOptions& options) {
  const RawVector<char> bytes = read_file(path);
  const Fingerprint run = written_run(view_safetensors({bytes.data(), bytes.size()}, path));
  const auto take = [&](const char* name, auto& member) {
    if (const auto found = run.find(name); found != run.end()) read_field(found->second, member);
  };
  visit_config(config, [&](const char* name, auto& member, const char*) { take(name, member); });
  visit_training(options, [&](const Field& field, auto& member, Effect) { take(field.name, member); });
  // A file that does not name an option that matters is older than that: it had its default.
  std::map<std::string, std::string> defaults;
  visit_training(TrainOptions(),
                 [&](const Field& field, const auto& value, Effect) { defaults[field.name] = field_text(value); });
  visit_training(options, [&](const Field& field, auto& member, Effect effect) {
    const bool matters = effect == Effect::run || effect == Effect::data;
    if (matters && !run.contains(field.name)) read_field(defaults.at(field.name), member);
  });
}

bool read_checkpoint(const std::string& path, const Fingerprint& run, Point& point) {
  const RawVector<char> bytes = read_file(path);
  const TensorFileView file = view_safetensors({bytes.data(), bytes.size()}, path);
  const auto metadata = [&](const std::string& key) {
    const auto it = file.metadata.find(key);
    return it == file.metadata.end() ? std::string() : it->second;
  };
  if (metadata("format") != kFormat) refuse(path, "expected a checkpoint of a training run, found another file");
  if (metadata("version") != kVersion) {
    refuse(path, "expected checkpoint version " + std::string(kVersion) + ", found " + metadata("version"));
  }
  if (metadata("checksum") != checksum(file)) refuse(path, "the checkpoint is damaged: its checksum does not fit");
  const bool names_arithmetic = check_run(file, path, run);

  visit_progress(point.progress, [&](const std::string& key, auto& value) {
    const std::string text = metadata("progress." + key);
    if (text.empty() && added_later(key)) return;
    if (!read_field(text, value)) {
      refuse(path, "expected a number for progress." + key + ", found \"" + text + "\"");
    }
  });
  read_parameters(file, path, "weights", point.weights);
  for (std::size_t i = 0; i < point.moments.size(); ++i) {
    read_parameters(file, path, "moment" + field_text(i), point.moments[i]);
  }
  if (point.average) read_parameters(file, path, "average", *point.average);
  read_tensor(file, path, "state", shape_of(point.state), point.state.values());
  const auto read_other = [&](const std::string& prefix) {
    Parameters other = point.weights.zeros_like();
    read_parameters(file, path, prefix, other);
    return std::make_shared<const Parameters>(std::move(other));
  };
  point.best.reset();
  point.first.reset();
  if (std::isfinite(point.progress.validations.best)) {
    point.best = read_other("best");
  } else if (file.find("first/" + point.weights.shapes().front().name) != nullptr) {  // older files have none
    point.first = read_other("first");
  }
  return names_arithmetic;
}

}  // namespace sluice
