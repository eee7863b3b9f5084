#include "base/safetensors_header.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace sluice {
namespace {

struct DtypeSize {
  std::string_view dtype;
  std::uint64_t bytes;
};
constexpr DtypeSize dtype_sizes[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
                                     {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
                                     {"I32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};

class HeaderReader : public JsonReader {
 public:
  HeaderReader(const std::string& path, std::map<std::string, std::string>& metadata)
      : JsonReader(path + ": header"), metadata_(metadata) {}
  std::vector<HeaderEntry>& entries() { return entries_; }

  bool start_object(std::size_t) override {
    switch (at_) {
      case At::file:
        return go(At::names);
      case At::metadata_open:
        return go(At::metadata);
      case At::tensor_open:
        return go(At::tensor);
      default:
        refuse("an object");
    }
  }
  bool end_object() override {
    if (at_ == At::tensor) {
      const HeaderEntry& entry = entries_.back();
      if (!entry.has_dtype || !entry.has_shape || !entry.has_offsets) refuse("only some of them");
      return go(At::names);
    }
    return go(at_ == At::names ? At::end : At::names);
  }
  bool key(string_t& value) override {
    switch (at_) {
      case At::names:
        if (value == metadata_name) {
          return std::exchange(has_metadata_, true) ? refuse_again(value) : go(At::metadata_open);
        }
        if (entries_.size() == most_tensors) refuse_more(most_tensors, "tensors");
        entries_.emplace_back().tensor.name = value;
        return go(At::tensor_open);
      case At::metadata:
        if (metadata_.contains(value)) return refuse_again(value);
        if (metadata_.size() == most_metadata) refuse_more(most_metadata, "entries of metadata");
        key_ = value;
        return go(At::metadata_value);
      default:
        return tensor_key(value);
    }
  }
  bool string(string_t& value) override {
    if (at_ == At::metadata_value) {
      metadata_.emplace(std::move(key_), std::move(value));
      return go(At::metadata);
    }
    if (at_ != At::dtype) refuse(shown(value));
    if (!dtype_size(value)) refuse(shown(value));
    entries_.back().tensor.dtype = value;
    return go(At::tensor);
  }
  bool start_array(std::size_t) override {
    if (at_ == At::shape) return go(At::dimensions);
    if (at_ == At::offsets) return go(At::positions);
    refuse("an array");
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (at_ == At::dimensions) {
      if (entries_.back().tensor.shape.size() == most_dimensions) refuse_more(most_dimensions, "dimensions");
      return entries_.back().tensor.shape.push_back(value), true;
    }
    if (at_ != At::positions || entries_.back().offsets.size() == 2) refuse(std::to_string(value));
    return entries_.back().offsets.push_back(value), true;
  }
  bool end_array() override {
    if (at_ == At::positions && entries_.back().offsets.size() != 2) refuse("fewer");
    return go(At::tensor);
  }

 protected:
  std::string expected() const override {
    const std::string of = entries_.empty() ? "" : " of tensor " + shown(entries_.back().tensor.name);
    switch (at_) {
      case At::file:
        return "an object";
      case At::names:
        return "tensors by name";
      case At::metadata_open:
        return "__metadata__ to be an object of texts";
      case At::metadata:
        return "metadata by distinct names";
      case At::metadata_value:
        return "a text for metadata " + shown(key_);
      case At::tensor_open:
        return "an object for tensor " + shown(entries_.back().tensor.name);
      case At::tensor:
        return "dtype, shape and data_offsets" + of + " once each";
      case At::dtype:
        return "a known dtype" + of;
      case At::shape:
        return "an array for the shape" + of;
      case At::dimensions:
        return "whole numbers for the shape" + of;
      case At::offsets:
        return "an array for the data_offsets" + of;
      case At::positions:
        return "two whole numbers for the data_offsets" + of;
      case At::end:
        return "nothing more";
    }
    return {};
  }

 private:
  enum class At {
    file,
    names,
    metadata_open,
    metadata,
    metadata_value,
    tensor_open,
    tensor,
    dtype,
    shape,
    dimensions,
    offsets,
    positions,
    end
  };

  bool go(At at) {
    at_ = at;
    return true;
  }
  bool refuse_again(const std::string& name) { refuse(shown(name) + " a second time"); }
  [[noreturn]] void refuse_more(std::size_t most, const std::string& what) const {
    throw Error(Status::bad_file, where() + ": expected at most " + std::to_string(most) + " " + what + ", found more");
  }
  bool tensor_key(const std::string& value) {
    HeaderEntry& entry = entries_.back();
    if (value == "dtype" && !std::exchange(entry.has_dtype, true)) return go(At::dtype);
    if (value == "shape" && !std::exchange(entry.has_shape, true)) return go(At::shape);
    if (value == "data_offsets" && !std::exchange(entry.has_offsets, true)) return go(At::offsets);
    refuse("the key " + shown(value));
  }

  std::map<std::string, std::string>& metadata_;
  std::vector<HeaderEntry> entries_;
  std::string key_;
  bool has_metadata_ = false;
  At at_ = At::file;
};

}  // namespace

std::optional<std::uint64_t> dtype_size(std::string_view dtype) {
  const auto* found = std::ranges::find(dtype_sizes, dtype, &DtypeSize::dtype);
  return found == std::end(dtype_sizes) ? std::nullopt : std::optional(found->bytes);
}

std::vector<HeaderEntry> read_header(std::string_view json, const std::string& path,
                                     std::map<std::string, std::string>& metadata) {
  HeaderReader reader(path, metadata);
  reader.read(json);
  return std::move(reader.entries());
}

}  // namespace sluice
