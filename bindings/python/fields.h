// Options by name, as Python's keyword arguments give them, laid over the library's lists of fields.
#pragma once

#include <nanobind/nanobind.h>

#include <concepts>
#include <string>
#include <vector>

#include "base/fields.h"
#include "option_names.h"
#include "sluice/error.h"
#include "sluice/model.h"
#include "sluice/train.h"

namespace sluice::python {

namespace nb = nanobind;

std::string shown(nb::handle value);

void read(nb::handle value, const char* name, bool& out);
void read(nb::handle value, const char* name, std::uint64_t& out);
void read(nb::handle value, const char* name, double& out);
void read(nb::handle value, const char* name, std::string& out);
void read(nb::handle value, const char* name, std::vector<double>& out);
void read(nb::handle value, const char* name, std::vector<std::string>& out);
template <NamedEnum T>
void read(nb::handle value, const char* name, T& out) {
  std::string text;
  read(value, name, text);
  if (!read_field(text, out)) refuse_field(name, expected_of<T>(), shown(value));
}

// The value of that field, where the options have it; throws Error (usage) where it is of another type.
template <class T>
bool apply(const nb::dict& options, const char* name, T& out) {
  const nb::str key(python_name(name).c_str());
  if (!options.contains(key)) return false;
  read(options[key], key.c_str(), out);
  return true;
}

// Fields of visit_config, and "stack", "head", "scaling" and "spelling", which are a list of such dicts and dicts.
void apply_network(const nb::dict& options, Config& config);
// Fields of visit_training. Their ranges are the library's to check.
void apply_training(const nb::dict& options, TrainOptions& train);

nb::dict to_dict(const Config& config);
nb::dict to_dict(const SpellingConfig& spelling);
nb::dict to_dict(const TrainOptions& options);
// As the note of a model file has them: by their names there, without those of how the work is done.
nb::dict noted(const TrainOptions& options);

void bind_fields(nb::module_& m);

}  // namespace sluice::python
