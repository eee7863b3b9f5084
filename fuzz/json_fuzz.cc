// A tree of JSON from any bytes: refused by an Error, or the tree that nlohmann's parser makes, of bounded depth.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json_tree.h"
#include "sluice/error.h"

namespace {

std::size_t depth_of(const nlohmann::ordered_json& tree) {
  if (!tree.is_structured()) return 0;
  std::size_t deepest = 0;
  for (const auto& part : tree) deepest = std::max(deepest, depth_of(part));
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const nlohmann::ordered_json tree = sluice::read_json(text, "fuzz");
    if (depth_of(tree) > sluice::most_json_depth) std::abort();
    if (tree != nlohmann::ordered_json::parse(text)) std::abort();
  } catch (const sluice::Error& error) {
    if (error.status() != sluice::Status::bad_file) std::abort();
  }
  return 0;
}
