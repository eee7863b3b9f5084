// The safetensors container.
// Format: 8 bytes little-endian header length N, N bytes of JSON, data
// (https://github.com/huggingface/safetensors#format): {"__metadata__": {text: text}, name: {"dtype", "shape",
// "data_offsets": [first, last]}}, offsets counted from the end of the header, data without holes.
#include "base/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <tuple>
#include <utility>

#include "base/fnv.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/safetensors_header.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are copied as they are");

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t most_header = 100'000'000;  // the reference library's limit

[[noreturn]] void refuse(const std::string& path, const std::string& place, const std::string& expected,
                         const std::string& found) {
  throw Error(Status::bad_file, path + ": " + place + ": expected " + expected + ", found " + found);
}

// Bytes of a tensor; nothing when the dtype is unknown or the number does not fit.
template <class Bytes>
std::optional<std::uint64_t> tensor_bytes(const BasicTensor<Bytes>& tensor) {
  std::optional<std::uint64_t> size = dtype_size(tensor.dtype);
  for (const std::uint64_t dimension : tensor.shape) {
    std::uint64_t product = 0;
    if (!size || __builtin_mul_overflow(*size, dimension, &product)) return std::nullopt;
    size = product;
  }
  return size;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size() && i < 8; ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() > 8 ? ", ...]" : "]");
}

std::uint64_t header_length(std::string_view bytes, const std::string& path) {
  if (bytes.empty()) refuse(path, "the file", "a safetensors file", "an empty file");
  if (bytes.size() < length_bytes) {
    refuse(path, "the first 8 bytes", "the length of the header",
           "a file of " + std::to_string(bytes.size()) + " bytes");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_bytes);
  if (length > most_header) {
    refuse(path, "the first 8 bytes", "a header length of at most " + std::to_string(most_header),
           std::to_string(length) + " (this is no safetensors file)");
  }
  if (length > bytes.size() - length_bytes) {
    refuse(path, "the first 8 bytes",
           "a header length that fits into the " + std::to_string(bytes.size()) + " bytes of the file",
           std::to_string(length) + " (the file is cut short or is no safetensors file)");
  }
  if (length == 0 || bytes[length_bytes] != '{') {
    refuse(path, "header", "it to begin with {", length == 0 ? "nothing" : "another byte");
  }
  return length;
}

// Every byte of the data must belong to exactly one tensor.
void check_layout(std::vector<HeaderEntry>& entries, std::uint64_t data_size, const std::string& path) {
  std::ranges::sort(entries, {}, [](const HeaderEntry& entry) -> const std::string& { return entry.tensor.name; });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].tensor.name == entries[i - 1].tensor.name) {
      refuse(path, "header", "distinct tensor names", shown(entries[i].tensor.name) + " twice");
    }
  }
  std::ranges::sort(entries, {}, [](const HeaderEntry& entry) { return std::tie(entry.offsets, entry.tensor.name); });
  std::uint64_t end = 0;
  for (const HeaderEntry& entry : entries) {
    const std::string place = "tensor " + shown(entry.tensor.name);
    const std::uint64_t first = entry.offsets[0], last = entry.offsets[1];
    if (first != end) {
      refuse(path, place, "its data to begin at byte " + std::to_string(end) + " of the data", std::to_string(first));
    }
    if (last < first || last > data_size) {
      refuse(path, place,
             "its data to end between bytes " + std::to_string(first) + " and " + std::to_string(data_size) +
                 " of the data",
             std::to_string(last) + (last > data_size ? " (the file is cut short)" : ""));
    }
    if (const auto size = tensor_bytes(entry.tensor); size != last - first) {
      refuse(path, place,
             size ? std::to_string(*size) + " bytes for " + entry.tensor.dtype + " " + shape_text(entry.tensor.shape)
                  : "a size that fits into memory",
             size ? std::to_string(last - first) : shape_text(entry.tensor.shape));
    }
    end = last;
  }
  if (end != data_size) {
    refuse(path, "the end of the file", std::to_string(end) + " bytes of data", std::to_string(data_size));
  }
}

// Where the digits of the checksum stand; npos when there are none. No text within the JSON can look like this key,
// for quotes within a text are escaped.
std::size_t find_checksum(std::string_view bytes, std::uint64_t header) {
  const std::string key = '"' + std::string(checksum_key) + "\":\"";
  const std::size_t found = bytes.substr(length_bytes, header).find(key);
  return found == std::string_view::npos ? found : length_bytes + found + key.size();
}

constexpr std::size_t checksum_digits = 16;

std::uint64_t xxh3(std::string_view first, std::string_view second) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, first.data(), first.size());
  XXH3_64bits_update(&state, second.data(), second.size());
  return XXH3_64bits_digest(&state);
}

std::string checksum_without(std::string_view bytes, std::size_t digits, Checksum kind) {
  const std::string_view first = bytes.substr(0, digits), second = bytes.substr(digits + checksum_digits);
  const std::uint64_t sum = kind == Checksum::xxh3 ? xxh3(first, second) : fnv1a<char>(second, fnv1a<char>(first));
  std::string text(checksum_digits, '0');
  for (std::size_t i = 0; i < checksum_digits; ++i) text[i] = "0123456789abcdef"[sum >> (60 - 4 * i) & 15];
  return text;
}

}  // namespace

TensorFile parse_safetensors(std::string_view bytes, const std::string& path) {
  TensorFileView view = view_safetensors(bytes, path);
  TensorFile file = {std::move(view.metadata), {}};
  for (TensorView& t : view.tensors) {
    file.tensors.push_back({std::move(t.name), std::move(t.dtype), std::move(t.shape), std::string(t.bytes)});
  }
  return file;
}

