// What a model's notes say of its forecasts; see forecast.h.
#include <algorithm>
#include <cmath>

#include "base/fields.h"
#include "base/json_tree.h"
#include "base/json_writer.h"
#include "base/shown.h"
#include "sluice/error.h"
#include "tasks/forecast.h"

namespace sluice {

constexpr std::array<std::string_view, 5> choices(Frequency::Unit) {
  return {"one", "microseconds", "months", "month_ends", "weekdays"};
}
constexpr std::array<std::string_view, 6> choices(TimeForm::Kind) {
  return {"integer", "month", "date", "minute", "second", "fraction"};
}
constexpr std::array<std::string_view, 3> choices(Missing) { return {"refuse", "mask", "fill"}; }

namespace {

constexpr const char* kNote = "forecast";
constexpr std::size_t kMostBytes = std::size_t{1} << 24, kMostSteps = std::size_t{1} << 20;

using Json = nlohmann::ordered_json;

// Reads the fields of an object that may have been written by anybody.
class Fields {
 public:
  Fields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw Error(Status::bad_file, where_ + ": expected " + expected + ", found " + found);
  }
  void expect(bool holds, const std::string& expected, const std::string& found) const {
    if (!holds) refuse(expected, found);
  }
  const Json& at(const char* name) const {
    if (!json_.is_object() || !json_.contains(name)) refuse(std::string(name) + " in an object", "none");
    return json_[name];
  }
  const Json& list(const char* name) const {
    if (!at(name).is_array()) refuse("an array as " + std::string(name), shown(at(name).dump()));
    return at(name);
  }
  std::string text(const Json& value, const char* name) const {
    if (!value.is_string()) refuse("a text as " + std::string(name), shown(value.dump()));
    return value.get<std::string>();
  }
  void read(const char* name, std::string& value) const { value = text(at(name), name); }
  void read(const char* name, bool& value) const {
    if (!at(name).is_boolean()) refuse("true or false as " + std::string(name), shown(at(name).dump()));
    value = at(name).get<bool>();
  }
  void read(const char* name, std::vector<std::string>& values) const {
    for (const Json& value : list(name)) values.push_back(text(value, name));
  }
  void read(const char* name, std::vector<double>& values) const {
    for (const Json& value : list(name)) {
      if (!value.is_number()) refuse("numbers as " + std::string(name), shown(value.dump()));
      values.push_back(value.get<double>());
    }
  }
  void read(const char* name, std::int64_t& value) const {
    if (!at(name).is_number_integer()) refuse("a whole number as " + std::string(name), shown(at(name).dump()));
    value = at(name).get<std::int64_t>();
  }
  void read(const char* name, std::size_t& value) const {
    std::int64_t number = 0;
    read(name, number);
    if (number < 1 || static_cast<std::size_t>(number) > kMostSteps) {
      refuse(std::string(name) + " from 1 to " + std::to_string(kMostSteps), std::to_string(number));
    }
    value = static_cast<std::size_t>(number);
  }
  template <NamedEnum T>
  void choose(const Json& json, const char* name, T& value) const {
    if (!read_field(text(json, name), value)) {
      refuse(list_of(choices(value)) + " as " + name, shown(json.get<std::string>()));
    }
  }
  template <NamedEnum T>
  void read(const char* name, T& value) const {
    choose(at(name), name, value);
  }

 private:
  const Json& json_;
  std::string where_;
};

void check(const ForecastTask& task, const Config& config, const Fields& fields) {
  const std::size_t columns = task.columns();
  const auto fits = [&](bool holds, const char* what) { fields.expect(holds, what, "others"); };
  fits(!task.targets.empty(), "a target or more");
  fits(task.bases.size() == task.targets.size(), "a base for each target");
  fits(task.scaling.mean.size() == columns && task.scaling.deviation.size() == columns, "a scale for each column");
  fits(std::ranges::all_of(task.scaling.mean, [](double m) { return std::isfinite(m); }) &&
           std::ranges::all_of(task.scaling.deviation, [](double d) { return std::isfinite(d) && d > 0; }),
       "finite means and deviations above 0");
  fits(!task.detect || (task.horizon == 1 && task.errors.size() == task.targets.size()), "an error for each target");
  fits(std::ranges::all_of(task.errors, [](double e) { return std::isfinite(e) && e > 0; }), "errors above 0");
  fits(task.categories.size() == task.fixed.size(), "categories for each column of texts");
  fits(task.lookback % task.segment == 0 && task.span <= task.lookback, "a lookback of whole segments");
  const bool seasonal = std::ranges::find(task.bases, ForecastBase::seasonal) != task.bases.end();
  fits(!seasonal || task.season <= task.lookback, "a season within the lookback");
  fits(task.frequency.count > 0, "a frequency above 0");
  const bool head = config.head.loss == "quantiles" && config.head.at == "last";
  fits(head && config.inputs == task.inputs() && config.outputs == task.horizon, "a network of these sizes");
}

}  // namespace

