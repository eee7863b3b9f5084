// Tables over time as Python gives them: the path of a file, or columns in memory.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "data/times.h"
#include "sluice/data.h"

namespace sluice::python {

// A column and how its cells are written.
struct TableColumn {
  struct Times {
    std::vector<Time> times;
    TimeForm form;
  };
  std::string name;
  std::variant<std::vector<double>, Times, std::vector<std::string>> cells;

  std::size_t size() const;
  void write(std::size_t row, std::string& to) const;
};

// A table that nobody changes once it is made, so that threads may share it. Columns are copied, once. The library
// reads tables as text, so their rows are written for it as it asks for them, a piece at a time: a number as the
// shortest text that gives the same one. So a table in memory and its file are read alike, to the bit and to the
// message.
struct PythonTable {
  TextSource source;
};

}  // namespace sluice::python
