// Ranges of a network's fields, and the fields as JSON. The list of fields is visit_config.
#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/json.h"
#include "base/json_writer.h"
#include "heads/head.h"
#include "model/layout.h"

namespace sluice {
namespace {

// Bounds that keep every product of sizes far inside 64 bits and refuse a mistyped number.
constexpr std::size_t most_layers = 256, most_units = std::size_t{1} << 17;

[[noreturn]] void out_of_range(const std::string& field, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, field + ": expected " + expected + ", found " + found);
}

void check_size(const std::string& field, std::size_t value, std::size_t most) {
  if (value >= 1 && value <= most) return;
  out_of_range(field, "a number from 1 to " + std::to_string(most), std::to_string(value));
}

std::string number_text(double value) { return nlohmann::json(value).dump(); }  // null for NaN and infinity

void check_share(const std::string& field, double value) {
  if (value >= 0 && value < 1) return;
  out_of_range(field, "a share from 0 up to but not including 1", number_text(value));
}

void check_name(const std::string& field, const std::string& value, std::initializer_list<std::string_view> known) {
  std::string names;
  for (const std::string_view name : known) {
    if (name == value) return;
    names += (names.empty() ? "" : name == *(known.end() - 1) ? " or " : ", ") + std::string(name);
  }
  out_of_range(field, names, shown(value));
}

void check_bias(double value) {
  if (std::abs(value) <= 100) return;
  out_of_range("forget-bias", "a number from -100 to 100", number_text(value));
}

void check_layer(const LayerConfig& layer, const std::string& where) {
  check_name(where + "kind", layer.kind, {"recurrent", "dense"});
  check_size(where + "units", layer.units, most_units);
  check_share(where + "dropout", layer.dropout);
  check_share(where + "weight-dropout", layer.weight_dropout);
  if (layer.kind == "dense") {
    return check_name(where + "activation", layer.activation, {"none", "tanh", "relu", "sigmoid", "elu"});
  }
  find_cell(layer.cell);
  check_name(where + "direction", layer.direction, {"forward", "backward", "both", "sum"});
  check_name(where + "activation", layer.activation, {"tanh", "relu"});
  check_name(where + "initial-state", layer.initial_state, {"zero", "learned"});
  check_bias(layer.forget_bias);
}

void check_stack(const Config& config) {
  check_size("layers", config.stack.size(), most_layers);
  for (std::size_t l = 0; l < config.stack.size(); ++l) {
    check_layer(config.stack[l], "layer " + std::to_string(l) + ": ");
  }
  for (const LayerConfig& layer : config.stack) {
    if (layer.kind == "recurrent") return;
  }
  out_of_range("layers", "a recurrent one among them", "none");
}

void set_shorthand(Config& config, const LayerConfig& layer, std::size_t layers) {
  config.cell = layer.cell;
  config.layers = layers;
  config.hidden = layer.units;
  config.dropout = layer.dropout;
  config.weight_dropout = layer.weight_dropout;
  config.activation = layer.activation;
  config.forget_bias = layer.forget_bias;
}

// Of the shorthand nothing is said twice: where it stands for the very layers of the stack there is no stack, and else
// its fields are those of no layer.
void take_shorthand(Config& config) {
  Config few = config;
  set_shorthand(few, config.stack.front(), config.stack.size());
  few.stack.clear();
  if (layers_of(few) == config.stack) {
    config = std::move(few);
  } else {
    set_shorthand(config, LayerConfig(), 1);
  }
}

bool of_classes(const Config& config) {
  return config.head.loss == "softmax" || (config.head.loss.empty() && config.inputs == 0);
}

void check_head(const Config& config) {
  const HeadConfig& head = config.head;
  make_head(head, config.inputs == 0);
  check_name("at", head.at, {"steps", "last", "mean", "max"});
  check_share("label-smoothing", head.label_smoothing);
  if (!(head.huber_delta > 0 && head.huber_delta <= 1e30)) {
    out_of_range("huber-delta", "a number above 0", number_text(head.huber_delta));
  }
  if (!of_classes(config) && (head.label_smoothing > 0 || !head.class_weights.empty())) {
    out_of_range("loss", "softmax where there are class-weights or label-smoothing", head.loss);
  }
  const bool weighs = !head.class_weights.empty();
  if (weighs && config.outputs > 0 && head.class_weights.size() != config.outputs) {
    out_of_range("class-weights", "one for each of " + std::to_string(config.outputs) + " classes",
                 std::to_string(head.class_weights.size()));
  }
  for (const double weight : head.class_weights) {
    if (!(weight >= 0 && weight <= 1e30)) out_of_range("class-weights", "numbers from 0 on", number_text(weight));
  }
  if (head.at == "last" && !config.stack.empty() && config.stack.back().direction == "sum") {
    out_of_range("at", "steps, mean or max above a layer that adds its directions", "last");
  }
}

void check_residual(const Config& config) {
  const HeadConfig& head = config.head;
  if (head.residual.empty()) return;
  if (of_classes(config) || head.loss == "multilabel" || config.inputs == 0) {
    out_of_range("residual", "none but for numbers that are predicted from numbers", "one");
  }
  if (head.at != "steps" && head.at != "last") out_of_range("residual", "none at " + head.at, "one");
  if (head.residual.size() != config.outputs) {
    out_of_range("residual", "a feature for each of " + std::to_string(config.outputs) + " outputs",
                 std::to_string(head.residual.size()));
  }
  for (const double feature : head.residual) {
    if (feature >= 0 && feature < static_cast<double>(config.inputs) && feature == std::floor(feature)) continue;
    out_of_range("residual", "numbers of features, below " + std::to_string(config.inputs), number_text(feature));
  }
}

void check_scaling(const Config& config) {
  const ScalingConfig& scaling = config.scaling;
  if (scaling == ScalingConfig()) return;
  for (const std::vector<double>* numbers : {&scaling.mean, &scaling.deviation}) {
    if (config.inputs > 0 && numbers->size() == config.inputs) continue;
    out_of_range("scaling", "a mean and a deviation for each of " + std::to_string(config.inputs) + " features",
                 std::to_string(numbers->size()));
  }
  constexpr double most = std::numeric_limits<float>::max();
  for (const double mean : scaling.mean) {
    if (!(std::abs(mean) <= most)) out_of_range("scaling", "finite means", number_text(mean));
  }
  for (const double deviation : scaling.deviation) {
    if (!(deviation >= 1 / most && deviation <= most)) {
      out_of_range("scaling", "deviations above 0", number_text(deviation));
    }
  }
}

void check_tokens(Config& config) {
  if (config.outputs > 0 && config.head.loss.empty()) {
    out_of_range("outputs", "0 where there are no inputs", std::to_string(config.outputs));
  }
  if (config.outputs > 0) check_size("outputs", config.outputs, most_units);
  if (config.outputs == 0 && !of_classes(config))
    out_of_range("outputs", "1 or more of a head that is no softmax", "0");
  const std::vector<LayerConfig> layers = layers_of(config);
  if (config.embedding == 0) config.embedding = config.tied ? outputs_of(layers.back()) : layers.front().units;
  check_size("embedding", config.embedding, most_units);
  if (!config.tied) return;
  if (config.outputs > 0) out_of_range("tied", "false where tokens are not what is predicted", "true");
  if (config.embedding != outputs_of(layers.back())) {
    out_of_range("tied", "an embedding of the last layer's units, " + std::to_string(outputs_of(layers.back())),
                 std::to_string(config.embedding));
  }
}

void check_features(const Config& config) {
  check_size("inputs", config.inputs, most_units);
  check_size("outputs", config.outputs, most_units);
  if (config.embedding > 0) out_of_range("embedding", "0 where there are inputs", std::to_string(config.embedding));
  if (config.tied) out_of_range("tied", "false where there are inputs", "true");
}

template <class Member>
bool read_member(const nlohmann::json& value, Member& member) {
  if constexpr (std::is_same_v<Member, bool>) {
    if (!value.is_boolean()) return false;
  } else if constexpr (std::is_same_v<Member, std::size_t>) {
    if (!value.is_number_unsigned()) return false;
  } else if constexpr (std::is_same_v<Member, double>) {
    if (!value.is_number()) return false;
  } else if constexpr (std::is_same_v<Member, std::vector<double>>) {
    if (!value.is_array()) return false;
  } else {
    if (!value.is_string()) return false;
  }
  member = value.get<Member>();
  return true;
}

template <class Member>
std::string kind() {
  if constexpr (std::is_same_v<Member, bool>) return "true or false";
  if constexpr (std::is_same_v<Member, std::size_t>) return "a whole number";
  if constexpr (std::is_same_v<Member, double>) return "a number";
  if constexpr (std::is_same_v<Member, std::vector<double>>) return "an array of numbers";
  return "a text";
}

}  // namespace

