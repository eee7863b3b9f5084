// Which class was taken for which, as a picture in the page's style.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::tool {

struct ConfusionMatrix {
  std::vector<std::string> classes = {};
  std::vector<std::uint64_t> counts = {};  // [classes, classes]: a row for what is, a column for what was predicted

  std::uint64_t at(std::size_t truth, std::size_t predicted) const {
    return counts[truth * classes.size() + predicted];
  }
};
ConfusionMatrix confusion_matrix(const std::vector<std::string>& classes, std::span<const std::uint32_t> labels,
                                 std::span<const std::uint32_t> predicted);

// Of many classes, those that are there most often; the others are one.
std::string confusion_picture(const std::string& title, const ConfusionMatrix& matrix);

}  // namespace sluice::tool
