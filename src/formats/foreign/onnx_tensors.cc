#include "formats/foreign/onnx_tensors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

// Of numbers that come one by one, each of which takes more room than it took in the file.
constexpr std::size_t most_listed = std::size_t{1} << 24;

struct DataType {
  std::int64_t number;
  Type type;
};
constexpr std::array<DataType, 13> data_types = {{{1, Type::f32},
                                                  {2, Type::u8},
                                                  {3, Type::i8},
                                                  {4, Type::u16},
                                                  {5, Type::i16},
                                                  {6, Type::i32},
                                                  {7, Type::i64},
                                                  {9, Type::boolean},
                                                  {10, Type::f16},
                                                  {11, Type::f64},
                                                  {12, Type::u32},
                                                  {13, Type::u64},
                                                  {16, Type::bf16}}};

void read_place(pbf_reader entry, std::map<std::string, std::string>& place) {
  std::string key, value;
  while (entry.next()) {
    if (entry.tag_and_type() == bytes_field(1)) {
      key = view(entry);
    } else if (entry.tag_and_type() == bytes_field(2)) {
      value = view(entry);
    } else {
      entry.skip();
    }
  }
  place[key] = value;
}

}  // namespace

void OnnxTensors::refuse(const std::string& place, const std::string& expected, const std::string& found) const {
  throw Error(Status::bad_file, path_ + ": " + place + ": expected " + expected + ", found " + found);
}

struct OnnxTensors::Tensor {
  std::string name;
  Shape shape;
  std::int64_t type = 0;
  std::optional<std::string_view> raw, packed;  // packed: floats or doubles as they lie
  std::string listed;                           // bytes of numbers that came one by one
  bool external = false;
  std::map<std::string, std::string> place;
};

RawTensor OnnxTensors::read(std::string_view bytes) {
  Tensor tensor;
  pbf_reader message(bytes.data(), bytes.size());
  while (message.next()) read_field(message, tensor);
  const auto known = std::ranges::find(data_types, tensor.type, &DataType::number);
  const std::string where = path_ + ": tensor " + shown(tensor.name);
  if (known == data_types.end()) {
    refuse("tensor " + shown(tensor.name), "numbers", "data type " + std::to_string(tensor.type));
  }
  RawTensor made = {tensor.name, known->type, tensor.shape, {}, {}};
  if (tensor.external) {
    made.bytes = external(tensor);
  } else if (tensor.raw) {
    made.bytes = *tensor.raw;
  } else if (tensor.packed) {
    made.bytes = *tensor.packed;
  } else {
    made.bytes = narrowed(tensor, known->type);
  }
  const std::uint64_t there = made.bytes.size() / bytes_of(made.type);
  const std::uint64_t count = count_of(made.shape, there, where);
  if (count * bytes_of(made.type) != made.bytes.size()) {
    refuse("tensor " + shown(tensor.name), std::to_string(count * bytes_of(made.type)) + " bytes for its shape",
           std::to_string(made.bytes.size()));
  }
  return made;
}

template <class T>
void OnnxTensors::append(std::string& bytes, T value) const {
  if (bytes.size() >= most_listed) refuse("tensor", "so many numbers as raw data", "one by one");
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void OnnxTensors::read_field(pbf_reader& message, Tensor& tensor) {
  const auto size = [&](std::int64_t dimension) {
    if (dimension < 0 || tensor.shape.size() >= 32) refuse("tensor " + shown(tensor.name), "a shape", "a broken one");
    tensor.shape.push_back(static_cast<std::uint64_t>(dimension));
  };
  switch (message.tag_and_type()) {
    case varint_field(1):
      return size(message.get_int64());
    case bytes_field(1):
      for (const std::int64_t dimension : message.get_packed_int64()) size(dimension);
      return;
    case varint_field(2):
      tensor.type = message.get_int32();
      return;
    case bytes_field(8):
      tensor.name = view(message);
      return;
    case bytes_field(9):
      tensor.raw = view(message);
      return;
    case bytes_field(4):
    case bytes_field(10):
      if (tensor.packed) refuse("tensor " + shown(tensor.name), "its numbers in one piece", "several");
      tensor.packed = view(message);
      return;
    case fixed32_field(4):
      return append(tensor.listed, message.get_float());
    case varint_field(5):
    case varint_field(7):
      return append(tensor.listed, message.get_int64());
    case bytes_field(5):
    case bytes_field(7):
      for (const std::int64_t value : message.get_packed_int64()) append(tensor.listed, value);
      return;
    case bytes_field(13):
      return read_place(message.get_message(), tensor.place);
    case varint_field(14):
      tensor.external = message.get_int32() == 1;
      return;
    default:
      message.skip();
  }
}

// Whole numbers came as 64 bits each; a float16 came as its bits in a whole number.
std::string_view OnnxTensors::narrowed(const Tensor& tensor, Type type) {
  if (type == Type::f32 || type == Type::f64) {
    return owned_.emplace_back(tensor.listed);
  }
  std::string& bytes = owned_.emplace_back();
  for (std::size_t i = 0; i + 8 <= tensor.listed.size(); i += 8) bytes.append(tensor.listed, i, bytes_of(type));
  return bytes;
}

std::uint64_t OnnxTensors::place_number(const Tensor& tensor, const std::string& key, std::uint64_t otherwise) const {
  const auto found = tensor.place.find(key);
  if (found == tensor.place.end()) return otherwise;
  std::uint64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    refuse("external data of tensor " + shown(tensor.name), "a number as " + key, shown(text));
  }
  return value;
}

// A file beside this one, never anywhere else, whatever the links.
std::string_view OnnxTensors::external(const Tensor& tensor) {
  namespace fs = std::filesystem;
  const std::string where = "external data of tensor " + shown(tensor.name);
  const auto location = tensor.place.find("location");
  if (location == tensor.place.end()) refuse(where, "a location", "none");
  std::error_code wrong;
  const fs::path parent = fs::path(path_).parent_path();
  const fs::path folder = fs::weakly_canonical(parent.empty() ? fs::path(".") : parent, wrong);
  const fs::path relative = location->second;
  const fs::path target = fs::weakly_canonical(folder / relative, wrong);
  const auto [behind, rest] = std::mismatch(folder.begin(), folder.end(), target.begin(), target.end());
  if (wrong || relative.is_absolute() || behind != folder.end() || rest == target.end()) {
    refuse(where, "a file in the folder of the model", shown(location->second));
  }
  auto found = external_.find(target.string());
  if (found == external_.end()) {
    const RawVector<char> bytes = read_file(target.string());
    found = external_.emplace(target.string(), &owned_.emplace_back(bytes.data(), bytes.size())).first;
  }
  const std::string_view bytes = *found->second;
  const std::uint64_t offset = place_number(tensor, "offset", 0);
  if (offset > bytes.size()) refuse(where, "an offset within " + std::to_string(bytes.size()), std::to_string(offset));
  const std::uint64_t length = place_number(tensor, "length", bytes.size() - offset);
  if (length > bytes.size() - offset) {
    refuse(where, std::to_string(length) + " bytes at " + std::to_string(offset), "the end of the file");
  }
  return bytes.substr(offset, length);
}

}  // namespace sluice::foreign
