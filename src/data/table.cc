// Whole tables; see table.h.
#include "data/table.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/failure.h"
#include "base/shown.h"
#include "sluice/error.h"

namespace sluice {
namespace {

template <class T>
void reorder(std::vector<T>& values, std::span<const std::uint32_t> order) {
  if (values.empty()) return;
  std::vector<T> sorted;
  sorted.reserve(values.size());
  for (const std::uint32_t row : order) sorted.push_back(values[row]);
  values = std::move(sorted);
}

// Puts the rows of each series together, in the order in which they stand, and says where each begins.
void group(Table& table, const TextColumn& id, std::vector<std::uint32_t>& lines) {
  if (!std::ranges::is_sorted(id.rows)) {
    std::vector<std::uint32_t> order(table.rows);
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::stable_sort(order, {}, [&](std::uint32_t row) { return id.rows[row]; });
    for (auto& column : table.numbers) reorder(column, order);
    reorder(table.times, order);
    reorder(lines, order);
    for (auto& text : table.texts) reorder(text.rows, order);  // `id` is one of them
  }
  table.series = id.names;
  for (std::size_t s = 0; s < id.names.size(); ++s) {
    const auto end = std::ranges::upper_bound(id.rows, static_cast<std::uint32_t>(s));
    table.starts.push_back(static_cast<std::size_t>(end - id.rows.begin()));
  }
}

void check_order(const Table& table, std::size_t first, std::size_t last, std::span<const std::uint32_t> lines) {
  for (std::size_t row = first + 1; row < last; ++row) {
    const Time time = table.times[row], before = table.times[row - 1];
    if (time > before) continue;
    const std::string text = time_text(time, table.time_form);
    const std::string line = " (line " + std::to_string(lines[row - 1]) + ")";
    if (time == before) {
      refuse_line(table.name, lines[row], "each time once" + std::string(table.series.empty() ? "" : " in a series"),
                  text + " again" + line);
    }
    refuse_line(table.name, lines[row], "rows in the order of time, after " + time_text(before, table.time_form) + line,
                text);
  }
}

// One frequency for all series, and what is missing between their times.
void find_gaps(Table& table) {
  const std::span<const Time> times = table.times;
  std::optional<Frequency> all;
  for (std::size_t s = 0; s + 1 < table.starts.size(); ++s) {
    const auto part = times.subspan(table.starts[s], table.starts[s + 1] - table.starts[s]);
    if (part.size() < 2) continue;
    const auto found = find_frequency(part, table.time_form.kind);
    if (!found || (all && *found != *all)) return;
    all = found;
  }
  if (!all) return;
  for (std::size_t s = 0; s + 1 < table.starts.size(); ++s) {
    for (std::size_t row = table.starts[s] + 1; row < table.starts[s + 1]; ++row) {
      const auto steps = steps_between(times[row - 1], times[row], *all);
      if (!steps) return;
      if (*steps > 1 && table.gaps == 0) table.first_gap = time_text(times[row - 1], table.time_form);
      table.gaps += static_cast<std::uint64_t>(*steps - 1);
    }
  }
  table.frequency = all;
}

}  // namespace

Table read_table(const TextSource& source, const TableOptions& options, const std::string& id) try {
  Table table;
  TableReader reader(source, options);
  table.name = reader.name();
  table.columns = reader.number_columns();
  table.numbers.resize(table.columns.size());
  table.texts.resize(options.texts.size());
  std::vector<TokenTable> names(options.texts.size());
  std::vector<std::uint32_t> lines;
  const bool timed = reader.timed();
  for (; reader.next(); ++table.rows) {
    for (std::size_t i = 0; i < table.numbers.size(); ++i) table.numbers[i].push_back(reader.numbers()[i]);
    for (std::size_t i = 0; i < names.size(); ++i) table.texts[i].rows.push_back(names[i].add(reader.texts()[i]));
    if (!timed) continue;
    table.times.push_back(reader.time());
    lines.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(reader.line(), ~std::uint32_t{0})));
  }
  if (table.rows == 0) refuse_at(table.name, "rows under the header", "none");
  table.time_form = reader.time_form();
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (Token name = 0; name < names[i].size(); ++name) table.texts[i].names.emplace_back(names[i].token(name));
  }
  if (id.empty()) {
    table.starts.push_back(table.rows);
  } else {
    const auto at = std::ranges::find(options.texts, id);
    if (at == options.texts.end()) throw Error(Status::usage, "id: expected a column of text, found " + shown(id));
    group(table, table.texts[static_cast<std::size_t>(at - options.texts.begin())], lines);
  }
  if (!timed) return table;
  for (std::size_t s = 0; s + 1 < table.starts.size(); ++s) {
    check_order(table, table.starts[s], table.starts[s + 1], lines);
  }
  find_gaps(table);
  return table;
} catch (...) {
  rethrow_as_error("table");
}