Config checked(Config config) {
  if (!config.stack.empty()) {
    check_stack(config);
    take_shorthand(config);
  }
  find_cell(config.cell);
  check_size("layers", config.layers, most_layers);
  check_size("hidden", config.hidden, most_units);
  if (config.inputs > 0) {
    check_features(config);
  } else {
    check_tokens(config);
  }
  check_head(config);
  check_residual(config);
  check_scaling(config);
  check_share("dropout", config.dropout);
  check_share("input-dropout", config.input_dropout);
  check_share("weight-dropout", config.weight_dropout);
  check_name("activation", config.activation, {"tanh", "relu"});
  check_bias(config.forget_bias);
  return config;
}

std::string what_it_reads(const Config& config) {
  if (config.inputs == 0) return "text";
  return "numbers, " + std::to_string(config.inputs) + " in and " + std::to_string(config.outputs) + " out a step";
}

void expect_text(const Config& config, const std::string& where) {
  if (config.inputs == 0) return;
  throw Error(Status::usage, where + ": expected a model of text, found one of " + what_it_reads(config));
}

void expect_numbers(const Config& config, const std::string& where) {
  if (config.inputs > 0) return;
  throw Error(Status::usage, where + ": expected a model on numbers, found one of text");
}

void expect_language(const Config& config, const std::string& where) {
  expect_text(config, where);
  const auto refuse = [&](const char* expected, const std::string& found) {
    throw Error(Status::usage, where + ": expected " + expected + ", found " + found);
  };
  if (config.outputs > 0 || !of_classes(config)) {
    refuse("a model that predicts the next token", "one of " + std::to_string(config.outputs) + " outputs");
  }
  if (config.head.at != "steps") refuse("a model that predicts at every step", "one that does at " + config.head.at);
  for (std::size_t l = 0; l < config.stack.size(); ++l) {
    const LayerConfig& layer = config.stack[l];
    if (layer.kind != "recurrent" || layer.direction == "forward") continue;
    refuse("layers that read forward, since a backward one sees the token that is to be predicted",
           "the direction " + layer.direction + " in layer " + std::to_string(l));
  }
}

