#include "formats/foreign/layers.h"

#include <algorithm>
#include <utility>

#include "sluice/error.h"

namespace sluice::foreign {
namespace {

template <class From, class To>
void copy_block(std::span<const From> from, bool negated, std::span<To> to) {
  std::ranges::transform(from, to.begin(), [negated](From v) { return static_cast<To>(negated ? -v : v); });
}

}  // namespace

Numbers reordered(const Numbers& rows, std::span<const GateBlock> blocks, std::size_t columns,
                  const std::string& where) {
  const std::size_t unit = blocks.size() * columns;
  if (unit == 0 || rows.size() % unit != 0) {
    throw Error(Status::bad_file, where + ": expected rows of " + std::to_string(blocks.size()) + " gates, found " +
                                      std::to_string(rows.size()) + " numbers");
  }
  const std::size_t size = rows.size() / blocks.size();
  return rows.visit([&]<class T>(const std::vector<T>& from) {
    std::vector<T> canonical(from.size());
    for (std::size_t block = 0; block < blocks.size(); ++block) {
      copy_block(std::span(from).subspan(block * size, size), blocks[block].negated,
                 std::span(canonical).subspan(blocks[block].internal * size, size));
    }
    return Numbers(std::move(canonical));
  });
}

Numbers transposed(const Numbers& values, std::size_t columns, std::size_t rows) {
  return values.visit([&]<class T>(const std::vector<T>& from) {
    constexpr std::size_t kRows = 16;  // at a time, so that what is written together is read together
    std::vector<T> turned(from.size());
    for (std::size_t first = 0; first < columns; first += kRows) {
      const std::size_t end = std::min(columns, first + kRows);
      for (std::size_t j = 0; j < rows; ++j) {
        for (std::size_t i = first; i < end; ++i) turned[j * columns + i] = from[i * rows + j];
      }
    }
    return Numbers(std::move(turned));
  });
}

Numbers part_of(const Numbers& values, std::size_t first, std::size_t count) {
  return values.visit([&]<class T>(const std::vector<T>& from) {
    const std::span<const T> part = std::span(from).subspan(first, count);
    return Numbers(std::vector<T>(part.begin(), part.end()));
  });
}

std::vector<float> in_file_order(const Numbers& canonical, std::size_t count, std::span<const GateBlock> blocks) {
  std::vector<float> values(count);
  if (canonical.empty()) return values;
  if (blocks.empty()) blocks = one_gate;
  const std::size_t size = count / blocks.size();
  canonical.visit([&]<class T>(const std::vector<T>& from) {
    for (std::size_t block = 0; block < blocks.size(); ++block) {
      copy_block(std::span(from).subspan(blocks[block].internal * size, size), blocks[block].negated,
                 std::span(values).subspan(block * size, size));
    }
  });
  return values;
}

std::span<const GateBlock> torch_order(Cell cell) {
  if (cell == Cell::rnn) return one_gate;
  return cell == Cell::lstm ? std::span<const GateBlock>(lstm_ifgo) : std::span<const GateBlock>(gru_rzn);
}

void expect_shape(const Array& array, const Shape& shape, const std::string& where) {
  if (array.shape == shape) return;
  throw Error(Status::bad_file, where + ": expected shape " + text(shape) + ", found " + text(array.shape));
}

}  // namespace sluice::foreign
