// The safetensors container: what is written is read, and everything that is not such a file is refused by name.
#include "base/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>

#include "base/json.h"
#include "base/json_tree.h"
#include "errors.h"
#include "sluice/error.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice::safetensors_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + rest;
}

std::string with_header(const std::string& header, const std::string& data = "") {
  return with_length(header.size(), header + data);
}

std::string refusal(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "model.safetensors");
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::bad_file);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("model.safetensors: "), HasSubstr("expected "), HasSubstr(", found ")));
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return {};
}

TensorFile example() {
  return {.metadata = {{"who", "grüße \"quoted\" \n \\ end"}, {"", "empty key"}},
          .tensors = {{"weight", "F32", {2, 3}, std::string(24, '\x7f')},
                      {"bias", "F64", {}, "12345678"},
                      {"none", "U8", {0, 5}, ""},
                      {"Bytes", "U8", {3}, "abc"}}};
}

bool same(const Tensor& a, const Tensor& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && a.bytes == b.bytes;
}

TEST(Safetensors, WhatIsWrittenIsRead) {
  const TensorFile file = example();
  const std::string bytes = format_safetensors(file);
  const TensorFile got = parse_safetensors(bytes, "x");
  EXPECT_EQ(got.metadata, file.metadata);
  ASSERT_EQ(got.tensors.size(), file.tensors.size());
  for (const Tensor& tensor : file.tensors) {
    ASSERT_NE(got.find(tensor.name), nullptr) << tensor.name;
    EXPECT_TRUE(same(*got.find(tensor.name), tensor)) << tensor.name;
  }
  EXPECT_EQ(got.find("weigh"), nullptr);
  EXPECT_EQ(format_safetensors(got), bytes);
}

TEST(Safetensors, LayoutIsTheFormats) {
  const TensorFile file{.metadata = {{"a", "b"}}, .tensors = {{"y", "U8", {1}, "Y"}, {"x", "U8", {2}, "XX"}}};
  std::string header = R"({"__metadata__":{"a":"b"},"x":{"data_offsets":[0,2],"dtype":"U8","shape":[2]},)"
                       R"("y":{"data_offsets":[2,3],"dtype":"U8","shape":[1]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(format_safetensors(file), with_header(header, "XXY"));
  EXPECT_EQ(parse_safetensors(with_header("{}"), "x").tensors.size(), 0u);
}

RC_GTEST_PROP(Safetensors, AnyTensorsComeBack, (const std::map<std::string, std::vector<std::uint8_t>>& contents)) {
  TensorFile file;
  for (const auto& [name, values] : contents) {
    // Names are UTF-8; rapidcheck's characters are ASCII once the top bit is gone.
    std::string ascii = name;
    for (char& c : ascii) c = static_cast<char>(c & 0x7f);
    if (file.find(ascii) != nullptr) continue;
    file.tensors.push_back({ascii, "U8", {values.size()}, std::string(values.begin(), values.end())});
    file.metadata[ascii] = ascii;
  }
  const TensorFile got = parse_safetensors(format_safetensors(file), "x");
  RC_ASSERT(got.metadata == file.metadata);
  RC_ASSERT(got.tensors.size() == file.tensors.size());
  for (const Tensor& tensor : file.tensors) RC_ASSERT(same(*got.find(tensor.name), tensor));
}

TEST(Safetensors, FilesThatAreNone) {
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("1234567"), HasSubstr("7 bytes"));
  EXPECT_THAT(refusal("once upon a time there was a text"), HasSubstr("no safetensors file"));
  EXPECT_THAT(refusal(with_length(~0ull, "{}")), HasSubstr("18446744073709551615"));
  EXPECT_THAT(refusal(with_length(3, "{}")), HasSubstr("cut short"));
  EXPECT_THAT(refusal(with_length(0, "{}")), HasSubstr("nothing"));
  EXPECT_THAT(refusal(with_header(" {}")), HasSubstr("begin with {"));
  EXPECT_THAT(refusal(with_header("[]")), HasSubstr("begin with {"));
  EXPECT_THAT(refusal(with_header("{} x")), HasSubstr("JSON at byte 4"));
  EXPECT_THAT(refusal(with_header("{\"a\xff\":1}")), HasSubstr("JSON"));
  EXPECT_THAT(refusal(with_header("{")), HasSubstr("JSON"));
}

std::string one_tensor(const std::string& fields, const std::string& data = "1234") {
  return with_header("{\"w\":{" + fields + "}}", data);
}