void expect_plain(const Config& config, const std::string& where) {
  const auto refuse = [&](const char* expected, const std::string& found) {
    throw Error(Status::usage, where + ": expected " + expected + ", found " + found);
  };
  if (config.inputs == 0) expect_language(config, where);
  if (!config.stack.empty()) {
    refuse("equal recurrent layers that read forward", layers_in_words(config));
  }
  if (config.head.at != "steps") refuse("a model that predicts at every step", "one that does at " + config.head.at);
  if (config.scaling != ScalingConfig()) refuse("features as they are", "scaled ones");
  if (!config.head.residual.empty()) refuse("outputs of the last layer alone", "features that are added to them");
  const std::string& loss = config.head.loss;
  if (config.inputs == 0 || loss.empty() || loss == "squared" || loss == "absolute" || loss == "huber") return;
  refuse("a head that gives its outputs as they are", loss);
}

std::string layers_in_words(const Config& config) {
  const std::size_t count = config.stack.empty() ? config.layers : config.stack.size();
  std::string text = std::to_string(count) + (count == 1 ? " layer of " : " layers of ");
  if (config.stack.empty()) return text + std::to_string(config.hidden) + " units";
  for (std::size_t l = 0; l < count; ++l) {
    const LayerConfig& layer = config.stack[l];
    if (l > 0) text += l + 1 < count ? ", " : " and ";
    text += std::to_string(layer.units);
    if (layer.kind != "recurrent") {
      text += " (" + layer.kind + ")";
    } else if (layer.direction != "forward") {
      text += " (" + layer.direction + ")";
    }
  }
  return text + " units";
}

