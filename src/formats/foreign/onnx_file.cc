#include "formats/foreign/onnx_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <protozero/pbf_reader.hpp>

#include "base/file.h"
#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr std::uint32_t bytes_field(std::uint32_t tag) { return tag_and_type(tag, pbf_wire_type::length_delimited); }
constexpr std::uint32_t varint_field(std::uint32_t tag) { return tag_and_type(tag, pbf_wire_type::varint); }
constexpr std::uint32_t fixed32_field(std::uint32_t tag) { return tag_and_type(tag, pbf_wire_type::fixed32); }

constexpr std::size_t most_nodes = std::size_t{1} << 17;
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

std::string_view view(pbf_reader& message) {
  const protozero::data_view data = message.get_view();
  return {data.data(), data.size()};
}

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  OnnxFile read() {
    try {
      read_model();
    } catch (const protozero::exception&) {
      refuse("file", "protocol buffers as ONNX has them", "broken ones");
    }
    return std::move(file_);
  }

 private:
  [[noreturn]] void refuse(const std::string& place, const std::string& expected, const std::string& found) const {
    throw Error(Status::bad_file, path_ + ": " + place + ": expected " + expected + ", found " + found);
  }

  void read_model() {
    pbf_reader model(bytes_.data(), bytes_.size());
    bool has_graph = false;
    while (model.next()) {
      switch (model.tag_and_type()) {
        case bytes_field(2):
          file_.producer = view(model);
          break;
        case bytes_field(3):
          file_.version = view(model);
          break;
        case bytes_field(7):
          if (has_graph) refuse("file", "one graph", "two");
          has_graph = true;
          read_graph(view(model));
          break;
        case bytes_field(8):
          read_opset(view(model));
          break;
        case bytes_field(25):
          refuse("file", "a graph without functions of its own", "one with functions");
        default:
          model.skip();
      }
    }
    if (!has_graph) refuse("file", "a graph", "none");
    if (file_.opset == 0) refuse("file", "an opset", "none");
  }

  void read_opset(std::string_view bytes) {
    pbf_reader message(bytes.data(), bytes.size());
    std::string_view domain;
    std::int64_t version = 0;
    while (message.next()) {
      if (message.tag_and_type() == bytes_field(1)) {
        domain = view(message);
      } else if (message.tag_and_type() == varint_field(2)) {
        version = message.get_int64();
      } else {
        message.skip();
      }
    }
    if (domain.empty() || domain == "ai.onnx") file_.opset = version;
  }

  void read_graph(std::string_view bytes) {
    pbf_reader graph(bytes.data(), bytes.size());
    while (graph.next()) {
      switch (graph.tag_and_type()) {
        case bytes_field(1):
          if (file_.nodes.size() >= most_nodes)
            refuse("graph", "at most " + std::to_string(most_nodes) + " nodes", "more");
          file_.nodes.push_back(read_node(view(graph)));
          break;
        case bytes_field(5):
          if (file_.initializers.size() >= most_nodes) refuse("graph", "fewer initializers", "too many");
          file_.initializers.push_back(read_tensor(view(graph)));
          break;
        case bytes_field(11):
          file_.inputs.push_back(read_value(view(graph)));
          break;
        case bytes_field(12):
          file_.outputs.push_back(read_value(view(graph)));
          break;
        case bytes_field(15):
          refuse("graph", "dense initializers", "a sparse one");
        default:
          graph.skip();
      }
    }
  }

  OnnxNode read_node(std::string_view bytes) {
    OnnxNode node;
    pbf_reader message(bytes.data(), bytes.size());
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1):
          node.inputs.emplace_back(view(message));
          break;
        case bytes_field(2):
          node.outputs.emplace_back(view(message));
          break;
        case bytes_field(3):
          node.name = view(message);
          break;
        case bytes_field(4):
          node.op = view(message);
          break;
        case bytes_field(5): {
          OnnxAttribute attribute = read_attribute(view(message));
          std::string name = attribute.name;
          if (!node.attributes.emplace(std::move(name), std::move(attribute)).second) {
            refuse("node " + shown(node.name), "each attribute once", "one twice");
          }
          break;
        }
        case bytes_field(7):
          node.domain = view(message);
          break;
        default:
          message.skip();
      }
    }
    return node;
  }

  OnnxAttribute read_attribute(std::string_view bytes) {
    OnnxAttribute attribute;
    pbf_reader message(bytes.data(), bytes.size());
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1):
          attribute.name = view(message);
          break;
        case fixed32_field(2):
          attribute.real = message.get_float();
          break;
        case varint_field(3):
          attribute.whole = message.get_int64();
          break;
        case bytes_field(4):
          attribute.text = view(message);
          break;
        case bytes_field(5):
          attribute.tensor = read_tensor(view(message));
          attribute.holds_tensor = true;
          break;
        case bytes_field(6):
        case bytes_field(11):
          attribute.holds_graph = true;
          message.skip();
          break;
        case fixed32_field(7):
          attribute.reals.push_back(message.get_float());
          break;
        case bytes_field(7):
          for (const float real : message.get_packed_float()) attribute.reals.push_back(real);
          break;
        case varint_field(8):
          attribute.wholes.push_back(message.get_int64());
          break;
        case bytes_field(8):
          for (const std::int64_t whole : message.get_packed_int64()) attribute.wholes.push_back(whole);
          break;
        case bytes_field(9):
          attribute.texts.push_back(view(message));
          break;
        default:
          message.skip();
      }
    }
    return attribute;
  }

  OnnxValue read_value(std::string_view bytes) {
    OnnxValue value;
    pbf_reader message(bytes.data(), bytes.size());
    while (message.next()) {
      if (message.tag_and_type() == bytes_field(1)) {
        value.name = view(message);
      } else if (message.tag_and_type() == bytes_field(2)) {
        pbf_reader type = message.get_message();
        while (type.next(1, pbf_wire_type::length_delimited)) read_tensor_type(type.get_message(), value);
      } else {
        message.skip();
      }
    }
    return value;
  }

  static void read_tensor_type(pbf_reader type, OnnxValue& value) {
    while (type.next()) {
      if (type.tag_and_type() == varint_field(1)) {
        value.type = type.get_int32();
      } else if (type.tag_and_type() == bytes_field(2)) {
        value.has_shape = true;
        pbf_reader shape = type.get_message();
        while (shape.next(1, pbf_wire_type::length_delimited)) {
          pbf_reader dimension = shape.get_message();
          std::int64_t size = -1;
          while (dimension.next()) {
            if (dimension.tag_and_type() == varint_field(1)) {
              size = dimension.get_int64();
            } else {
              dimension.skip();
            }
          }
          value.dims.push_back(size);
        }
      } else {
        type.skip();
      }
    }
  }

  struct Tensor {
    std::string name;
    Shape shape;
    std::int64_t type = 0;
    std::optional<std::string_view> raw, packed;  // packed: floats or doubles as they lie
    std::string listed;                           // bytes of numbers that came one by one
    bool external = false;
    std::map<std::string, std::string> place;
  };

  RawTensor read_tensor(std::string_view bytes) {
    Tensor tensor;
    pbf_reader message(bytes.data(), bytes.size());
    while (message.next()) read_tensor_field(message, tensor);
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
  void append(std::string& bytes, T value) const {
    if (bytes.size() >= most_listed) refuse("tensor", "so many numbers as raw data", "one by one");
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  void read_tensor_field(pbf_reader& message, Tensor& tensor) {
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
        return read_place(message.get_message(), tensor);
      case varint_field(14):
        tensor.external = message.get_int32() == 1;
        return;
      default:
        message.skip();
    }
  }

  static void read_place(pbf_reader entry, Tensor& tensor) {
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
    tensor.place[key] = value;
  }

  // Whole numbers came as 64 bits each; a float16 came as its bits in a whole number.
  std::string_view narrowed(const Tensor& tensor, Type type) {
    if (type == Type::f32 || type == Type::f64) {
      return file_.owned.emplace_back(tensor.listed);
    }
    std::string& bytes = file_.owned.emplace_back();
    for (std::size_t i = 0; i + 8 <= tensor.listed.size(); i += 8) bytes.append(tensor.listed, i, bytes_of(type));
    return bytes;
  }

  std::uint64_t place_number(const Tensor& tensor, const std::string& key, std::uint64_t otherwise) const {
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
  std::string_view external(const Tensor& tensor) {
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
      found = external_.emplace(target.string(), &file_.owned.emplace_back(bytes.data(), bytes.size())).first;
    }
    const std::string_view bytes = *found->second;
    const std::uint64_t offset = place_number(tensor, "offset", 0);
    if (offset > bytes.size())
      refuse(where, "an offset within " + std::to_string(bytes.size()), std::to_string(offset));
    const std::uint64_t length = place_number(tensor, "length", bytes.size() - offset);
    if (length > bytes.size() - offset) {
      refuse(where, std::to_string(length) + " bytes at " + std::to_string(offset), "the end of the file");
    }
    return bytes.substr(offset, length);
  }

  std::string_view bytes_;
  const std::string& path_;
  OnnxFile file_;
  std::map<std::string, const std::string*> external_;
};

}  // namespace

const OnnxAttribute* OnnxNode::find(const std::string& attribute) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? nullptr : &found->second;
}
std::int64_t OnnxNode::whole(const std::string& attribute, std::int64_t otherwise) const {
  const OnnxAttribute* found = find(attribute);
  return found == nullptr ? otherwise : found->whole;
}
double OnnxNode::real(const std::string& attribute, double otherwise) const {
  const OnnxAttribute* found = find(attribute);
  return found == nullptr ? otherwise : found->real;
}
std::string_view OnnxNode::text(const std::string& attribute, std::string_view otherwise) const {
  const OnnxAttribute* found = find(attribute);
  return found == nullptr ? otherwise : found->text;
}

OnnxFile read_onnx_file(std::string_view bytes, const std::string& path) { return Reader(bytes, path).read(); }

}  // namespace sluice::foreign