void fill_gaps(Table& table) try {
  if (table.gaps == 0) return;
  if (table.gaps > 9 * table.rows) {
    refuse_at(table.name, "at most ten times as many times as rows between the first and the last",
              std::to_string(table.gaps) + " missing ones, the first after " + table.first_gap);
  }
  // Where each row of the longer table comes from, and whether it was there.
  std::vector<std::uint32_t> from;
  std::vector<bool> there;
  std::vector<Time> times;
  std::vector<std::size_t> starts{0};
  from.reserve(table.rows + table.gaps);
  for (std::size_t s = 0; s + 1 < table.starts.size(); ++s) {
    for (std::size_t row = table.starts[s]; row < table.starts[s + 1]; ++row) {
      const bool last = row + 1 == table.starts[s + 1];
      const auto steps = last ? 1 : steps_between(table.times[row], table.times[row + 1], *table.frequency).value_or(1);
      for (std::int64_t k = 0; k < steps; ++k) {
        from.push_back(static_cast<std::uint32_t>(row));
        there.push_back(k == 0);
        times.push_back(later(table.times[row], *table.frequency, k));
      }
    }
    starts.push_back(from.size());
  }
  for (auto& column : table.numbers) {
    reorder(column, from);
    for (std::size_t row = 0; row < from.size(); ++row) {
      if (!there[row]) column[row] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  for (auto& text : table.texts) reorder(text.rows, from);
  table.times = std::move(times);
  table.starts = std::move(starts);
  table.rows = from.size();
  table.gaps = 0;
  table.first_gap.clear();
} catch (...) {
  rethrow_as_error("table");
}

std::vector<std::size_t> rows_of(const Table& table, const NextTimes& next) try {
  if (table.times.empty()) refuse_at(table.name, "a column of times", "none");
  std::size_t s = 0;
  if (!table.series.empty()) {
    const auto found = std::ranges::find(table.series, next.series);
    if (found == table.series.end()) refuse_at(table.name, "rows of " + shown(next.series), "none");
    s = static_cast<std::size_t>(found - table.series.begin());
  }
  const auto first = table.times.begin() + static_cast<std::ptrdiff_t>(table.starts[s]);
  const auto last = table.times.begin() + static_cast<std::ptrdiff_t>(table.starts[s + 1]);
  std::vector<std::size_t> rows;
  constexpr std::size_t kListed = 4;
  std::vector<Time> missing;
  for (std::size_t step = 1; step <= next.steps; ++step) {
    const Time time = later(next.last, next.frequency, static_cast<std::int64_t>(step));
    const auto at = std::lower_bound(first, last, time);
    if (at != last && *at == time) {
      rows.push_back(static_cast<std::size_t>(at - table.times.begin()));
    } else {
      missing.push_back(time);
    }
  }
  if (missing.empty()) return rows;
  std::string list;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (i >= kListed && i + 1 < missing.size()) continue;
    list += i == 0 ? "" : i > kListed ? ", ..., " : ", ";
    list += time_text(missing[i], table.time_form);
  }
  refuse_at(table.name,
            "a row for each of the " + std::to_string(next.steps) + " times after " +
                time_text(next.last, table.time_form) +
                (table.series.empty() ? "" : " of the series " + shown(next.series)),
            "none for " + list);
} catch (...) {
  rethrow_as_error("table");
}

}  // namespace sluice
