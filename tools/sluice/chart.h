// Charts as SVG 1.1, drawn as the page draws its curves (page/curves.js): its colours in both themes, its type, and a
// dash, a mark and a name for each series. The numbers of a series stand in its <desc>, for whoever cannot see it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sluice::tool {

struct ChartSeries {
  std::string name = {};
  std::size_t style = 0;                    // one of the page's four
  std::vector<double> x = {}, y = {};       // y: NaN where there is none
  std::vector<double> low = {}, high = {};  // a band around it; empty: none
};

struct Chart {
  std::string title = {}, x_label = {}, y_label = {};
  std::vector<ChartSeries> series = {};
  std::vector<std::string> x_names = {};  // of 0, 1, ...; empty: the numbers themselves
  double now = -1;                        // a line where the known ends; below 0: none
};

// One below the other.
std::string chart_picture(const std::string& title, std::span<const Chart> charts);

}  // namespace sluice::tool