TEST(Safetensors, HeadersThatAreWrong) {
  const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  ASSERT_EQ(parse_safetensors(one_tensor(good), "x").tensors.size(), 1u);
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[1])")), AllOf(HasSubstr("\"w\""), HasSubstr("some")));
  EXPECT_THAT(refusal(one_tensor(good + R"(,"shape":[1])")), HasSubstr("key \"shape\""));
  EXPECT_THAT(refusal(one_tensor(good + R"(,"colour":"red")")), HasSubstr("colour"));
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F31","shape":[1],"data_offsets":[0,4])")), HasSubstr("F31"));
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])")), HasSubstr("-1"));
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])")), HasSubstr("shape"));
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])")), HasSubstr("array"));
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4])")), HasSubstr("fewer"));
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,4])")), HasSubstr("two whole"));
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])")),
              HasSubstr("8 bytes for F32 [2]"));
  // 2^62 floats take 2^64 bytes, which is 0 in 64 bits.
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0])", "")),
              HasSubstr("fits into memory"));
  EXPECT_THAT(refusal(one_tensor(R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4])")),
              HasSubstr("whole numbers"));
  EXPECT_THAT(refusal(with_header(R"({"w":[]})")), HasSubstr("object for tensor \"w\""));
  EXPECT_THAT(refusal(with_header(R"({"__metadata__":"text"})")), HasSubstr("__metadata__"));
  EXPECT_THAT(refusal(with_header(R"({"__metadata__":{"a":1}})")), HasSubstr("\"a\""));
  EXPECT_THAT(refusal(with_header(R"({"__metadata__":{"a":"1","a":"2"}})")), HasSubstr("second time"));
  EXPECT_THAT(refusal(with_header(R"({"__metadata__":{},"__metadata__":{}})")), HasSubstr("second time"));
}

TEST(Safetensors, DataThatDoesNotFit) {
  const auto two = [](const std::string& x, const std::string& y, const std::string& second = "y") {
    return with_header("{\"x\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":" + x + "},\"" + second +
                           "\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":" + y + "}}",
                       "1234");
  };
  ASSERT_EQ(parse_safetensors(two("[2,4]", "[0,2]"), "x").find("x")->bytes, "34");
  EXPECT_THAT(refusal(two("[0,2]", "[1,3]")), AllOf(HasSubstr("\"y\""), HasSubstr("begin at byte 2")));
  EXPECT_THAT(refusal(two("[0,2]", "[0,2]")), HasSubstr("begin at byte 2"));
  EXPECT_THAT(refusal(two("[1,3]", "[3,4]")), HasSubstr("begin at byte 0"));
  EXPECT_THAT(refusal(two("[0,2]", "[3,5]")), HasSubstr("begin at byte 2"));
  EXPECT_THAT(refusal(two("[0,2]", "[2,5]")), HasSubstr("cut short"));
  EXPECT_THAT(refusal(two("[0,2]", "[2,1]")), HasSubstr("between"));
  EXPECT_THAT(refusal(two("[0,2]", "[2,4]", "x")), HasSubstr("\"x\" twice"));
  const std::string bytes = two("[0,2]", "[2,4]");
  EXPECT_THAT(refusal(bytes + "5"), HasSubstr("4 bytes of data"));
  EXPECT_THAT(refusal(bytes.substr(0, bytes.size() - 1)), HasSubstr("cut short"));
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::string bytes = format_safetensors(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) refusal(bytes.substr(0, size));
}

TEST(Safetensors, MessagesCarryNothingThatSteersATerminal) {
  const std::string message = refusal(with_header("{\"\\u001b[31m\\u009b31m" + std::string(200, 'x') + "\":[]}"));
  EXPECT_THAT(message, AllOf(HasSubstr("\\u001b[31m\\u009b31m"), HasSubstr("...")));
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_LT(message.size(), 200u);
}

