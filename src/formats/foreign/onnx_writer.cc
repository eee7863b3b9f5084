#include "formats/foreign/onnx_writer.h"

#include <protozero/pbf_writer.hpp>

#include "base/safetensors.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

using Writer = protozero::pbf_writer;

constexpr std::int64_t ir_version = 8;  // of ONNX 1.12, which has opset 17
constexpr int float_type = 1, int64_type = 7;
constexpr int attribute_whole = 2, attribute_text = 3, attribute_wholes = 7, attribute_texts = 8;

std::string value_info(const std::string& name, const std::vector<OnnxWriter::Size>& sizes, int type) {
  std::string shape, tensor, kind, bytes;
  for (const OnnxWriter::Size& size : sizes) {
    std::string dimension;
    if (size.name.empty()) {
      Writer(dimension).add_int64(1, static_cast<std::int64_t>(size.known));
    } else {
      Writer(dimension).add_string(2, size.name);
    }
    Writer(shape).add_message(1, dimension);
  }
  Writer(tensor).add_int32(1, type);
  Writer(tensor).add_message(2, shape);
  Writer(kind).add_message(1, tensor);
  Writer(bytes).add_string(1, name);
  Writer(bytes).add_message(2, kind);
  return bytes;
}

std::string tensor(const std::string& name, const std::vector<std::size_t>& shape, int type, std::string_view raw) {
  std::string bytes;
  Writer writer(bytes);
  for (const std::size_t size : shape) writer.add_int64(1, static_cast<std::int64_t>(size));
  writer.add_int32(2, type);
  writer.add_string(8, name);
  writer.add_bytes(9, raw.data(), raw.size());
  return bytes;
}

}  // namespace

OnnxWriter::Node::Node(const std::string& op, const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs) {
  Writer writer(bytes_);
  for (const std::string& name : inputs) writer.add_string(1, name);
  for (const std::string& name : outputs) writer.add_string(2, name);
  writer.add_string(3, outputs.front());
  writer.add_string(4, op);
}

void OnnxWriter::Node::attribute(const std::string& bytes) { Writer(bytes_).add_message(5, bytes); }

OnnxWriter::Node& OnnxWriter::Node::whole(const std::string& name, std::int64_t value) {
  std::string bytes;
  Writer(bytes).add_string(1, name);
  Writer(bytes).add_int64(3, value);
  Writer(bytes).add_int32(20, attribute_whole);
  attribute(bytes);
  return *this;
}

OnnxWriter::Node& OnnxWriter::Node::wholes(const std::string& name, const std::vector<std::int64_t>& values) {
  std::string bytes;
  Writer(bytes).add_string(1, name);
  for (const std::int64_t value : values) Writer(bytes).add_int64(8, value);
  Writer(bytes).add_int32(20, attribute_wholes);
  attribute(bytes);
  return *this;
}

OnnxWriter::Node& OnnxWriter::Node::text(const std::string& name, const std::string& value) {
  std::string bytes;
  Writer(bytes).add_string(1, name);
  Writer(bytes).add_string(4, value);
  Writer(bytes).add_int32(20, attribute_text);
  attribute(bytes);
  return *this;
}

OnnxWriter::Node& OnnxWriter::Node::texts(const std::string& name, const std::vector<std::string>& values) {
  std::string bytes;
  Writer(bytes).add_string(1, name);
  for (const std::string& value : values) Writer(bytes).add_string(9, value);
  Writer(bytes).add_int32(20, attribute_texts);
  attribute(bytes);
  return *this;
}

void OnnxWriter::input(const std::string& name, const std::vector<Size>& sizes, bool tokens) {
  Writer(inputs_).add_message(11, value_info(name, sizes, tokens ? int64_type : float_type));
}

void OnnxWriter::output(const std::string& name, const std::vector<Size>& sizes) {
  Writer(outputs_).add_message(12, value_info(name, sizes, float_type));
}

void OnnxWriter::constant(const std::string& name, const std::vector<std::size_t>& shape,
                          std::span<const float> values) {
  Writer(constants_).add_message(5, tensor(name, shape, float_type, view_of(values)));
}

void OnnxWriter::wholes(const std::string& name, const std::vector<std::int64_t>& values, bool scalar) {
  const std::string_view raw = {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::int64_t)};
  Writer(constants_)
      .add_message(5, tensor(name, scalar ? std::vector<std::size_t>() : std::vector{values.size()}, int64_type, raw));
}

void OnnxWriter::node(const Node& node) { Writer(nodes_).add_message(1, node.bytes_); }

std::string OnnxWriter::done(std::int64_t opset, const std::string& graph) const {
  constexpr std::size_t most = (std::size_t{1} << 31) - (1 << 16);
  if (nodes_.size() + constants_.size() + inputs_.size() + outputs_.size() > most) {
    throw Error(Status::failed, "export to onnx: expected a file of less than 2 GiB, found more");
  }
  std::string all = nodes_, opsets, bytes;
  Writer(all).add_string(2, graph);
  all += constants_ + inputs_ + outputs_;
  Writer(opsets).add_string(1, "");
  Writer(opsets).add_int64(2, opset);
  Writer model(bytes);
  model.add_int64(1, ir_version);
  model.add_string(2, "sluice");
  model.add_string(3, SLUICE_VERSION);
  model.add_message(7, all);
  model.add_message(8, opsets);
  return bytes;
}

}  // namespace sluice::foreign
