// Times; see times.h.
#include "data/times.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr Time kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

// Reads the parts of a time one after another.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool skip(char c) {
    if (peek() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Exactly so many digits.
  std::optional<int> digits(std::size_t count) {
    int value = 0;
    if (rest_.size() < count) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
      value = 10 * value + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  // Digits behind the point, as microseconds; further ones are dropped.
  std::optional<Time> fraction() {
    Time value = 0, unit = kSecond;
    std::size_t count = 0;
    for (; !done() && peek() >= '0' && peek() <= '9'; rest_.remove_prefix(1), ++count) {
      unit /= 10;
      value += unit * (peek() - '0');
    }
    if (count == 0) return std::nullopt;
    return value;
  }

 private:
  std::string_view rest_;
};

std::optional<int> below(std::optional<int> value, int limit) { return value && *value < limit ? value : std::nullopt; }

// What stands behind the minutes: seconds, and their fraction. Nothing where that is not well-formed.
std::optional<Time> read_seconds(Scanner& scanner, TimeForm& form) {
  form.kind = TimeForm::Kind::minute;
  if (!scanner.skip(':')) return 0;
  const auto seconds = below(scanner.digits(2), 60);
  if (!seconds) return std::nullopt;
  form.kind = TimeForm::Kind::second;
  if (!scanner.skip('.')) return *seconds * kSecond;
  form.kind = TimeForm::Kind::fraction;
  const auto fraction = scanner.fraction();
  if (!fraction) return std::nullopt;
  return *seconds * kSecond + *fraction;
}

// "Z", "+01:00", "+0100", "+01", or nothing at all. False where it is none of them.
bool read_zone(Scanner& scanner, TimeForm& form) {
  if (scanner.done()) return true;
  form.zone = true;
  if (scanner.skip('Z')) {
    form.z = true;
    return scanner.done();
  }
  const bool east = scanner.skip('+');
  if (!east && !scanner.skip('-')) return false;
  const auto hours = below(scanner.digits(2), 24);
  if (!hours) return false;
  int minutes = 0;
  if (!scanner.done()) {
    scanner.skip(':');
    const auto more = below(scanner.digits(2), 60);
    if (!more) return false;
    minutes = *more;
  }
  form.offset_minutes = (east ? 1 : -1) * (*hours * 60 + minutes);
  return scanner.done();
}

std::optional<Time> read_integer(std::string_view text) {
  Time value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr Time kMost = Time{1} << 62;  // differences of two must not overflow
  if (error != std::errc{} || end != text.data() + text.size() || value >= kMost || value <= -kMost) {
    return std::nullopt;
  }
  return value;
}

struct Parts {
  year_month_day date;
  Time of_day;  // since midnight
};

Parts parts_of(Time time) {
  const Time day_count = time >= 0 ? time / kDay : -((-time + kDay - 1) / kDay);
  return {year_month_day(sys_days(days(static_cast<int>(day_count)))), time - day_count * kDay};
}

Time time_of(const year_month_day& date, Time of_day) {
  return static_cast<Time>(sys_days(date).time_since_epoch().count()) * kDay + of_day;
}

unsigned last_day(const year_month_day& date) {
  return static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
}

std::int64_t month_count(const year_month_day& date) {
  return static_cast<std::int64_t>(static_cast<int>(date.year())) * 12 + static_cast<unsigned>(date.month()) - 1;
}

// Monday is 0.
std::int64_t weekday_of(Time day_count) { return ((day_count + 3) % 7 + 7) % 7; }

// A time as a number of which each unit is one; nothing where the unit does not fit.
std::optional<std::int64_t> index_of(Time time, Frequency::Unit unit) {
  if (unit == Frequency::Unit::one || unit == Frequency::Unit::microseconds) return time;
  const Parts parts = parts_of(time);
  if (unit != Frequency::Unit::weekdays) return month_count(parts.date);
  const Time day_count = (time - parts.of_day) / kDay;
  const std::int64_t weekday = weekday_of(day_count);
  if (weekday > 4) return std::nullopt;
  return (day_count + 3 - weekday) / 7 * 5 + weekday;
}

// Whether the unit fits every time.
bool fits(std::span<const Time> times, Frequency::Unit unit) {
  const Parts first = parts_of(times.front());
  bool weekend = false;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const Parts parts = parts_of(times[i]);
    if (parts.of_day != first.of_day) return false;
    if (unit == Frequency::Unit::months && parts.date.day() != first.date.day()) return false;
    if (unit == Frequency::Unit::month_ends && static_cast<unsigned>(parts.date.day()) != last_day(parts.date)) {
      return false;
    }
    if (unit == Frequency::Unit::weekdays) {
      if (!index_of(times[i], unit)) return false;
      weekend = weekend || (i > 0 && times[i] - times[i - 1] == 3 * kDay);
    }
  }
  return unit != Frequency::Unit::weekdays || weekend;
}

