#include "fields.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <type_traits>

#include "defaults.h"
#include "model/config.h"
#include "train/options.h"
#include "train/plan.h"

namespace sluice::python {

std::string shown(nb::handle value) {
  const nb::object text = nb::steal(PyObject_Repr(value.ptr()));
  if (!text.is_valid()) throw nb::python_error();
  std::string all = nb::cast<std::string>(text);
  if (all.size() > 60) all = all.substr(0, 57) + "...";
  return all;
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

void read(nb::handle value, const char* name, std::vector<std::string>& out) {
  if (!nb::try_cast(value, out)) refuse_field(name, "texts", shown(value));
}

namespace {

nb::dict dict_of(nb::handle value, const char* name, const char* expected) {
  nb::dict dict;
  if (!nb::try_cast(value, dict)) refuse_field(name, expected, shown(value));
  return dict;
}

// The dict of that name; an empty one where the options have none.
nb::dict dict_in(const nb::dict& options, const char* name) {
  const nb::str key(name);
  if (!options.contains(key) || options[key].is_none()) return {};
  return dict_of(options[key], name, "a dict");
}

template <class T>
nb::object object_of(const T& value) {
  if constexpr (NamedEnum<T>) {
    return nb::cast(field_text(value));
  } else {
    return nb::cast(value);
  }
}

// For visit_config and its like: a dict's values into fields, and fields into a dict.
auto from_dict(const nb::dict& options) {
  return [options](const char* name, auto& member, const char*) { apply(options, name, member); };
}
auto into_dict(nb::dict fields) {
  return [fields](const char* name, const auto& member, const char*) mutable {
    fields[python_name(name).c_str()] = object_of(member);
  };
}

}  // namespace

void apply_network(const nb::dict& options, Config& config) {
  apply(options, "inputs", config.inputs);
  apply(options, "outputs", config.outputs);
  // A stack instead of what is said of layers by default; what the caller says of them besides is refused.
  if (options.contains("stack")) set_stack(config, {});
  visit_config(config, from_dict(options));
  if (options.contains("stack")) {
    for (const nb::handle entry : options["stack"]) {
      visit_layer(config.stack.emplace_back(), from_dict(dict_of(entry, "stack", "dicts")));
    }
  }
  visit_head(config.head, from_dict(dict_in(options, "head")));
  visit_scaling(config.scaling, from_dict(dict_in(options, "scaling")));
  visit_spelling(config.spelling, from_dict(dict_in(options, "spelling")));
}

void apply_training(const nb::dict& options, TrainOptions& train) {
  visit_training(train, [&](const Field& field, auto& value, Effect) { apply(options, field.name, value); });
}

nb::dict to_dict(const Config& config) {
  nb::dict all, head;
  visit_config(config, into_dict(all));
  if (!config.stack.empty()) {
    nb::list stack;
    for (const LayerConfig& layer : config.stack) {
      nb::dict fields;
      visit_layer(layer, into_dict(fields));
      stack.append(fields);
    }
    all["stack"] = stack;
  }
  visit_head(config.head, into_dict(head));
  all["head"] = head;
  if (!config.scaling.mean.empty()) {
    nb::dict scaling;
    visit_scaling(config.scaling, into_dict(scaling));
    all["scaling"] = scaling;
  }
  if (config.spelling.characters > 0) all["spelling"] = to_dict(config.spelling);
  return all;
}

nb::dict to_dict(const SpellingConfig& spelling) {
  nb::dict all;
  visit_spelling(spelling, into_dict(all));
  return all;
}

nb::dict to_dict(const TrainOptions& options) {
  nb::dict all;
  visit_training(options, [&](const Field& field, const auto& value, Effect) {
    all[python_name(field.name).c_str()] = object_of(value);
  });
  return all;
}

nb::dict noted(const TrainOptions& options) {
  nb::dict all;
  visit_training(options, [&](const Field& field, const auto& value, Effect effect) {
    if (effect != Effect::execution) all[field.name] = object_of(value);
  });
  return all;
}

namespace {

// What documentation and checks of names are made of: (name, type, help, default for words, default for characters,
// whether it is of the network and not of its training).
nb::list described() {
  const Plan words = plan_for({Level::word, 10000, 100}, {});
  const Plan characters = plan_for({Level::character, 10000, 100}, {});
  const std::set<std::string> by_text = decided_by_text();
  nb::list all;
  const nb::dict chars_network = to_dict(characters.config), chars_training = to_dict(characters.train);
  const auto add = [&](const char* name, const auto& value, const char* help, const nb::dict& chars, bool network) {
    using T = std::decay_t<decltype(value)>;
    std::string text = help;
    if constexpr (NamedEnum<T>) text = expected_of<T>() + (text.empty() ? "" : "; " + text);
    const std::string key = python_name(name);
    nb::object one = object_of(value), other = nb::borrow(chars[key.c_str()]);
    if (by_text.contains(name)) one = other = nb::str("by the text");
    all.append(nb::make_tuple(key, python_type<T>(), text, one, other, network));
  };
  visit_config(words.config, [&](const char* name, const auto& member, const char* help) {
    add(name, member, help, chars_network, true);
  });
  visit_training(words.train, [&](const Field& field, const auto& value, Effect) {
    add(field.name, value, field.help, chars_training, false);
  });
  return all;
}

}  // namespace

void bind_fields(nb::module_& m) {
  m.def("options", described,
        "Every option of a network and of its training: (name, type, help, default for words, for characters, whether "
        "it is of the network).");
}

}  // namespace sluice::python