namespace {

// Objects of texts, numbers, true and false and of arrays of numbers: one, or an array of them.
class ObjectsReader : public JsonReader {
 public:
  using Object = std::map<std::string, nlohmann::json>;
  ObjectsReader(const std::string& where, bool many) : JsonReader(where), many_(many) {}

  bool start_array(std::size_t) override {
    if (!inside_) {
      if (!many_ || std::exchange(opened_, true)) refuse("an array");
      return true;
    }
    if (array_) refuse("an array within");
    array_ = true;
    value() = nlohmann::json::array();
    return true;
  }
  bool end_array() override {
    if (!array_) return true;
    array_ = false;
    return true;
  }
  bool start_object(std::size_t) override {
    if (inside_ || (many_ && !opened_) || (!many_ && !objects.empty()) || objects.size() >= most_layers) {
      refuse("an object");
    }
    inside_ = true;
    objects.emplace_back();
    return true;
  }
  bool end_object() override {
    inside_ = false;
    return true;
  }
  bool key(string_t& name) override {
    key_ = name;
    if (!objects.back().emplace(key_, nullptr).second) refuse("the key " + shown(key_) + " twice");
    return true;
  }
  bool boolean(bool value) override { return take(value); }
  bool number_integer(number_integer_t value) override { return take(value); }
  bool number_unsigned(number_unsigned_t value) override { return take(value); }
  bool number_float(number_float_t value, const string_t&) override { return take(value); }
  bool string(string_t& value) override { return take(value); }

  std::vector<Object> objects;

 protected:
  std::string expected() const override {
    return many_ ? "an array of objects as they were written" : "an object as it was written";
  }

 private:
  nlohmann::json& value() { return objects.back().at(key_); }
  template <class Value>
  bool take(const Value& given) {
    if (!inside_) refuse("a value");
    if (!array_) {
      value() = given;
      return true;
    }
    if constexpr (std::is_arithmetic_v<Value> && !std::is_same_v<Value, bool>) {
      if (value().size() < most_units) {
        value().push_back(static_cast<double>(given));
        return true;
      }
    }
    refuse("another value");
  }