std::optional<Frequency> frequency_in(std::span<const Time> times, Frequency::Unit unit) {
  std::map<std::int64_t, std::size_t> counts;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const std::int64_t apart = *index_of(times[i], unit) - *index_of(times[i - 1], unit);
    if (apart <= 0) return std::nullopt;  // two times within a month
    ++counts[apart];
    if (counts.size() > 10000) return std::nullopt;
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const std::int64_t step = most->first;
  for (const auto& [apart, count] : counts) {
    if (apart % step != 0) return std::nullopt;
  }
  return Frequency{unit, step};
}

std::string counted(std::int64_t count, const std::string& unit) {
  return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
}

}  // namespace

std::optional<Time> read_time(std::string_view text, TimeForm& form) {
  form = {};
  if (text.size() < 7 || text[4] != '-') return read_integer(text);
  Scanner scanner(text);
  const auto y = scanner.digits(4);
  scanner.skip('-');
  const auto m = scanner.digits(2);
  if (!y || !m) return std::nullopt;
  year_month_day date(year(*y), month(static_cast<unsigned>(*m)), day(1));
  form.kind = TimeForm::Kind::month;
  if (scanner.skip('-')) {
    const auto d = scanner.digits(2);
    if (!d) return std::nullopt;
    date = year_month_day(date.year(), date.month(), day(static_cast<unsigned>(*d)));
    form.kind = TimeForm::Kind::date;
  }
  if (!date.ok()) return std::nullopt;
  if (scanner.done()) return time_of(date, 0);
  form.separator = scanner.peek();
  if (form.kind == TimeForm::Kind::month || (!scanner.skip(' ') && !scanner.skip('T'))) return std::nullopt;
  const auto hour = below(scanner.digits(2), 24);
  if (!hour || !scanner.skip(':')) return std::nullopt;
  const auto minute = below(scanner.digits(2), 60);
  if (!minute) return std::nullopt;
  const auto seconds = read_seconds(scanner, form);
  if (!seconds || !read_zone(scanner, form)) return std::nullopt;
  return time_of(date, *hour * kHour + *minute * kMinute + *seconds) - form.offset_minutes * kMinute;
}

bool is_date(std::string_view text) {
  TimeForm form;
  return read_time(text, form) && form.kind != TimeForm::Kind::integer;
}

std::string time_text(Time time, const TimeForm& form) {
  if (form.kind == TimeForm::Kind::integer) return std::to_string(time);
  const Parts parts = parts_of(time + form.offset_minutes * kMinute);
  char text[64];
  const int y = static_cast<int>(parts.date.year());
  const auto m = static_cast<unsigned>(parts.date.month()), d = static_cast<unsigned>(parts.date.day());
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", y, m, d);
  std::string written = text;
  if (form.kind == TimeForm::Kind::month) written.resize(written.size() - 3);
  if (form.kind < TimeForm::Kind::minute) return written;
  const auto hour = static_cast<int>(parts.of_day / kHour), minute = static_cast<int>(parts.of_day / kMinute % 60),
             second = static_cast<int>(parts.of_day / kSecond % 60);
  std::snprintf(text, sizeof text, "%c%02d:%02d", form.separator, hour, minute);
  written += text;
  if (form.kind >= TimeForm::Kind::second) {
    std::snprintf(text, sizeof text, ":%02d", second);
    written += text;
  }
  if (form.kind == TimeForm::Kind::fraction) {
    std::snprintf(text, sizeof text, ".%06d", static_cast<int>(parts.of_day % kSecond));
    written += text;
  }
  if (form.z) {
    written += 'Z';
  } else if (form.zone) {
    const int offset = std::abs(form.offset_minutes);
    std::snprintf(text, sizeof text, "%c%02d:%02d", form.offset_minutes < 0 ? '-' : '+', offset / 60, offset % 60);
    written += text;
  }
  return written;
}

