#include "fields.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <type_traits>

#include "defaults.h"
#include "model/config.h"
#include "train/options.h"

namespace sluice::python {

std::string shown(nb::handle value) {
  const nb::object text = nb::steal(PyObject_Repr(value.ptr()));
  if (!text.is_valid()) throw nb::python_error();
  std::string all = nb::cast<std::string>(text);
  if (all.size() > 60) all = all.substr(0, 57) + "...";
  return all;
}

std::string python_name(const char* name) {
  std::string text = name;
  std::ranges::replace(text, '-', '_');
  return text;
}

void read(nb::handle value, const char* name, bool& out) {
  const int truth = PyBool_Check(value.ptr()) ? PyObject_IsTrue(value.ptr()) : -1;
  if (truth < 0) refuse_field(name, "True or False", shown(value));
  out = truth == 1;
}

void read(nb::handle value, const char* name, std::uint64_t& out) {
  const nb::object whole = PyBool_Check(value.ptr()) ? nb::object() : nb::steal(PyNumber_Index(value.ptr()));
  const std::uint64_t number = whole.is_valid() ? PyLong_AsUnsignedLongLong(whole.ptr()) : 0;
  if (whole.is_valid() && PyErr_Occurred() == nullptr) {
    out = number;
    return;
  }
  PyErr_Clear();
  refuse_field(name, expected_of<std::uint64_t>(), shown(value));
}

void read(nb::handle value, const char* name, double& out) {
  const bool none = PyBool_Check(value.ptr()) || PyUnicode_Check(value.ptr());
  const double number = none ? 0 : PyFloat_AsDouble(value.ptr());
  if (none || PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse_field(name, "a number", shown(value));
  }
  out = number;
}

void read(nb::handle value, const char* name, std::string& out) {
  if (PyUnicode_Check(value.ptr())) {
    out = nb::cast<std::string>(value);
    return;
  }
  const nb::object path = nb::steal(PyOS_FSPath(value.ptr()));
  if (!path.is_valid() || !PyUnicode_Check(path.ptr())) {
    PyErr_Clear();
    refuse_field(name, "a text", shown(value));
  }
  out = nb::cast<std::string>(path);
}

void read(nb::handle value, const char* name, std::vector<double>& out) {
  if (!nb::try_cast(value, out)) refuse_field(name, "numbers", shown(value));
}

namespace {

template <class T, class Visit>
void apply_all(const nb::dict& options, T& object, Visit&& visit) {
  visit(object, [&](const char* name, auto& member, const char*) { apply(options, name, member); });
}

template <class T>
bool dict_of(const nb::dict& options, const char* name, T& dict) {
  const nb::str key(name);
  if (!options.contains(key) || options[key].is_none()) return false;
  if (!nb::try_cast(options[key], dict)) refuse_field(name, "a dict", shown(options[key]));
  return true;
}

template <class T>
nb::object object_of(const T& value) {
  if constexpr (NamedEnum<T>) {
    return nb::cast(field_text(value));
  } else {
    return nb::cast(value);
  }
}

}  // namespace

void apply_network(const nb::dict& options, Config& config) {
  apply(options, "inputs", config.inputs);
  apply(options, "outputs", config.outputs);
  visit_config(config, [&](const char* name, auto& member, const char*) { apply(options, name, member); });
  if (options.contains("stack")) {
    config.stack.clear();
    for (const nb::handle entry : options["stack"]) {
      nb::dict fields;
      if (!nb::try_cast(entry, fields)) refuse_field("stack", "dicts", shown(entry));
      visit_layer(config.stack.emplace_back(),
                  [&](const char* name, auto& member, const char*) { apply(fields, name, member); });
    }
  }
  nb::dict fields;
  if (dict_of(options, "head", fields)) {
    visit_head(config.head, [&](const char* name, auto& member, const char*) { apply(fields, name, member); });
  }
  if (dict_of(options, "scaling", fields)) {
    visit_scaling(config.scaling, [&](const char* name, auto& member, const char*) { apply(fields, name, member); });
  }
}

void apply_training(const nb::dict& options, TrainOptions& train) {
  visit_training(train, [&](const Field& field, auto& value, Effect) { apply(options, field.name, value); });
}

nb::dict to_dict(const Config& config) {
  nb::dict all;
  visit_config(config, [&](const char* name, const auto& member, const char*) {
    all[python_name(name).c_str()] = object_of(member);
  });
  if (!config.stack.empty()) {
    nb::list stack;
    for (const LayerConfig& layer : config.stack) {
      nb::dict fields;
      visit_layer(layer, [&](const char* name, const auto& member, const char*) {
        fields[python_name(name).c_str()] = object_of(member);
      });
      stack.append(fields);
    }
    all["stack"] = stack;
  }
  nb::dict head, scaling;
  visit_head(config.head, [&](const char* name, const auto& member, const char*) {
    head[python_name(name).c_str()] = object_of(member);
  });
  all["head"] = head;
  if (!config.scaling.mean.empty()) {
    visit_scaling(config.scaling,
                  [&](const char* name, const auto& member, const char*) { scaling[name] = object_of(member); });
    all["scaling"] = scaling;
  }
  return all;
}

nb::dict to_dict(const TrainOptions& options) {
  nb::dict all;
  visit_training(options, [&](const Field& field, const auto& value, Effect) {
    all[python_name(field.name).c_str()] = object_of(value);
  });
  return all;
}

namespace {

// What documentation and checks of names are made of: (name, type, help, default for words, default for characters).
nb::list described() {
  const tool::Defaults words = tool::defaults_for(Level::word), characters = tool::defaults_for(Level::character);
  nb::list all;
  const nb::dict chars_network = to_dict(characters.config), chars_training = to_dict(characters.train);
  const auto add = [&](const char* name, const auto& value, const char* help, const nb::dict& chars) {
    using T = std::decay_t<decltype(value)>;
    const char* type = std::is_same_v<T, bool>     ? "bool"
                       : std::is_same_v<T, double> ? "float"
                       : std::integral<T>          ? "int"
                                                   : "str";
    std::string text = help;
    if constexpr (NamedEnum<T>) text = expected_of<T>() + (text.empty() ? "" : "; " + text);
    const std::string key = python_name(name);
    all.append(nb::make_tuple(key, type, text, object_of(value), chars[key.c_str()]));
  };
  visit_config(words.config,
               [&](const char* name, const auto& member, const char* help) { add(name, member, help, chars_network); });
  visit_training(words.train, [&](const Field& field, const auto& value, Effect) {
    add(field.name, value, field.help, chars_training);
  });
  return all;
}

}  // namespace

void bind_fields(nb::module_& m) {
  m.def("options", described,
        "Every option of a network and of its training: (name, type, help, default for words, for characters).");
}

}  // namespace sluice::python