  bool many_, opened_ = false, inside_ = false, array_ = false;
  std::string key_;
};

// The fields of an object into what `visit` goes through; none but these may be there, and each may lack.
template <class Fields, class Visit>
void take_fields(ObjectsReader::Object object, const std::string& where, Fields& fields, Visit&& visit) {
  visit(fields, [&](const char* name, auto& member, const char*) {
    const auto field = object.find(name);
    if (field == object.end()) return;  // a field that is newer than the file keeps its default
    if (!read_member(field->second, member)) {
      throw Error(Status::bad_file, where + ": expected " + name + " to be " +
                                        kind<std::remove_reference_t<decltype(member)>>() + ", found " +
                                        shown(field->second.dump()));
    }
    object.erase(field);
  });
  if (object.empty()) return;
  throw Error(Status::bad_file, where + ": expected known fields only, found " + shown(object.begin()->first));
}

std::vector<LayerConfig> stack_from_json(const std::string& json, const std::string& where) {
  ObjectsReader reader(where, true);
  reader.read(json);
  std::vector<LayerConfig> stack;
  for (ObjectsReader::Object& object : reader.objects) {
    take_fields(std::move(object), where, stack.emplace_back(), [](LayerConfig& l, auto&& f) { visit_layer(l, f); });
  }
  if (stack.empty()) throw Error(Status::bad_file, where + ": expected a layer or more, found none");
  return stack;
}

template <class Fields, class Visit>
Fields object_from_json(const std::string& json, const std::string& where, Visit&& visit) {
  ObjectsReader reader(where, false);
  reader.read(json);
  Fields fields;
  if (reader.objects.empty()) throw Error(Status::bad_file, where + ": expected an object, found none");
  take_fields(std::move(reader.objects[0]), where, fields, visit);
  return fields;
}

template <class Fields, class Visit>
std::string object_to_json(const Fields& fields, Visit&& visit) {
  if (fields == Fields()) return {};
  JsonWriter json;
  json.begin_object();
  visit(fields,
        [&](const char* name, const auto& member, const char*) { json.key(name).raw(nlohmann::json(member).dump()); });
  return json.end_object().take();
}

}  // namespace

std::string config_to_json(const Config& config) {
  JsonWriter json;
  json.begin_object();
  visit_config(config, [&](const char* name, const auto& member, const char*) {
    json.key(name).raw(nlohmann::json(member).dump());
  });
  return json.end_object().take();
}

std::string stack_to_json(const Config& config) {
  if (config.stack.empty()) return {};
  JsonWriter json;
  json.begin_array();
  for (const LayerConfig& layer : config.stack) {
    json.begin_object();
    visit_layer(layer, [&](const char* name, const auto& member, const char*) {
      json.key(name).raw(nlohmann::json(member).dump());
    });
    json.end_object();
  }
  return json.end_array().take();
}

std::string head_to_json(const Config& config) {
  return object_to_json(config.head, [](const HeadConfig& h, auto&& f) { visit_head(h, f); });
}

std::string scaling_to_json(const Config& config) {
  return object_to_json(config.scaling, [](const ScalingConfig& s, auto&& f) { visit_scaling(s, f); });
}

Config config_from_json(const std::string& json, const std::string& where, const ConfigParts& parts) {
  std::map<std::string, nlohmann::json> object = read_flat_object(json, where);
  if (!object.contains("cell")) {
    throw Error(Status::bad_file, where + ": expected the name of a cell, found none");
  }
  Config config;
  const bool features = object.contains("inputs");
  config.inputs = features ? 1 : 0;  // whose fields these are
  config.outputs = object.contains("outputs") ? 1 : 0;
  take_fields(std::move(object), where, config, [](Config& c, auto&& f) { visit_config(c, f); });
  if (features && config.inputs == 0) {
    throw Error(Status::bad_file, where + ": expected inputs of 1 or more, or none named, found 0");
  }
  if (!parts.stack.empty()) config.stack = stack_from_json(parts.stack, where + ": layers");
  if (!parts.head.empty()) {
    config.head =
        object_from_json<HeadConfig>(parts.head, where + ": head", [](HeadConfig& h, auto&& f) { visit_head(h, f); });
  }
  if (!parts.scaling.empty()) {
    config.scaling = object_from_json<ScalingConfig>(parts.scaling, where + ": scaling",
                                                     [](ScalingConfig& s, auto&& f) { visit_scaling(s, f); });
  }
  try {
    checked(config);
  } catch (const Error& error) {
    throw Error(Status::bad_file, where + ": " + error.what());
  }
  return config;
}

}  // namespace sluice
