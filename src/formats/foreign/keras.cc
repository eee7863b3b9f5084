#include "formats/foreign/keras.h"

#include <algorithm>
#include <set>

#include "base/shown.h"
#include "formats/foreign/chain.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

// "3.15.1": major and minor.
std::pair<int, int> version_of(const std::string& text) {
  int numbers[2] = {0, 0};
  std::size_t k = 0;
  for (const char c : text.substr(0, 20)) {
    if (c == '.' && ++k == 2) break;
    if (c >= '0' && c <= '9') numbers[k] = std::min(numbers[k] * 10 + (c - '0'), 9999);
  }
  return {numbers[0], numbers[1]};
}

std::string first_text(const Hdf5& file, const std::string& path, const std::string& name) {
  const auto* texts = file.find_text(path, name);
  return texts == nullptr || texts->empty() ? "" : texts->front();
}

// Names of Keras' tensors for the user's word: "gru/kernel", "lstm_1/recurrent_kernel". From
//   layers/gru/cell/vars/0            Keras 3
//   lstm_1/lstm_1/kernel:0            Keras 2
std::string plain_name(const std::string& path, const std::set<std::string>& paths) {
  constexpr std::string_view vars = "/vars/";
  const std::size_t at = path.rfind(vars);
  if (path.starts_with("layers/") && at != std::string::npos) {
    std::string module = path.substr(7, at - 7);
    const std::string number = path.substr(at + vars.size());
    const bool cell = module.ends_with("/cell");
    if (cell) module.resize(module.size() - 5);
    const std::string prefix = path.substr(0, at + vars.size());
    const bool alone = !paths.contains(prefix + "1");
    const std::string name = number == "0"   ? (alone ? "embeddings" : "kernel")
                             : number == "1" ? (cell ? "recurrent_kernel" : "bias")
                             : number == "2" ? "bias"
                                             : number;
    return module + "/" + name;
  }
  const std::size_t first = path.find('/'), last = path.rfind('/');
  if (first == std::string::npos) return path;
  std::string name = path.substr(last + 1);
  if (name.ends_with(":0")) name.resize(name.size() - 2);
  return path.substr(0, first) + "/" + name;
}

Network read_weights(const Hdf5& file, std::uint64_t file_bytes, const std::string& path, const Options& options) {
  std::vector<RawTensor> tensors = file.datasets;
  std::set<std::string> paths;
  for (const RawTensor& tensor : tensors) paths.insert(tensor.name);
  for (RawTensor& tensor : tensors) tensor.name = plain_name(tensor.name, paths);
  return read_chain(std::move(tensors), "weights of Keras", file_bytes, path, options);
}

}  // namespace

bool is_keras(const Zip& zip) { return zip.find("config.json") != nullptr && zip.find("model.weights.h5") != nullptr; }

Network read_keras(const Zip& zip, std::uint64_t file_bytes, const Options& options) {
  const std::string& path = zip.where;
  const Hdf5 file = read_hdf5(zip.read(*zip.find("model.weights.h5")), path);
  const JsonNode config = read_json(zip.read(*zip.find("config.json")), path + ": config.json");
  KerasSource source;
  source.file = &file;
  source.version3 = source.by_place = true;
  return read_keras_config(config, source, file_bytes, path, options);
}

Network read_keras_h5(std::string_view bytes, const std::string& path, const Options& options) {
  Hdf5 file = read_hdf5(bytes, path);
  const std::string config = first_text(file, "", "model_config");
  if (config.empty()) return read_weights(file, bytes.size(), path, options);
  std::string version = first_text(file, "model_weights", "keras_version");
  if (version.empty()) version = first_text(file, "", "keras_version");
  const auto [major, minor] = version_of(version);
  if (major != 1 && major != 2 && major != 3) {
    throw Error(Status::bad_file, path + ": expected keras_version 1 to 3, found " + shown(version));
  }
  KerasSource source;
  source.file = &file;
  source.version3 = major == 3;
  source.root = "model_weights/";
  source.old_gates = major < 2 || (major == 2 && minor < 3);
  return read_keras_config(read_json(config, path + ": config"), source, bytes.size(), path, options);
}

}  // namespace sluice::foreign
