// Ranges of a network's fields, and the fields as JSON. The list of fields is visit_config.
#include "model/config.h"

#include <cmath>
#include <type_traits>

#include "base/json.h"
#include "base/json_writer.h"

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

void check_text(Config& config) {
  if (config.outputs > 0) out_of_range("outputs", "0 where there are no inputs", std::to_string(config.outputs));
  if (config.embedding == 0) config.embedding = config.hidden;
  check_size("embedding", config.embedding, most_units);
  if (config.tied && config.embedding != config.hidden) {
    out_of_range("tied", "embedding equal to hidden, " + std::to_string(config.hidden),
                 std::to_string(config.embedding));
  }
}

void check_numbers(const Config& config) {
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
  return "a text";
}

}  // namespace

Config checked(Config config) {
  find_cell(config.cell);
  check_size("layers", config.layers, most_layers);
  check_size("hidden", config.hidden, most_units);
  if (config.inputs > 0) {
    check_numbers(config);
  } else {
    check_text(config);
  }
  check_share("dropout", config.dropout);
  check_share("input-dropout", config.input_dropout);
  check_share("weight-dropout", config.weight_dropout);
  if (config.activation != "tanh" && config.activation != "relu") {
    out_of_range("activation", "tanh or relu", shown(config.activation));
  }
  if (!(std::abs(config.forget_bias) <= 100)) {
    out_of_range("forget-bias", "a number from -100 to 100", number_text(config.forget_bias));
  }
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

std::string config_to_json(const Config& config) {
  JsonWriter json;
  json.begin_object();
  visit_config(config, [&](const char* name, const auto& member, const char*) {
    json.key(name).raw(nlohmann::json(member).dump());
  });
  return json.end_object().take();
}

Config config_from_json(const std::string& json, const std::string& where) {
  const auto refuse = [&where](const std::string& expected, const std::string& found) {
    throw Error(Status::bad_file, where + ": expected " + expected + ", found " + found);
  };
  std::map<std::string, nlohmann::json> object = read_flat_object(json, where);

  Config config;
  if (!object.contains("cell")) refuse("the name of a cell", "none");
  const bool numbers = object.contains("inputs");
  config.inputs = numbers ? 1 : 0;  // whose fields these are
  visit_config(config, [&](const char* name, auto& member, const char*) {
    const auto field = object.find(name);
    if (field == object.end()) return;  // a field that is newer than the file keeps its default
    if (!read_member(field->second, member)) {
      refuse(std::string(name) + " to be " + kind<std::remove_reference_t<decltype(member)>>(),
             shown(field->second.dump()));
    }
    object.erase(field);
  });
  if (!object.empty()) refuse("known fields only", shown(object.begin()->first));
  if (numbers && config.inputs == 0) refuse("inputs of 1 or more, or none named", "0");
  try {
    checked(config);
  } catch (const Error& error) {
    throw Error(Status::bad_file, where + ": " + error.what());
  }
  return config;
}

}  // namespace sluice
