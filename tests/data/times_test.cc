// Times: how they are read and written, and how far they are apart.
#include "data/times.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::times_test {
namespace {

constexpr Time kSecond = 1'000'000, kDay = 86400 * kSecond;

Time time_of(const std::string& text) {
  TimeForm form;
  const auto time = read_time(text, form);
  EXPECT_TRUE(time) << text;
  return time.value_or(0);
}

std::optional<Frequency> frequency_of(const std::vector<std::string>& texts) {
  std::vector<Time> times;
  TimeForm form;
  for (const std::string& text : texts) times.push_back(*read_time(text, form));
  return find_frequency(times, form.kind);
}

TEST(TimesTest, WhatIsReadIsWrittenAlike) {
  for (const std::string text :
       {"17", "-3", "1949-01", "1949-01-31", "2016-07-01 02:00:00", "2016-07-01T02:00", "2016-07-01 02:03:04.250000",
        "2016-07-01T02:00:00Z", "2016-07-01 02:00:00+05:30", "1960-02-29 23:59:59-08:00", "0001-01-01", "9999-12-31"}) {
    TimeForm form;
    const auto time = read_time(text, form);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(time_text(*time, form), text);
  }
}

TEST(TimesTest, SecondsSince1970) {
  EXPECT_EQ(time_of("1970-01-01"), 0);
  EXPECT_EQ(time_of("1970-01-01 00:00:01.5"), kSecond * 3 / 2);
  EXPECT_EQ(time_of("1969-12-31 23:59:59"), -kSecond);
  EXPECT_EQ(time_of("2016-07-01 00:00:00"), 1467331200 * kSecond);  // date -u -d 2016-07-01 +%s
  EXPECT_EQ(time_of("2016-07-01T02:00:00+02:00"), time_of("2016-07-01T00:00:00Z"));
  EXPECT_EQ(time_of("2016-07-01T02:00:00+0200"), time_of("2016-07-01T00:00:00Z"));
  EXPECT_EQ(time_of("2016-06-30T19:00:00-05"), time_of("2016-07-01T00:00:00Z"));
}

TEST(TimesTest, WhatIsNoTime) {
  TimeForm form;
  for (const std::string text : {"",
                                 "x",
                                 "1.5",
                                 "2016-13",
                                 "2016-00-01",
                                 "2016-02-30",
                                 "2015-02-29",
                                 "2016-1-1",
                                 "2016-01-01 ",
                                 "2016-01-01 24:00",
                                 "2016-01-01 12:60",
                                 "2016-01-01 12:00:60",
                                 "2016-01-01 12",
                                 "2016-01-01 12:00:00.",
                                 "2016-01-01 12:00:00+",
                                 "2016-01-01 12:00:00+25:00",
                                 "2016-01-01 12:00:00Zx",
                                 "2016-01 12:00",
                                 "01/02/2016",
                                 "2016/01/02",
                                 "16-01-02",
                                 "5000000000000000000",
                                 "99999999999999999999",
                                 "2016-01-01_12:00"}) {
    EXPECT_FALSE(read_time(text, form)) << text;
  }
}

TEST(TimesTest, Frequencies) {
  const auto text = [](const std::vector<std::string>& texts) {
    const auto frequency = frequency_of(texts);
    return frequency ? frequency_text(*frequency) : "none";
  };
  EXPECT_EQ(text({"1", "2", "3"}), "1");
  EXPECT_EQ(text({"0", "10", "20", "40"}), "10");
  EXPECT_EQ(text({"2016-07-01 00:00", "2016-07-01 00:15", "2016-07-01 00:30"}), "15 minutes");
  EXPECT_EQ(text({"2016-07-01 00:00:00", "2016-07-01 01:00:00"}), "1 hour");
  EXPECT_EQ(text({"1981-01-01", "1981-01-02", "1981-01-03", "1981-01-04", "1981-01-06"}), "1 day");
  EXPECT_EQ(text({"2024-01-05", "2024-01-12", "2024-01-19"}), "1 week");
  EXPECT_EQ(text({"1949-01", "1949-02", "1949-03"}), "1 month");
  EXPECT_EQ(text({"1949-01-15", "1949-02-15", "1949-03-15"}), "1 month");
  EXPECT_EQ(text({"1949-01-31", "1949-02-28", "1949-03-31"}), "1 month, at its end");
  EXPECT_EQ(text({"2000-01-01", "2000-04-01", "2000-07-01"}), "3 months");
  EXPECT_EQ(text({"2000-01-01", "2001-01-01", "2002-01-01"}), "1 year");
  EXPECT_EQ(text({"2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"}), "1 weekday");
  EXPECT_EQ(text({"2024-01-04", "2024-01-05", "2024-01-08", "2024-01-10"}), "1 weekday");  // one is missing
  EXPECT_EQ(text({"0", "2", "5"}), "none");
  EXPECT_EQ(text({"2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 01:30", "2024-01-01 02:30"}), "none");
  EXPECT_EQ(text({"1"}), "none");
}

TEST(TimesTest, UsualSeasons) {
  const auto season = [](const std::string& first, const std::string& second) {
    return usual_season(*frequency_of({first, second}));
  };
  EXPECT_EQ(season("2016-07-01 00:00", "2016-07-01 01:00"), 24u);
  EXPECT_EQ(season("2016-07-01 00:00", "2016-07-01 00:15"), 96u);
  EXPECT_EQ(season("2016-07-01 00:00", "2016-07-01 00:07"), 1u);
  EXPECT_EQ(season("2016-07-01 00:00:00", "2016-07-01 00:00:10"), 6u);
  EXPECT_EQ(season("2016-07-01", "2016-07-02"), 7u);
  EXPECT_EQ(season("2016-07-01", "2016-07-08"), 1u);
  EXPECT_EQ(season("1949-01", "1949-02"), 12u);
  EXPECT_EQ(season("1949-01", "1949-04"), 4u);
  EXPECT_EQ(season("1949-01", "1950-01"), 1u);
  EXPECT_EQ(season("1", "2"), 1u);
  EXPECT_EQ(usual_season({Frequency::Unit::weekdays, 1}), 5u);
}

TEST(TimesTest, WhatComesLater) {
  const auto text = [](const std::vector<std::string>& texts, std::int64_t steps) {
    TimeForm form;
    const auto last = read_time(texts.back(), form);
    const Time time = later(*last, *frequency_of(texts), steps);
    EXPECT_EQ(steps_between(*last, time, *frequency_of(texts)), steps);
    return time_text(time, form);
  };
  EXPECT_EQ(text({"1", "2"}, 5), "7");
  EXPECT_EQ(text({"2016-12-31 22:00", "2016-12-31 23:00"}, 1), "2017-01-01 00:00");
  EXPECT_EQ(text({"1960-11", "1960-12"}, 2), "1961-02");
  EXPECT_EQ(text({"2023-12-31", "2024-01-31"}, 1), "2024-02-29");
  EXPECT_EQ(text({"2023-12-31", "2024-01-31"}, 2), "2024-03-31");
  EXPECT_EQ(text({"2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11"}, 2), "2024-01-15");
  EXPECT_EQ(text({"1969-12-25", "1969-12-26", "1969-12-29"}, -1), "1969-12-26");
  EXPECT_EQ(text({"2000-02-01", "2000-05-01"}, -1), "2000-02-01");
  EXPECT_EQ(steps_between(0, kDay * 3 / 2, {Frequency::Unit::microseconds, kDay}), std::nullopt);
}

}  // namespace
}  // namespace sluice::times_test