TEST(Safetensors, WhatSuchAFileCannotHoldIsNotWritten) {
  const auto refused = [](const TensorFile& file) {
    try {
      format_safetensors(file);
    } catch (const Error& error) {
      return error.status() == Status::failed;
    }
    return false;
  };
  EXPECT_TRUE(refused({.metadata = {}, .tensors = {{"w", "F32", {2}, "1234"}}}));
  EXPECT_TRUE(refused({.metadata = {}, .tensors = {{"w", "F33", {1}, "1234"}}}));
  EXPECT_TRUE(refused({.metadata = {}, .tensors = {{"w", "U8", {1}, "1"}, {"w", "U8", {1}, "2"}}}));
  EXPECT_TRUE(refused({.metadata = {{"a", "b"}}, .tensors = {{"__metadata__", "U8", {1}, "1"}}}));
  EXPECT_TRUE(refused({.metadata = {{"a", "\xff"}}, .tensors = {}}));
  EXPECT_TRUE(refused({.metadata = {{"\xff", "a"}}, .tensors = {}}));
  EXPECT_TRUE(refused({.metadata = {}, .tensors = {{"\xff", "U8", {1}, "1"}}}));
  EXPECT_TRUE(refused({.metadata = {}, .tensors = {{"w", "U8", std::vector<std::uint64_t>(9, 1), "1"}}}));
  TensorFile many;
  for (int i = 0; i < 10000; ++i) many.tensors.push_back({std::to_string(i), "U8", {0}, ""});
  EXPECT_FALSE(refused(many));
  many.tensors.push_back({"w", "U8", {0}, ""});
  EXPECT_TRUE(refused(many));
  many.tensors.clear();
  for (int i = 0; i < 10001; ++i) many.metadata[std::to_string(i)];
  EXPECT_TRUE(refused(many));
}

// What a header makes us take is bounded, not a multiple of its size, which may be 100 MB.
TEST(Safetensors, AHeaderOfTinyEntriesIsRefusedEarly) {
  const auto list = [](std::size_t count, auto&& entry) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text.append(i > 0 ? "," : "").append(entry(std::to_string(i)));
    return text;
  };
  const auto tensor = [](const std::string& i) {
    return std::string("\"").append(i) + R"(":{"dtype":"U8","shape":[],"data_offsets":[0,0]})";
  };
  const auto note = [](const std::string& i) { return std::string("\"").append(i) + "\":\"\""; };
  EXPECT_THAT(refusal(with_header("{" + list(10001, tensor) + "}")), HasSubstr("at most 10000 tensors"));
  EXPECT_THAT(refusal(with_header("{\"__metadata__\":{" + list(10001, note) + "}}")),
              HasSubstr("at most 10000 entries of metadata"));
  EXPECT_THAT(refusal(with_header(R"({"a":{"shape":[)" + list(9, [](const std::string& i) { return i; }) + "]}}")),
              HasSubstr("at most 8 dimensions"));
}

// The bytes that earlier versions wrote: names sorted by bytes on every level.
TEST(Safetensors, TheHeaderIsSorted) {
  const TensorFile file = {.metadata = {{"b", "1"}, {"a", "2"}},
                           .tensors = {{"w", "U8", {1}, "1"}, {"A", "F32", {1, 1}, "1234"}, {"_", "U8", {0}, ""}}};
  const std::string text = R"({"A":{"data_offsets":[0,4],"dtype":"F32","shape":[1,1]},)"
                           R"("_":{"data_offsets":[4,4],"dtype":"U8","shape":[0]},)"
                           R"("__metadata__":{"a":"2","b":"1"},)"
                           R"("w":{"data_offsets":[4,5],"dtype":"U8","shape":[1]}})";
  const std::string bytes = format_safetensors(file);
  EXPECT_EQ(bytes.substr(8, text.size()), text);
  EXPECT_EQ(bytes.substr(bytes.size() - 5), "12341");
}

// All bytes but the digits.
std::string without_checksum(std::string bytes) {
  const std::string digits = parse_safetensors(bytes, "x").metadata.at(std::string(checksum_key));
  return bytes.erase(bytes.find(digits), digits.size());
}

TEST(Checksum, IsThePublishedOne) {
  const std::string bytes = format_with_checksum(example()), rest = without_checksum(bytes);
  const auto metadata = parse_safetensors(bytes, "x").metadata;
  EXPECT_EQ(std::stoull(metadata.at(std::string(checksum_key)), nullptr, 16), XXH3_64bits(rest.data(), rest.size()));
  verify_checksum(bytes, metadata, "x");
}

TEST(Checksum, OfOlderFilesIsVerifiedToo) {
  std::string bytes = format_with_checksum(example());
  const std::string digits = parse_safetensors(bytes, "x").metadata.at(std::string(checksum_key));
  std::uint64_t sum = 14695981039346656037u;  // FNV-1a, computed here anew
  for (const char c : without_checksum(bytes)) {
    sum ^= static_cast<std::uint8_t>(c);
    sum *= 1099511628211u;
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(sum));
  bytes.replace(bytes.find(digits), digits.size(), text);
  const auto verify = [&](Checksum kind) { verify_checksum(bytes, parse_safetensors(bytes, "x").metadata, "x", kind); };
  EXPECT_NO_THROW(verify(Checksum::fnv1a));
  EXPECT_THROW(verify(Checksum::xxh3), Error);
  bytes.back() ^= 1;
  EXPECT_THROW(verify(Checksum::fnv1a), Error);
}

