// A network's fields as JSON and back. The list of fields is visit_config.
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/json_writer.h"
#include "model/config.h"

namespace sluice {
namespace {

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

// A field of an object, where it is there. One that is newer than the file keeps its default. This and write_field()
// stand by themselves so that lists with fields of the same type share them.
template <class Member>
void take_field(ObjectsReader::Object& object, const std::string& where, const char* name, Member& member) {
  const auto field = object.find(name);
  if (field == object.end()) return;
  if (!read_member(field->second, member)) {
    throw Error(Status::bad_file,
                where + ": expected " + name + " to be " + kind<Member>() + ", found " + shown(field->second.dump()));
  }
  object.erase(field);
}

template <class Member>
void write_field(JsonWriter& json, const char* name, const Member& member) {
  json.key(name).raw(nlohmann::json(member).dump());
}

// The fields of an object into what `visit` goes through; none but these may be there, and each may lack.
template <class Fields, class Visit>
void take_fields(ObjectsReader::Object object, const std::string& where, Fields& fields, Visit&& visit) {
  visit(fields, [&](const char* name, auto& member, const char*) { take_field(object, where, name, member); });
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
  visit(fields, [&](const char* name, const auto& member, const char*) { write_field(json, name, member); });
  return json.end_object().take();
}

}  // namespace

std::string config_to_json(const Config& config) {
  JsonWriter json;
  json.begin_object();
  visit_config(config, [&](const char* name, const auto& member, const char*) { write_field(json, name, member); });
  return json.end_object().take();
}

std::string stack_to_json(const Config& config) {
  if (config.stack.empty()) return {};
  JsonWriter json;
  json.begin_array();
  for (const LayerConfig& layer : config.stack) {
    json.begin_object();
    visit_layer(layer, [&](const char* name, const auto& member, const char*) { write_field(json, name, member); });
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

std::string spelling_to_json(const Config& config) {
  return object_to_json(config.spelling, [](const SpellingConfig& s, auto&& f) { visit_spelling(s, f); });
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
  if (!parts.spelling.empty()) {
    config.spelling = object_from_json<SpellingConfig>(parts.spelling, where + ": spelling",
                                                       [](SpellingConfig& s, auto&& f) { visit_spelling(s, f); });
  }
  try {
    reset_unused_fields(config);  // files from before they were refused may have other values in them
    checked(config);
  } catch (const Error& error) {
    throw Error(Status::bad_file, where + ": " + error.what());
  }
  return config;
}

}  // namespace sluice
