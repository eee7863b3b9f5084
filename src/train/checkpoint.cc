#include "train/checkpoint.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "base/file.h"
#include "base/random.h"
#include "base/safetensors.h"
#include "model/config.h"

namespace sluice {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie in memory");

constexpr std::string_view kFormat = "sluice-checkpoint", kVersion = "1";

std::string to_text(bool value) { return value ? "true" : "false"; }

// The shortest decimal that reads back as the same number.
template <class Number>
std::string to_text(Number number) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

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
    std::memcpy(&word, bytes, n);
    add(word);
  }
  std::uint64_t value_ = 0;
};

std::string describe(const Corpus& corpus) {
  Hash hash;
  for (const Token token : corpus.tokens()) hash.add(token);
  return to_text(corpus.tokens().size()) + " tokens, hash " + hash.text();
}

std::string describe(const Series& series) {
  Hash hash;
  hash.add(series.input_width());
  for (const auto& numbers : {series.inputs(), series.targets()}) hash.add(view_of(numbers));
  return to_text(series.steps()) + " steps, hash " + hash.text();
}

std::string describe(const Vocabulary& vocabulary) {
  Hash hash;
  for (const std::string& token : vocabulary.tokens()) hash.add(token);
  return to_text(vocabulary.size()) + " tokens, hash " + hash.text();
}

std::string_view name_of(Optimizer optimizer) {
  constexpr std::string_view names[] = {"sgd", "rmsprop", "adam", "adamw"};
  return names[static_cast<std::size_t>(optimizer)];
}

std::string_view name_of(Schedule schedule) {
  constexpr std::string_view names[] = {"constant", "cosine", "plateau"};
  return names[static_cast<std::size_t>(schedule)];
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

std::vector<std::uint64_t> shape_of(const State& state) {
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

void check_run(const TensorFileView& file, const std::string& path, const Fingerprint& run) {
  Fingerprint found;
  for (const auto& [key, value] : file.metadata) {
    if (key.starts_with("run.")) found[key.substr(4)] = value;
  }
  std::string differences;
  const auto differ = [&](const std::string& key, const std::string& theirs, const std::string& ours) {
    differences += (differences.empty() ? "" : ", ") + key + " = " + theirs + " (now " + ours + ")";
  };
  for (const auto& [key, value] : run) {
    const auto it = found.find(key);
    if (it == found.end()) {
      differ(key, "none", value);
    } else if (it->second != value) {
      differ(key, it->second, value);
    }
  }
  for (const auto& [key, value] : found) {
    if (!run.contains(key)) differ(key, value, "none");
  }
  if (differences.empty()) return;
  refuse(path, "cannot resume: expected a checkpoint of this run, found one made with " + differences);
}

// The part that options and config have.
Fingerprint fingerprint(const TrainOptions& options, const Config& config) {
  Fingerprint run;
  run["batch"] = to_text(options.batch);
  run["steps"] = to_text(options.steps);
  run["optimizer"] = name_of(options.optimizer);
  run["learning-rate"] = to_text(options.learning_rate);
  run["momentum"] = to_text(options.momentum);
  run["beta1"] = to_text(options.beta1);
  run["beta2"] = to_text(options.beta2);
  run["epsilon"] = to_text(options.epsilon);
  run["weight-decay"] = to_text(options.weight_decay);
  run["clip"] = to_text(options.clip);
  run["precision"] = options.precision == Precision::bf16 ? "bf16" : "f32";
  run["average"] = to_text(options.average);
  run["reset"] = to_text(options.reset);
  run["schedule"] = name_of(options.schedule);
  run["warmup"] = to_text(options.warmup);
  if (options.schedule == Schedule::cosine) {
    run["final-rate"] = to_text(options.final_rate);
    run["epochs"] = to_text(options.epochs);
  }
  if (options.schedule == Schedule::plateau) {
    run["plateau-factor"] = to_text(options.plateau_factor);
    run["plateau-patience"] = to_text(options.plateau_patience);
  }
  run["seed"] = to_text(options.seed);
  visit_config(config, [&](const char* name, const auto& value, const char*) {
    if constexpr (std::is_convertible_v<decltype(value), std::string>) {
      run[name] = value;
    } else {
      run[name] = to_text(value);
    }
  });
  return run;
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

void write_checkpoint(const std::string& path, const Point& point, const Fingerprint& run) {
  TensorFileView file;
  file.metadata["format"] = kFormat;
  file.metadata["version"] = kVersion;
  for (const auto& [key, value] : run) file.metadata["run." + key] = value;
  visit_progress(point.progress,
                 [&](const std::string& key, auto value) { file.metadata["progress." + key] = to_text(value); });
  append(file, "weights", point.weights);
  for (std::size_t i = 0; i < point.moments.size(); ++i) {
    append(file, "moment" + to_text(i), point.moments[i]);
  }
  if (point.average) append(file, "average", *point.average);
  if (point.best != nullptr) append(file, "best", *point.best);
  const State& state = point.state;
  file.tensors.push_back({"state", "F32", shape_of(state), view_of(state.values())});
  file.metadata["checksum"] = checksum(file);
  write_file(path, format_safetensors(file), /*force=*/true);
}

void read_checkpoint(const std::string& path, const Fingerprint& run, Point& point) {
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
  check_run(file, path, run);

  visit_progress(point.progress, [&](const std::string& key, auto& value) {
    const std::string text = metadata("progress." + key);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      refuse(path, "expected a number for progress." + key + ", found \"" + text + "\"");
    }
  });
  read_parameters(file, path, "weights", point.weights);
  for (std::size_t i = 0; i < point.moments.size(); ++i) {
    read_parameters(file, path, "moment" + to_text(i), point.moments[i]);
  }
  if (point.average) read_parameters(file, path, "average", *point.average);
  read_tensor(file, path, "state", shape_of(point.state), point.state.values());
  point.best.reset();
  if (std::isfinite(point.progress.validations.best)) {
    Parameters best = point.weights.zeros_like();
    read_parameters(file, path, "best", best);
    point.best = std::make_shared<const Parameters>(std::move(best));
  }
}

}  // namespace sluice