std::string frequency_text(const Frequency& frequency) {
  const std::int64_t count = frequency.count;
  switch (frequency.unit) {
    case Frequency::Unit::one:
      return std::to_string(count);
    case Frequency::Unit::months:
      return count % 12 == 0 ? counted(count / 12, "year") : counted(count, "month");
    case Frequency::Unit::month_ends:
      return counted(count, "month") + ", at its end";
    case Frequency::Unit::weekdays:
      return counted(count, "weekday");
    case Frequency::Unit::microseconds:
      break;
  }
  constexpr std::array<std::pair<Time, const char*>, 6> kUnits{
      std::pair{7 * kDay, "week"}, {kDay, "day"},       {kHour, "hour"},
      {kMinute, "minute"},         {kSecond, "second"}, {1, "microsecond"}};
  const auto unit = std::ranges::find_if(kUnits, [&](const auto& one) { return count % one.first == 0; });
  return counted(count / unit->first, unit->second);
}

std::size_t usual_season(const Frequency& frequency) {
  const auto steps_in = [&](std::int64_t whole) {
    return whole % frequency.count == 0 ? static_cast<std::size_t>(whole / frequency.count) : 1;
  };
  switch (frequency.unit) {
    case Frequency::Unit::one:
      return 1;
    case Frequency::Unit::months:
    case Frequency::Unit::month_ends:
      return steps_in(12);
    case Frequency::Unit::weekdays:
      return steps_in(5);
    case Frequency::Unit::microseconds:
      break;
  }
  if (frequency.count >= kDay) return steps_in(7 * kDay);
  return frequency.count >= kMinute ? steps_in(kDay) : frequency.count >= kSecond ? steps_in(kMinute) : 1;
}

Time later(Time time, const Frequency& frequency, std::int64_t steps) {
  // Without a sign, so that integers at the end of the range wrap around instead of being undefined.
  const auto product = static_cast<std::uint64_t>(frequency.count) * static_cast<std::uint64_t>(steps);
  const auto count = static_cast<std::int64_t>(product);
  if (frequency.unit == Frequency::Unit::one || frequency.unit == Frequency::Unit::microseconds) {
    return static_cast<Time>(static_cast<std::uint64_t>(time) + product);
  }
  const Parts parts = parts_of(time);
  if (frequency.unit == Frequency::Unit::weekdays) {
    const std::int64_t index = index_of(time, frequency.unit).value_or(0) + count;
    const std::int64_t week = index >= 0 ? index / 5 : -((-index + 4) / 5);
    return (week * 7 + (index - week * 5) - 3) * kDay + parts.of_day;
  }
  const std::chrono::year_month to =
      std::chrono::year_month(parts.date.year(), parts.date.month()) + std::chrono::months(static_cast<int>(count));
  const unsigned last = last_day(to / day(1));
  const bool at_end = frequency.unit == Frequency::Unit::month_ends;
  const unsigned d = at_end ? last : std::min(last, static_cast<unsigned>(parts.date.day()));
  return time_of(to / day(d), parts.of_day);
}

std::optional<std::int64_t> steps_between(Time first, Time last, const Frequency& frequency) {
  const auto from = index_of(first, frequency.unit), to = index_of(last, frequency.unit);
  if (!from || !to || (*to - *from) % frequency.count != 0) return std::nullopt;
  const std::int64_t steps = (*to - *from) / frequency.count;
  if (later(first, frequency, steps) != last) return std::nullopt;
  return steps;
}

std::optional<Frequency> find_frequency(std::span<const Time> times, TimeForm::Kind kind) {
  using Unit = Frequency::Unit;
  if (times.size() < 2) return std::nullopt;
  if (kind == TimeForm::Kind::integer) return frequency_in(times, Unit::one);
  for (const Unit unit : {Unit::months, Unit::month_ends, Unit::weekdays}) {
    if (unit != Unit::weekdays && times[1] - times[0] < 28 * kDay) continue;
    if (!fits(times, unit)) continue;
    if (const auto found = frequency_in(times, unit)) return found;
  }
  return frequency_in(times, Unit::microseconds);
}

}  // namespace sluice
