// Numbers and strings written straight into JSON, read back by a parser.
#include "base/json_writer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace sluice::json_writer_test {
namespace {

using Json = nlohmann::json;

std::string rounded(float value) { return JsonWriter().rounded(value).take(); }

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter json;
  json.begin_object().key("a").begin_array().integer(1).rounded(-0.5f).null().begin_object().end_object().end_array();
  json.key("b").string("]").key("c").boolean(true).key("d").begin_array().end_array().end_object();
  EXPECT_EQ(json.take(), R"({"a":[1,-0.5,null,{}],"b":"]","c":true,"d":[]})");
}

TEST(JsonWriter, RoundsToFourDecimals) {
  EXPECT_EQ(rounded(0.f), "0");
  EXPECT_EQ(rounded(1.f), "1");
  EXPECT_EQ(rounded(-1.5f), "-1.5");
  EXPECT_EQ(rounded(0.00004f), "0");
  EXPECT_EQ(rounded(-0.00004f), "0");
  EXPECT_EQ(rounded(0.00006f), "0.0001");
  EXPECT_EQ(rounded(0.99996f), "1");
  EXPECT_EQ(rounded(-12.3456f), "-12.3456");
  EXPECT_EQ(rounded(0.0507f), "0.0507");
  EXPECT_EQ(rounded(std::numeric_limits<float>::quiet_NaN()), "null");
  EXPECT_EQ(rounded(std::numeric_limits<float>::infinity()), "null");
  EXPECT_EQ(rounded(3e7f), "3e+07");
}

RC_GTEST_PROP(JsonWriter, ARoundedNumberIsWithinHalfALastPlace, (int number, int exponent)) {
  const auto value = static_cast<float>(std::ldexp(number % 100000, exponent % 20));
  const double read = Json::parse(rounded(value)).get<double>();
  const double tolerance = std::abs(value) < 1e6f ? 0.50001e-4 : 1e-5 * std::abs(static_cast<double>(value));
  RC_ASSERT(std::abs(read - static_cast<double>(value)) <= tolerance);
}

TEST(JsonWriter, NumbersKeepSixDigitsAndAreNullWhenTheyAreNone) {
  EXPECT_EQ(JsonWriter().number(0.1234567).take(), "0.123457");
  EXPECT_EQ(JsonWriter().number(1e-9).take(), "1e-09");
  EXPECT_EQ(JsonWriter().number(std::numeric_limits<double>::infinity()).take(), "null");
  EXPECT_EQ(JsonWriter().number(std::nan("")).take(), "null");
}

TEST(JsonWriter, StringsAreEscapedAndBrokenUtf8IsReplaced) {
  EXPECT_EQ(Json::parse(JsonWriter().string("\"\\\n\x01</script>").take()), "\"\\\n\x01</script>");
  EXPECT_EQ(Json::parse(JsonWriter().string("a\xff").take()), "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace sluice::json_writer_test
