// Models of Keras: `.keras` archives of Keras 3, `.h5` and `.hdf5` of Keras 2 and 3 with a config; weights alone go to
// formats/foreign/chain.h.
#pragma once

#include <string>
#include <string_view>

#include "formats/foreign/hdf5.h"
#include "formats/foreign/import.h"
#include "formats/foreign/json_tree.h"
#include "formats/foreign/zip.h"

namespace sluice::foreign {

bool is_keras(const Zip& zip);

Network read_keras(const Zip& zip, std::uint64_t file_bytes, const Options& options);
Network read_keras_h5(std::string_view bytes, const std::string& path, const Options& options);

// What is known about the weights of one layer.
struct KerasSource {
  const Hdf5* file = nullptr;
  bool version3 = false;   // of the config: hard_sigmoid is a / 6 + 0.5, not 0.2 a + 0.5
  bool by_place = false;   // layers/NAME/vars/0, where NAME is class and counter; else model_weights/NAME/NAME/kernel:0
  std::string root;        // "model_weights/" or ""
  bool old_gates = false;  // before 2.3 a config without recurrent_activation means hard_sigmoid
};

Network read_keras_config(const JsonNode& config, const KerasSource& source, std::uint64_t file_bytes,
                          const std::string& path, const Options& options);

}  // namespace sluice::foreign
