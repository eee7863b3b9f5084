// Layers of a Keras config to parts, with their weights.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/foreign/keras.h"
#include "formats/foreign/keras_layers.h"

namespace sluice::foreign {

// A value on its way through the model, and the mask that goes with it.
struct KerasFlow {
  ValueId value = no_value, mask = no_value;
};

struct KerasLayer {
  std::string kind, name;
  const JsonNode* config;
};

class KerasParts {
 public:
  KerasParts(const KerasSource& source, std::uint64_t file_bytes, const std::string& path);

 protected:
  KerasLayer layer_of(const JsonNode& node) const;
  std::string where(const KerasLayer& layer) const;
  [[noreturn]] void refuse(const KerasLayer& layer, const std::string& expected, const std::string& found) const;
  // A .keras archive counts layers of each class in their order.
  void remember_place(const JsonNode& node);
  // Adds what a layer is.
  KerasFlow apply(const KerasLayer& layer, const std::vector<KerasFlow>& inputs);

  const KerasSource& source_;
  const std::string& path_;
  Builder builder_;

 private:
  KerasFlow pooled(const KerasLayer& layer, const JsonObject& config, const KerasFlow& x);
  KerasFlow combine(const KerasLayer& layer, const JsonObject& config, const std::vector<KerasFlow>& inputs);
  Activation activation(const KerasLayer& layer, const JsonObject& config, std::string_view key,
                        const std::string& otherwise) const;
  // Weight i of a layer, or of a layer within another (`inner`); its name in the older files.
  std::optional<Array> weight(const KerasLayer& outer, const std::string& inner, std::size_t i, const std::string& name,
                              const std::string& within);
  Array needed(const KerasLayer& outer, const std::string& inner, std::size_t i, const std::string& name,
               const std::string& within = "");
  KerasFlow embedding(const KerasLayer& layer, const JsonObject& config, const KerasFlow& x);
  KerasFlow dense(const KerasLayer& outer, const KerasLayer& layer, const JsonObject& config, const KerasFlow& x,
                  const std::string& inner);
  // One direction's part, and what its config says about its use.
  Recurrent recurrent_part(const KerasLayer& outer, const KerasLayer& layer, const JsonObject& config,
                           const std::string& inner, const std::string& within);
  KerasFlow recurrent(const KerasLayer& layer, const JsonObject& config, const KerasFlow& x);
  KerasFlow bidirectional(const KerasLayer& outer, const JsonObject& config, const KerasFlow& x);

  Budget budget_;
  std::map<std::string, const RawTensor*> tensors_;
  std::map<std::string, std::string> places_;
  std::map<std::string, std::size_t> counters_;
};

}  // namespace sluice::foreign
