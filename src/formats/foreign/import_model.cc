// The public face of all this.
#include "sluice/import.h"

#include <algorithm>

#include "base/failure.h"
#include "base/file.h"
#include "base/shown.h"
#include "formats/export_c.h"
#include "formats/foreign/export.h"
#include "formats/foreign/import.h"
#include "formats/foreign/to_model.h"

namespace sluice {
namespace {

void expect_one_of(const char* option, const std::string& value, std::initializer_list<std::string_view> known) {
  std::string names;
  for (const std::string_view name : known) {
    if (value.empty() || value == name) return;
    names += (names.empty() ? "" : " or ") + std::string(name);
  }
  throw Error(Status::usage, std::string(option) + ": expected " + names + ", found " + shown(value));
}

foreign::Options options_of(const ImportOptions& options) {
  expect_one_of("layout", options.layout, {"batch-first", "time-first"});
  expect_one_of("reset", options.reset, {"before", "after"});
  expect_one_of("convention", options.convention, {"keras"});
  foreign::Options made;
  made.parts = options.parts;
  made.unused = options.unused;
  if (!options.layout.empty()) {
    made.layout = options.layout == "batch-first" ? foreign::Layout::batch_first : foreign::Layout::time_first;
  }
  if (!options.reset.empty()) made.reset_after = options.reset == "after";
  made.convention = options.convention;
  made.constants = options.constants;
  made.silence = options.silence;
  return made;
}

}  // namespace

Model import_model(const std::string& path, const ImportOptions& options) try {
  const foreign::Network network = foreign::open_network(path, options_of(options));
  foreign::Converted made = foreign::to_model(network, path);
  if (options.check.empty()) return std::move(made.model);
  const RawVector<char> bytes = read_file(options.check);
  const auto arrays = foreign::read_arrays({bytes.data(), bytes.size()}, options.check);
  foreign::check_model(made, network, arrays, path, options.tolerance);
  return std::move(made.model);
} catch (...) {
  rethrow_as_error(path.c_str());
}

void export_model(const Model& model, const std::string& system, const std::string& path,
                  const SaveOptions& options) try {
  const foreign::System* found = foreign::find_system(system);
  const bool c = system == "c";
  if (found == nullptr && !c) {
    throw Error(Status::usage, "system: expected c, " + foreign::system_names() + ", found " + shown(system));
  }
  check_writable(path, options.force);
  write_file(path, c ? export_c(model, {}).source : found->write(model, path).bytes, options.force);
} catch (...) {
  rethrow_as_error(path.c_str());
}

}  // namespace sluice
