#include "formats/foreign/onnx_file.h"

#include "base/shown.h"
#include "formats/foreign/onnx_tensors.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

constexpr std::size_t most_nodes = std::size_t{1} << 17;
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path), tensors_(path, file_.owned) {}

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
          file_.initializers.push_back(tensors_.read(view(graph)));
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
          attribute.tensor = tensors_.read(view(message));
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

  std::string_view bytes_;
  const std::string& path_;
  OnnxFile file_;
  OnnxTensors tensors_;
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