TensorFileView view_safetensors(std::string_view bytes, const std::string& path) {
  const std::uint64_t header = header_length(bytes, path);
  TensorFileView file;
  std::vector<HeaderEntry> entries = read_header(bytes.substr(length_bytes, header), path, file.metadata);
  const std::string_view data = bytes.substr(length_bytes + header);
  check_layout(entries, data.size(), path);
  for (HeaderEntry& entry : entries) {
    entry.tensor.bytes = data.substr(entry.offsets[0], entry.offsets[1] - entry.offsets[0]);
    file.tensors.push_back(std::move(entry.tensor));
  }
  return file;
}

namespace {

void expect_at_most(std::uint64_t most, const std::string& what, std::uint64_t found) {
  if (found <= most) return;
  throw Error(Status::failed,
              "header: expected at most " + std::to_string(most) + " " + what + ", found " + std::to_string(found));
}

void write_metadata(const std::map<std::string, std::string>& metadata, JsonWriter& header) {
  header.key(metadata_name).begin_object();
  for (const auto& [name, value] : metadata) {
    header.exact_key(name, "header").exact_string(value, "header");
  }
  header.end_object();
}

template <class Bytes>
void check_tensor(const BasicTensor<Bytes>& tensor, bool taken) {
  const std::string place = "tensor " + shown(tensor.name);
  if (taken) throw Error(Status::failed, place + ": expected a name of its own, found it taken");
  expect_at_most(most_dimensions, "dimensions", tensor.shape.size());
  if (tensor_bytes(tensor) != tensor.bytes.size()) {
    throw Error(Status::failed, place + ": expected as many bytes as " + tensor.dtype + " " + shape_text(tensor.shape) +
                                    " takes, found " + std::to_string(tensor.bytes.size()));
  }
}

// One object, its keys and those of every object in it sorted by bytes.
template <class Bytes>
std::string header_text(const std::map<std::string, std::string>& metadata,
                        const std::vector<const BasicTensor<Bytes>*>& sorted) {
  expect_at_most(most_tensors, "tensors", sorted.size());
  expect_at_most(most_metadata, "entries of metadata", metadata.size());
  JsonWriter header;
  header.begin_object();
  bool written = metadata.empty();
  const std::string* before = nullptr;
  std::uint64_t end = 0;
  for (const auto* tensor : sorted) {
    check_tensor(*tensor, tensor->name == metadata_name || (before != nullptr && *before == tensor->name));
    before = &tensor->name;
    if (!written && metadata_name < tensor->name) {
      write_metadata(metadata, header);
      written = true;
    }
    header.exact_key(tensor->name, "header").begin_object();
    header.key("data_offsets").begin_array().integer(end).integer(end + tensor->bytes.size()).end_array();
    header.key("dtype").string(tensor->dtype).key("shape").begin_array();
    for (const std::uint64_t extent : tensor->shape) header.integer(extent);
    header.end_array().end_object();
    end += tensor->bytes.size();
  }
  if (!written) write_metadata(metadata, header);
  std::string text = header.end_object().take();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data begins at a multiple of 8 bytes
  expect_at_most(most_header, "bytes", text.size());
  return text;
}

template <class Bytes>
std::string format(const BasicTensorFile<Bytes>& file) {
  std::vector<const BasicTensor<Bytes>*> sorted;
  for (const auto& tensor : file.tensors) sorted.push_back(&tensor);
  std::ranges::sort(sorted, {}, [](const auto* tensor) -> const std::string& { return tensor->name; });
  const std::string text = header_text(file.metadata, sorted);

  const std::uint64_t length = text.size();
  std::string bytes(length_bytes, '\0');
  std::memcpy(bytes.data(), &length, length_bytes);
  std::size_t data = 0;
  for (const auto* tensor : sorted) data += tensor->bytes.size();
  bytes.reserve(length_bytes + text.size() + data);
  bytes += text;
  for (const auto* tensor : sorted) bytes += tensor->bytes;
  return bytes;
}

}  // namespace

std::string format_safetensors(const TensorFile& file) { return format(file); }
std::string format_safetensors(const TensorFileView& file) { return format(file); }

std::string format_with_checksum(TensorFile file) {
  file.metadata[std::string(checksum_key)] = std::string(checksum_digits, '0');
  std::string bytes = format_safetensors(file);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), length_bytes);
  const std::size_t digits = find_checksum(bytes, header);
  bytes.replace(digits, checksum_digits, checksum_without(bytes, digits, Checksum::xxh3));
  return bytes;
}

void verify_checksum(std::string_view bytes, const std::map<std::string, std::string>& metadata,
                     const std::string& path, Checksum kind) {
  const std::string place = "metadata " + std::string(checksum_key);
  const auto stored = metadata.find(std::string(checksum_key));
  if (stored == metadata.end()) refuse(path, place, "a checksum or none", "no such entry");
  if (stored->second == "none") return;
  const std::size_t digits = find_checksum(bytes, header_length(bytes, path));
  const bool placed = digits != std::string_view::npos && stored->second.size() == checksum_digits &&
                      bytes.substr(digits, checksum_digits) == stored->second;
  const std::string sum = placed ? checksum_without(bytes, digits, kind) : "another";
  if (sum != stored->second) {
    refuse(path, place, "the checksum " + shown(stored->second) + " of the file's bytes",
           sum + " (the file is damaged or was changed after it was written)");
  }
}

}  // namespace sluice
