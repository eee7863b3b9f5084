// Tensors of an ONNX file: raw numbers, typed ones, or such in a file of the same folder.
#pragma once

#include <deque>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>

#include "formats/foreign/tensors.h"

namespace sluice::foreign {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr std::uint32_t bytes_field(std::uint32_t tag) { return tag_and_type(tag, pbf_wire_type::length_delimited); }
constexpr std::uint32_t varint_field(std::uint32_t tag) { return tag_and_type(tag, pbf_wire_type::varint); }
constexpr std::uint32_t fixed32_field(std::uint32_t tag) { return tag_and_type(tag, pbf_wire_type::fixed32); }

inline std::string_view view(pbf_reader& message) {
  const protozero::data_view data = message.get_view();
  return {data.data(), data.size()};
}

class OnnxTensors {
 public:
  // `owned` takes numbers that do not lie in the file as they are used.
  OnnxTensors(const std::string& path, std::deque<std::string>& owned) : path_(path), owned_(owned) {}
  // Throws Error (bad_file).
  RawTensor read(std::string_view bytes);

 private:
  struct Tensor;
  [[noreturn]] void refuse(const std::string& place, const std::string& expected, const std::string& found) const;
  template <class T>
  void append(std::string& bytes, T value) const;
  void read_field(pbf_reader& message, Tensor& tensor);
  std::string_view narrowed(const Tensor& tensor, Type type);
  std::uint64_t place_number(const Tensor& tensor, const std::string& key, std::uint64_t otherwise) const;
  std::string_view external(const Tensor& tensor);

  const std::string& path_;
  std::deque<std::string>& owned_;
  std::map<std::string, const std::string*> external_;  // files by path
};

}  // namespace sluice::foreign
