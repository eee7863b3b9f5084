// Tensors of a file to the canonical weights of a layer: gate orders turned, transposed where the file has its rows the
// other way, and checked against each other.
#pragma once

#include <span>
#include <string>

#include "formats/foreign/network.h"
#include "formats/foreign/tensors.h"
#include "formats/gate_order.h"

namespace sluice::foreign {

// Blocks of rows of a [G H, columns] array in the canonical order. Throws Error (bad_file) where rows do not divide.
Numbers reordered(const Numbers& rows, std::span<const GateBlock> blocks, std::size_t columns,
                  const std::string& where);
// [rows, columns] of [columns, rows].
Numbers transposed(const Numbers& values, std::size_t columns, std::size_t rows);
// Numbers [first, first + count).
Numbers part_of(const Numbers& values, std::size_t first, std::size_t count);

// The way back: canonical rows in the order of a file, as float32; no numbers: `count` zeros.
std::vector<float> in_file_order(const Numbers& canonical, std::size_t count, std::span<const GateBlock> blocks = {});
// The order of PyTorch, for a cell that it has.
std::span<const GateBlock> torch_order(Cell cell);

// Throws Error (bad_file) unless the array has this shape.
void expect_shape(const Array& array, const Shape& shape, const std::string& where);

}  // namespace sluice::foreign
