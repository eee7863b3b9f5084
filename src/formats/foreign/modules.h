// Named tensors gathered into modules, and each module's layers in the canonical form.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/foreign/import.h"
#include "formats/foreign/tensors.h"

namespace sluice::foreign {

// One recurrent module: its layers from the input up.
struct RecurrentModule {
  std::vector<Recurrent> layers;
  bool stacked = true;  // a module of layers, whose state is [L D, B, R]; not a single cell's [B, R]
};

class Modules {
 public:
  Modules(std::vector<RawTensor> tensors, std::uint64_t file_bytes, const std::string& path, const Options& options);

  bool has(const std::string& module) const { return modules_.contains(module); }
  bool is_recurrent(const std::string& module) const;
  bool is_keras(const std::string& module) const;
  // Whether it has a weight and nothing else: an embedding, or a dense layer without bias.
  bool is_bare(const std::string& module) const;

  // These mark what they read as used.
  Array tensor(const std::string& name);
  Embedding embedding(const std::string& module);
  Dense dense(const std::string& module);
  RecurrentModule recurrent(const std::string& module);

  // Throws Error (usage) that names the first tensor that neither was read nor is named as unused.
  void check_all_used() const;
  // "embedding.weight [64, 32], gru.weight_ih_l0 [192, 32], ..."
  std::string list() const;
  const std::string& path() const { return path_; }

 private:
  [[noreturn]] void refuse(const std::string& place, const std::string& expected, const std::string& found) const;
  bool has_parameter(const std::string& module, const std::string& parameter) const;
  std::optional<Array> maybe(const std::string& module, const std::string& parameter);
  Array parameter(const std::string& module, const std::string& parameter);
  Recurrent torch_layer(const std::string& module, const std::string& suffix);
  Direction torch_direction(const std::string& module, const std::string& suffix, Recurrent& part, bool first);
  Recurrent keras_layer(const std::string& module);

  std::string path_;
  const Options& options_;
  Budget budget_;
  std::vector<RawTensor> tensors_;
  std::map<std::string, std::size_t> by_name_;
  std::map<std::string, std::map<std::string, std::size_t>> modules_;  // parameter -> tensor
  std::set<std::size_t> used_;
};

}  // namespace sluice::foreign
