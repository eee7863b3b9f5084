// The times of rows: how they are written, how far apart they are, and which come next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

// How a column writes its times, so that times that follow are written alike.
struct TimeForm {
  enum class Kind : std::uint8_t {
    integer,  // 17, a count or seconds since 1970
    month,    // 1949-01
    date,     // 1949-01-31
    minute,   // 1949-01-31 12:30
    second,   // 1949-01-31 12:30:00
    fraction  // 1949-01-31 12:30:00.25, to the microsecond
  };
  Kind kind = Kind::integer;
  char separator = ' ';    // of date and time: ' ' or 'T'
  bool zone = false;       // there is one; Z, or hours from UTC
  bool z = false;          // written as Z
  int offset_minutes = 0;  // east of UTC; of the last time that was read

  bool operator==(const TimeForm&) const = default;
};

// A time as a number: the integer itself, or microseconds since 1970 (of UTC, where there is a zone).
using Time = std::int64_t;

// Reads ISO 8601 dates, with a time of the day and a zone if there is one, and integers. Nothing for any other text.
// The year has four digits.
std::optional<Time> read_time(std::string_view text, TimeForm& form);
bool is_date(std::string_view text);  // a time, and no integer
std::string time_text(Time time, const TimeForm& form);

// How far rows are apart.
struct Frequency {
  enum class Unit : std::uint8_t {
    one,           // of integers
    microseconds,  // and with them days and weeks
    months,        // of the calendar, and with them years
    month_ends,    // the last day of each
    weekdays,      // Monday to Friday
  };
  Unit unit = Unit::one;
  std::int64_t count = 1;

  bool operator==(const Frequency&) const = default;
};
std::string frequency_text(const Frequency& frequency);  // "1 hour", "15 minutes", "1 month", "1 weekday"

// Steps after which such a series may repeat itself: a minute of seconds, a day of hours or minutes, a week of days, a
// year of months or quarters. 1: none is known.
std::size_t usual_season(const Frequency& frequency);

// The time that comes `steps` steps after another.
Time later(Time time, const Frequency& frequency, std::int64_t steps);
// How many steps lie between two times; nothing where that is no whole number.
std::optional<std::int64_t> steps_between(Time first, Time last, const Frequency& frequency);

// How far apart most times are that follow each other, where all others are a whole number of such steps; they must
// ascend. Nothing where they are not, and for fewer than two.
std::optional<Frequency> find_frequency(std::span<const Time> times, TimeForm::Kind kind);

}  // namespace sluice