TEST(Checksum, EveryFlippedBitIsFound) {
  const std::string bytes = format_with_checksum(example());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto read = [&] { verify_checksum(flipped, parse_safetensors(flipped, "x").metadata, "x"); };
    EXPECT_THROW(read(), Error) << "bit " << bit;
  }
}

TEST(Checksum, TextInTheMetadataCannotPoseAsIt) {
  TensorFile file = example();
  file.metadata["a"] = "\"sluice.checksum\":\"0000000000000000\"";
  const std::string bytes = format_with_checksum(file);
  verify_checksum(bytes, parse_safetensors(bytes, "x").metadata, "x");
}

TEST(Checksum, NoneIsNotChecked) {
  TensorFile file = example();
  const auto verify = [&file] {
    const std::string bytes = format_safetensors(file);
    verify_checksum(bytes, parse_safetensors(bytes, "x").metadata, "x");
  };
  EXPECT_THROW(verify(), Error);
  file.metadata[std::string(checksum_key)] = "none";
  EXPECT_NO_THROW(verify());
  file.metadata[std::string(checksum_key)] = "nine";
  EXPECT_THROW(verify(), Error);
}

TEST(Json, FlatObjectsOnly) {
  const auto object = read_flat_object(R"({"a":1,"b":"two","c":true,"d":-1.5})", "x");
  EXPECT_EQ(object.size(), 4u);
  EXPECT_EQ(object.at("d"), -1.5);
  for (const char* bad : {"", "1", "\"a\"", "[]", R"({"a":[]})", R"({"a":{}})", R"({"a":null})", R"({"a":1,"a":1})",
                          R"({"a":1}})", R"({"a":1e999})"}) {
    EXPECT_THROW(read_flat_object(bad, "x"), Error) << bad;
  }
  EXPECT_THROW(read_flat_object(R"({"a":1})", "x", 6), Error);
}

std::string tree_refusal(const std::string& text, std::size_t most = std::size_t{1} << 16) {
  const std::string message = test::error_of(Status::bad_file, [&] { read_json(text, "x", most); });
  EXPECT_THAT(message, HasSubstr("x: expected "));
  return message;
}

TEST(JsonTree, ReadsWhatNlohmannsParserReads) {
  for (const char* text : {"null", "true", "-1", "18446744073709551615", "1.5", "\"a\\u00e9\"", "[]", "{}",
                           R"([1,[2,{"a":[]}],3])", R"({"b":{"c":[1,2],"a":null},"a":"x"})"}) {
    EXPECT_EQ(read_json(text, "x").dump(), nlohmann::ordered_json::parse(text).dump()) << text;
  }
}

// A note nested 20,000 deep used up the stack of whoever printed it.
TEST(JsonTree, IsOfBoundedDepthAndSize) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(read_json(nested(64), "x").dump(), nested(64));
  EXPECT_THAT(tree_refusal(nested(65)), AllOf(HasSubstr("at most 64 levels"), HasSubstr("found more")));
  EXPECT_THAT(tree_refusal(nested(20000)), HasSubstr("at most 64 levels"));
  std::string objects;
  for (int i = 0; i < 5000; ++i) objects += "{\"a\":";
  EXPECT_THAT(tree_refusal(objects), HasSubstr("at most 64 levels"));
  EXPECT_THAT(tree_refusal("[1,2]", 4), HasSubstr("at most 4 bytes"));
  std::string names = "{";
  for (int i = 0; i < 257; ++i) names.append(i > 0 ? ",\"" : "\"").append(std::to_string(i)) += "\":0";
  EXPECT_THAT(tree_refusal(names + "}"), HasSubstr("256 names"));
  EXPECT_THAT(tree_refusal(R"({"a":1,"a":2})"), HasSubstr("second time"));
  EXPECT_THAT(tree_refusal("[1e999]"), HasSubstr("too large"));
  EXPECT_THAT(tree_refusal("[1"), HasSubstr("byte 3"));
  EXPECT_THAT(tree_refusal("[\"\xff\"]"), HasSubstr("broken JSON"));
}

}  // namespace
}  // namespace sluice::safetensors_test
