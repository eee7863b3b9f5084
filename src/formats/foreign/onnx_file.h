// An ONNX file as its graph says it, not yet understood.
// Format: onnx.proto3 of ONNX (protocol buffers), read with protozero.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/tensors.h"

namespace sluice::foreign {

struct OnnxAttribute {
  std::string name;
  double real = 0;
  std::int64_t whole = 0;
  std::string_view text;
  std::vector<double> reals;
  std::vector<std::int64_t> wholes;
  std::vector<std::string_view> texts;
  RawTensor tensor;
  bool holds_tensor = false, holds_graph = false;
};

struct OnnxNode {
  std::string name, op, domain;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, OnnxAttribute> attributes;

  const OnnxAttribute* find(const std::string& attribute) const;
  std::int64_t whole(const std::string& attribute, std::int64_t otherwise) const;
  double real(const std::string& attribute, double otherwise) const;
  std::string_view text(const std::string& attribute, std::string_view otherwise) const;
};

// A graph's input or output. A dimension that is not a number is -1.
struct OnnxValue {
  std::string name;
  int type = 0;  // TensorProto.DataType; 0: not said
  std::vector<std::int64_t> dims;
  bool has_shape = false;
};

struct OnnxFile {
  std::string producer, version;
  std::int64_t opset = 0;
  std::vector<OnnxNode> nodes;
  std::vector<RawTensor> initializers;
  std::vector<OnnxValue> inputs, outputs;
  std::deque<std::string> owned;  // numbers that do not lie in the file as they are used
};

inline constexpr int onnx_float16 = 10, onnx_float = 1, onnx_double = 11, onnx_int32 = 6, onnx_int64 = 7;

// Views into `bytes`, which must stay. Throws Error (bad_file). External data is read from the folder of `path` and
// nowhere else.
OnnxFile read_onnx_file(std::string_view bytes, const std::string& path);

}  // namespace sluice::foreign
