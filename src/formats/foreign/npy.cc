#include "formats/foreign/npy.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/shown.h"
#include "formats/foreign/zip.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Description {
  std::string_view text;
  Type type;
};
constexpr std::array<Description, 17> descriptions = {{{"<f2", Type::f16},
                                                       {"<f4", Type::f32},
                                                       {"<f8", Type::f64},
                                                       {"|i1", Type::i8},
                                                       {"|u1", Type::u8},
                                                       {"<i2", Type::i16},
                                                       {"<u2", Type::u16},
                                                       {"<i4", Type::i32},
                                                       {"<u4", Type::u32},
                                                       {"<i8", Type::i64},
                                                       {"<u8", Type::u64},
                                                       {"|b1", Type::boolean},
                                                       {"<i1", Type::i8},
                                                       {"<u1", Type::u8},
                                                       {"<b1", Type::boolean},
                                                       {"|f2", Type::f16},
                                                       {"b1", Type::boolean}}};

// The header is a Python dict of three keys.
class Header {
 public:
  Header(std::string_view text, const std::string& where) : rest_(text), where_(where) {}

  void read() {
    take("{");
    while (!skip("}")) {
      const std::string_view key = quoted();
      take(":");
      if (key == "descr") {
        if (!rest_.empty() && rest_.front() != '\'') refuse("a simple type");
        descr = quoted();
      } else if (key == "fortran_order") {
        fortran = boolean();
      } else if (key == "shape") {
        tuple();
      } else {
        refuse("the keys descr, fortran_order and shape");
      }
      if (!skip(",") && rest_.substr(0, 1) != "}") refuse("a comma");
    }
    if (descr.empty() || !fortran || !shape) refuse("the keys descr, fortran_order and shape");
  }

  std::string_view descr;
  std::optional<bool> fortran;
  std::optional<Shape> shape;

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    throw Error(Status::bad_file, where_ + ": header: expected " + expected + ", found " + shown(rest_));
  }
  void blank() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  bool skip(std::string_view word) {
    blank();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    blank();
    return true;
  }
  void take(std::string_view word) {
    if (!skip(word)) refuse(std::string(word));
  }
  std::string_view quoted() {
    take("'");
    const std::size_t end = rest_.find('\'');
    if (end == std::string_view::npos) refuse("a quote");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    blank();
    return text;
  }
  bool boolean() {
    if (skip("True")) return true;
    take("False");
    return false;
  }
  void tuple() {
    take("(");
    Shape sizes;
    while (!skip(")")) {
      std::uint64_t size = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || sizes.size() >= 32) refuse("a size");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      sizes.push_back(size);
      if (!skip(",") && rest_.substr(0, 1) != ")") refuse("a comma");
    }
    shape = sizes;
  }

  std::string_view rest_;
  const std::string& where_;
};

// Strides of an array whose first index is the fastest.
Shape fortran_strides(const Shape& shape) {
  Shape strides;
  std::uint64_t stride = 1;
  for (const std::uint64_t size : shape) {
    strides.push_back(stride);
    if (__builtin_mul_overflow(stride, size, &stride)) stride = 0;  // count_of refuses such a shape
  }
  return strides;
}

RawTensor read(std::string_view bytes, const std::string& name, const std::string& where, bool text_too) {
  const auto refuse = [&where](const std::string& expected, const std::string& found) {
    throw Error(Status::bad_file, where + ": expected " + expected + ", found " + found);
  };
  if (bytes.size() < 10 || !bytes.starts_with(magic)) refuse("an array of NumPy", "something else");
  const int version = bytes[6];
  if (version < 1 || version > 3) refuse("version 1 to 3 of .npy", std::to_string(version));
  const std::size_t length_bytes = version == 1 ? 2 : 4, start = 8 + length_bytes;
  if (bytes.size() < start) refuse("a header", "the end of the file");
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    length |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[8 + i])) << 8 * i;
  }
  if (length > bytes.size() - start) refuse("a header of " + std::to_string(length) + " bytes", "the end of the file");
  Header header(bytes.substr(start, length), where);
  header.read();
  RawTensor tensor = {name, Type::f32, *header.shape, bytes.substr(start + length), {}};
  for (const Description& description : descriptions) {
    if (description.text != header.descr) continue;
    tensor.type = description.type;
    const std::uint64_t there = tensor.bytes.size() / bytes_of(tensor.type);
    const std::uint64_t count = count_of(tensor.shape, there, where);
    if (count * bytes_of(tensor.type) != tensor.bytes.size()) {
      refuse("as many bytes as its shape " + text(tensor.shape) + " has", std::to_string(tensor.bytes.size()));
    }
    if (*header.fortran) tensor.strides = fortran_strides(tensor.shape);
    return tensor;
  }
  const bool is_text = header.descr.starts_with("<U") || header.descr.starts_with("|S");
  if (!is_text || !text_too) refuse("little-endian numbers", "type " + shown(header.descr));
  tensor.name.clear();
  return tensor;
}

}  // namespace

RawTensor read_npy(std::string_view bytes, const std::string& name, const std::string& where) {
  return read(bytes, name, where, false);
}

std::vector<RawTensor> read_npz(std::string_view bytes, const std::string& where) {
  const Zip zip = read_zip(bytes, where);
  std::vector<RawTensor> tensors;
  for (const ZipEntry& entry : zip.entries) {
    if (!entry.name.ends_with(".npy")) {
      throw Error(Status::bad_file, where + ": expected entries named .npy, found " + shown(entry.name));
    }
    const std::string name = entry.name.substr(0, entry.name.size() - 4);
    RawTensor tensor = read(zip.read(entry), name, where + ": array " + shown(name), true);
    if (!tensor.name.empty()) tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace sluice::foreign
