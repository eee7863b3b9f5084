#include "formats/foreign/layers.h"

#include <algorithm>
#include <utility>

#include "sluice/error.h"

namespace sluice::foreign {
namespace {

void copy_block(std::span<const float> from, bool negated, std::span<float> to) {
  std::transform(from.begin(), from.end(), to.begin(), [negated](float value) { return negated ? -value : value; });
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
  if (!rows.wide()) {
    std::vector<float> canonical(rows.size());
    for (std::size_t block = 0; block < blocks.size(); ++block) {
      copy_block(rows.floats().subspan(block * size, size), blocks[block].negated,
                 std::span(canonical).subspan(blocks[block].internal * size, size));
    }
    return Numbers(std::move(canonical));
  }
  Numbers canonical(rows.size(), rows.wide());
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    const std::size_t from = block * size, to = blocks[block].internal * size;
    for (std::size_t i = 0; i < size; ++i) {
      canonical.set(to + i, blocks[block].negated ? -rows[from + i] : rows[from + i]);
    }
  }
  return canonical;
}

Numbers transposed(const Numbers& values, std::size_t columns, std::size_t rows) {
  if (!values.wide()) {
    constexpr std::size_t kRows = 16;  // at a time, so that what is written together is read together
    std::vector<float> turned(values.size());
    const std::span<const float> floats = values.floats();
    for (std::size_t first = 0; first < columns; first += kRows) {
      const std::size_t end = std::min(columns, first + kRows);
      for (std::size_t j = 0; j < rows; ++j) {
        for (std::size_t i = first; i < end; ++i) turned[j * columns + i] = floats[i * rows + j];
      }
    }
    return Numbers(std::move(turned));
  }
  Numbers turned(values.size(), true);
  for (std::size_t i = 0; i < columns; ++i) {
    for (std::size_t j = 0; j < rows; ++j) turned.set(j * columns + i, values[i * rows + j]);
  }
  return turned;
}

Numbers part_of(const Numbers& values, std::size_t first, std::size_t count) {
  if (!values.wide()) {
    const std::span<const float> floats = values.floats().subspan(first, count);
    return Numbers(std::vector<float>(floats.begin(), floats.end()));
  }
  Numbers part(count, true);
  for (std::size_t i = 0; i < count; ++i) part.set(i, values[first + i]);
  return part;
}

std::vector<float> in_file_order(const Numbers& canonical, std::size_t count, std::span<const GateBlock> blocks) {
  std::vector<float> values(count);
  const std::size_t size = blocks.empty() ? count : count / blocks.size();
  if (!canonical.wide() && !canonical.empty()) {
    const std::span<const GateBlock> all = blocks.empty() ? std::span<const GateBlock>(one_gate) : blocks;
    for (std::size_t block = 0; block < all.size(); ++block) {
      copy_block(canonical.floats().subspan(all[block].internal * size, size), all[block].negated,
                 std::span(values).subspan(block * size, size));
    }
    return values;
  }
  for (std::size_t i = 0; i < count && !canonical.empty(); ++i) {
    const GateBlock block = blocks.empty() ? GateBlock{0} : blocks[i / size];
    const auto value = static_cast<float>(canonical[blocks.empty() ? i : block.internal * size + i % size]);
    values[i] = block.negated ? -value : value;
  }
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
