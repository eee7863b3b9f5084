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
  void read(const char* name, std::vector<std::vector<std::string>>& lists) const {
    for (const Json& values : list(name)) {
      expect(values.is_array(), "arrays as " + std::string(name), "something else");
      lists.emplace_back();
      for (const Json& value : values) lists.back().push_back(text(value, name));
    }
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
  void read(const char* name, T& value) const {
    choose(at(name), name, value);
  }
  template <NamedEnum T>
  void read(const char* name, std::vector<T>& values) const {
    for (const Json& value : list(name)) choose(value, name, values.emplace_back());
  }

 private:
  template <NamedEnum T>
  void choose(const Json& json, const char* name, T& value) const {
    if (!read_field(text(json, name), value)) {
      refuse(list_of(choices(value)) + " as " + name, shown(json.get<std::string>()));
    }
  }

  const Json& json_;
  std::string where_;
};

void write(JsonWriter& json, const std::string& value) { json.string(value); }
void write(JsonWriter& json, bool value) { json.boolean(value); }
void write(JsonWriter& json, std::size_t value) { json.integer(value); }
void write(JsonWriter& json, std::int64_t value) { json.raw(std::to_string(value)); }
void write(JsonWriter& json, double value) { json.exact(value); }
template <NamedEnum T>
void write(JsonWriter& json, T value) {
  json.string(field_text(value));
}
template <class T>
void write(JsonWriter& json, const std::vector<T>& values) {
  json.begin_array();
  for (const T& value : values) write(json, value);
  json.end_array();
}

// What is kept, in its order; the time's form without its separator and zone, which are those of each table.
template <class Task, class Visit>
void visit_fields(Task& task, const Visit& field) {
  field("time", task.time);
  field("id", task.id);
  field("timed", task.timed);
  field("targets", task.targets);
  field("past", task.past);
  field("future", task.future);
  field("static", task.fixed);
  field("categories", task.categories);
  field("missing", task.missing);
  field("unit", task.frequency.unit);
  field("count", task.frequency.count);
  field("horizon", task.horizon);
  field("lookback", task.lookback);
  field("segment", task.segment);
  field("season", task.season);
  field("span", task.span);
  field("bases", task.bases);
  field("mean", task.scaling.mean);
  field("deviation", task.scaling.deviation);
  field("yearly", task.yearly);
  field("detect", task.detect);
  field("errors", task.errors);
  field("trained", task.trained);
  field("seen", task.seen);
  field("time-form", task.time_form.kind);
}

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
  visit_fields(task, [&](const char* name, auto& value) { fields.read(name, value); });
  check(task, model.config(), fields);
  return task;
}

void set_forecast(Model& model, const ForecastTask& task) {
  JsonWriter json;
  json.begin_object();
  visit_fields(task, [&](const char* name, const auto& value) {
    json.key(name);
    write(json, value);
  });
  model.notes()[kNote] = json.end_object().take();
}

}  // namespace sluice
