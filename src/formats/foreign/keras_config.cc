// A Keras config: which layers read which.
#include "base/shown.h"
#include "formats/foreign/keras_parts.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

class Reader : private KerasParts {
 public:
  using KerasParts::KerasParts;

  Network read(const JsonNode& root) {
    const JsonObject model(root, path_ + ": config");
    const std::string kind = model.text("class_name");
    const JsonNode& content = model["config"];
    // Keras before 2.2.3 wrote a list of layers alone.
    const JsonNode& layers = content.is_list() ? content : JsonObject(content, model.where())["layers"];
    for (const JsonNode& layer : layers.items) remember_place(layer);
    if (kind == "Sequential") {
      read_sequential(layers);
    } else if (kind == "Functional" || kind == "Model") {
      read_functional(layers, JsonObject(content, model.where()));
    } else {
      model.refuse("class_name", "Sequential or Functional", shown(kind));
    }
    Network network = builder_.finish(std::string("Keras ") + (source_.version3 ? "3" : "2"));
    network.layout = Layout::batch_first;
    return network;
  }

 private:
  void read_sequential(const JsonNode& layers) {
    KerasFlow flow;
    for (const JsonNode& node : layers.items) {
      const KerasLayer layer = layer_of(node);
      if (layer.kind == "InputLayer") {
        flow = input(layer);
        continue;
      }
      if (flow.value == no_value) flow = input(layer);
      flow = apply(layer, {flow});
    }
    if (flow.value == no_value) throw Error(Status::bad_file, path_ + ": config: expected layers, found none");
    builder_.output("0", flow.value);
  }

  // Names of layers that a layer reads, whichever generation wrote them.
  void collect_inputs(const JsonNode& node, std::vector<std::string>& names) const {
    if (const JsonNode* history = node.find("keras_history")) {
      if (history->kind == JsonNode::Kind::list && !history->items.empty()) names.push_back(history->items[0].text);
      return;
    }
    const bool old = node.kind == JsonNode::Kind::list && node.items.size() >= 3 &&
                     node.items[0].kind == JsonNode::Kind::text && node.items[1].kind == JsonNode::Kind::number;
    if (old) {
      names.push_back(node.items[0].text);
      return;
    }
    for (const JsonNode& item : node.items) collect_inputs(item, names);
  }

  void read_functional(const JsonNode& layers, const JsonObject& config) {
    std::map<std::string, KerasFlow> flows;
    std::vector<const JsonNode*> open;
    for (const JsonNode& layer : layers.items) open.push_back(&layer);
    // Keras writes layers behind those that they read; a few rounds are for whoever does not.
    for (int round = 0; !open.empty(); ++round) {
      std::vector<const JsonNode*> later;
      for (const JsonNode* node : open) {
        if (!read_node(*node, flows)) later.push_back(node);
      }
      if (later.size() == open.size() || (round > 16 && !later.empty()))
        refuse(layer_of(*later[0]), "layers that read layers before them", "a circle");
      open = std::move(later);
    }
    std::vector<std::string> outputs;
    const JsonNode& listed = config["output_layers"];
    // Keras 3 writes one output without a list around it.
    for (const JsonNode& item : listed.items) {
      if (item.kind == JsonNode::Kind::text) outputs.push_back(item.text);
      if (item.is_list() && !item.items.empty()) outputs.push_back(item.items[0].text);
    }
    for (const std::string& name : outputs) {
      const auto found = flows.find(name);
      if (found == flows.end()) config.refuse("output_layers", "names of layers", shown(name));
      builder_.output(name, found->second.value);
    }
  }

  bool read_node(const JsonNode& node, std::map<std::string, KerasFlow>& flows) {
    const KerasLayer layer = layer_of(node);
    if (layer.kind == "InputLayer") {
      flows[layer.name] = input(layer);
      return true;
    }
    const JsonObject object(node, where(layer));
    if (object["inbound_nodes"].size() != 1) refuse(layer, "a layer that is used once", "another number of uses");
    std::vector<std::string> names;
    collect_inputs(object["inbound_nodes"], names);
    if (names.empty()) refuse(layer, "layers that it reads", "none");
    std::vector<KerasFlow> read;
    for (const std::string& name : names) {
      const auto found = flows.find(name);
      if (found == flows.end()) return false;
      read.push_back(found->second);
    }
    flows[layer.name] = apply(layer, read);
    return true;
  }

  // [batch, time, features] of numbers, or [batch, time] of tokens; of an input layer, or of the first one without.
  KerasFlow input(const KerasLayer& layer) {
    const JsonObject config(*layer.config, where(layer));
    const JsonNode* shape = config.find("batch_shape");
    if (shape == nullptr) shape = config.find("batch_input_shape");
    if (shape == nullptr) config.refuse("batch_shape", "a shape", "none");
    return input_of(layer, *shape);
  }
  KerasFlow input_of(const KerasLayer& layer, const JsonNode& shape) {
    const std::string name = std::to_string(builder_.network().inputs.size());
    if (shape.size() == 2) return {builder_.input(name, {Kind::tokens, 0})};
    const JsonNode* last = shape.size() == 3 && shape.kind == JsonNode::Kind::list ? &shape.items[2] : nullptr;
    const double features = last != nullptr                                              ? last->number
                            : shape.kind == JsonNode::Kind::numbers && shape.size() == 3 ? shape.numbers[2]
                                                                                         : 0;
    if (!(features >= 1 && features < 1e7))
      refuse(layer, "tokens [batch, time] or numbers [batch, time, features]", "another shape");
    return {builder_.input(name, {Kind::sequence, static_cast<std::size_t>(features)})};
  }
};

}  // namespace

Network read_keras_config(const JsonNode& config, const KerasSource& source, std::uint64_t file_bytes,
                          const std::string& path, const Options& options) {
  expect_only(options, {}, path);
  return Reader(source, file_bytes, path).read(config);
}

}  // namespace sluice::foreign
