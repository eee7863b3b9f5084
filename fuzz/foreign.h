// A foreign model from any bytes: refused by an Error of one sentence, or read, and then what was read is sound enough
// to be listed and, where it is small, evaluated; and where a model of ours can hold it, that one runs and is written
// for others so that it is read again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/check.h"
#include "formats/foreign/export.h"
#include "formats/foreign/import.h"
#include "formats/foreign/to_model.h"
#include "sluice/error.h"

namespace sluice::foreign {

inline void fuzz_as_model(const Network& network) {
  const Converted made = to_model(network, "fuzz");
  Feed feed = {3, 2, {}};
  const Port& port = network.inputs[made.input];
  const std::size_t features = std::max<std::size_t>(1, network.values[port.value].features);
  feed.inputs[port.value] = std::vector<double>(6 * features);
  const auto ours = run_model(made, network, feed);
  if (ours.size() != network.outputs.size()) std::abort();
  const std::string written = export_onnx(made.model, "fuzz").bytes;
  try {
    read_network(written, "written");
  } catch (const Error&) {
    std::abort();
  }
}

inline void fuzz_model(const std::uint8_t* data, std::size_t size, const Options& options) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bool as_model = false;
  try {
    const Network network = read_network(bytes, "fuzz", options);
    const std::vector<PartLine> lines = summary(network);
    if (lines.size() != network.parts.size()) std::abort();
    std::size_t features = 0;
    for (const Value& value : network.values) features += value.features;
    if (network.parameter_count() > 100'000 || features > 100'000) return;
    first_outputs(network);
    as_model = true;
    fuzz_as_model(network);
  } catch (const Error& error) {
    const bool known = error.status() == Status::bad_file || error.status() == Status::usage ||
                       (as_model && error.status() == Status::failed);
    if (!known) std::abort();
    if (std::strchr(error.what(), '\n') != nullptr) std::abort();
  }
}

}  // namespace sluice::foreign