std::optional<ForecastTask> forecast_of(const Model& model, const std::string& path) {
  const auto note = model.notes().find(kNote);
  if (note == model.notes().end()) return std::nullopt;
  const std::string where = path + ": note \"forecast\"";
  const Json json = read_json(note->second, where, kMostBytes);
  const Fields fields(json, where);
  ForecastTask task;
  fields.read("time", task.time);
  fields.read("id", task.id);
  fields.read("timed", task.timed);
  fields.read("targets", task.targets);
  fields.read("past", task.past);
  fields.read("future", task.future);
  fields.read("static", task.fixed);
  for (const Json& names : fields.list("categories")) {
    fields.expect(names.is_array(), "arrays as categories", "something else");
    task.categories.emplace_back();
    for (const Json& name : names) task.categories.back().push_back(fields.text(name, "categories"));
  }
  fields.read("missing", task.missing);
  fields.read("unit", task.frequency.unit);
  fields.read("count", task.frequency.count);
  fields.read("horizon", task.horizon);
  fields.read("lookback", task.lookback);
  fields.read("segment", task.segment);
  fields.read("season", task.season);
  fields.read("span", task.span);
  for (const Json& base : fields.list("bases")) fields.choose(base, "bases", task.bases.emplace_back());
  fields.read("mean", task.scaling.mean);
  fields.read("deviation", task.scaling.deviation);
  fields.read("yearly", task.yearly);
  fields.read("detect", task.detect);
  fields.read("errors", task.errors);
  fields.read("trained", task.trained);
  fields.read("seen", task.seen);
  fields.read("time-form", task.time_form.kind);
  check(task, model.config(), fields);
  return task;
}

void set_forecast(Model& model, const ForecastTask& task) {
  JsonWriter json;
  json.begin_object();
  const auto write = [&](const char* name, std::string_view value) { json.key(name).string(value); };
  const auto texts = [&](const std::vector<std::string>& values) {
    json.begin_array();
    for (const std::string& value : values) json.string(value);
    json.end_array();
  };
  const auto numbers = [&](const char* name, const std::vector<double>& values) {
    json.key(name).begin_array();
    for (const double value : values) json.exact(value);
    json.end_array();
  };
  const auto signed_number = [&](const char* name, std::int64_t value) { json.key(name).raw(std::to_string(value)); };
  write("time", task.time);
  write("id", task.id);
  json.key("timed").boolean(task.timed);
  json.key("targets");
  texts(task.targets);
  json.key("past");
  texts(task.past);
  json.key("future");
  texts(task.future);
  json.key("static");
  texts(task.fixed);
  json.key("categories").begin_array();
  for (const auto& names : task.categories) texts(names);
  json.end_array();
  write("missing", field_text(task.missing));
  write("unit", field_text(task.frequency.unit));
  signed_number("count", task.frequency.count);
  json.key("horizon").integer(task.horizon);
  json.key("lookback").integer(task.lookback);
  json.key("segment").integer(task.segment);
  json.key("season").integer(task.season);
  json.key("span").integer(task.span);
  json.key("bases").begin_array();
  for (const ForecastBase base : task.bases) json.string(field_text(base));
  json.end_array();
  numbers("mean", task.scaling.mean);
  numbers("deviation", task.scaling.deviation);
  json.key("yearly").boolean(task.yearly);
  json.key("detect").boolean(task.detect);
  numbers("errors", task.errors);
  signed_number("trained", task.trained);
  signed_number("seen", task.seen);
  write("time-form", field_text(task.time_form.kind));
  model.notes()[kNote] = json.end_object().take();
}

}  // namespace sluice
