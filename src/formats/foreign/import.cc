#include "formats/foreign/import.h"

#include <algorithm>
#include <cstring>

#include "base/file.h"
#include "base/safetensors.h"
#include "base/shown.h"
#include "formats/foreign/audio.h"
#include "formats/foreign/chain.h"
#include "formats/foreign/hdf5.h"
#include "formats/foreign/keras.h"
#include "formats/foreign/npy.h"
#include "formats/foreign/onnx_graph.h"
#include "formats/foreign/pytorch.h"
#include "formats/foreign/zip.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

constexpr std::pair<std::string_view, Type> safetensors_types[] = {
    {"F16", Type::f16}, {"BF16", Type::bf16}, {"F32", Type::f32},     {"F64", Type::f64}, {"I8", Type::i8},
    {"U8", Type::u8},   {"I16", Type::i16},   {"U16", Type::u16},     {"I32", Type::i32}, {"U32", Type::u32},
    {"I64", Type::i64}, {"U64", Type::u64},   {"BOOL", Type::boolean}};

std::vector<RawTensor> read_tensors(std::string_view bytes, const std::string& path) {
  std::vector<RawTensor> tensors;
  for (const TensorView& tensor : view_safetensors(bytes, path).tensors) {
    const auto* type =
        std::ranges::find(safetensors_types, std::string_view(tensor.dtype), &std::pair<std::string_view, Type>::first);
    if (type == std::end(safetensors_types)) {
      throw Error(Status::bad_file, path + ": tensor " + shown(tensor.name) + ": expected a dtype of numbers, found " +
                                        shown(tensor.dtype));
    }
    tensors.push_back({tensor.name, type->second, tensor.shape, tensor.bytes, {}});
  }
  return tensors;
}

bool is_safetensors(std::string_view bytes) {
  std::uint64_t length = 0;
  if (bytes.size() < 9) return false;
  std::memcpy(&length, bytes.data(), sizeof length);
  return bytes[8] == '{' && length <= bytes.size() - 8;
}

// Protocol buffers have no magic number; a model begins with its IR version, a small number in field 1. So may the
// length of a safetensors header.
bool is_onnx(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == 0x08 && bytes[1] > 0 && bytes[1] < 64 && !is_safetensors(bytes);
}

bool is_json(std::string_view bytes) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && bytes[first] == '{';
}

bool holds_arrays(const Zip& zip) {
  return std::ranges::any_of(zip.entries, [](const ZipEntry& entry) { return entry.name.ends_with(".npy"); });
}

}  // namespace

void expect_only(const Options& options, const std::vector<std::string_view>& flags, const std::string& path) {
  const std::pair<std::string_view, bool> given[] = {{"--parts", !options.parts.empty()},
                                                     {"--unused", !options.unused.empty()},
                                                     {"--layout", options.layout != Layout::unknown},
                                                     {"--reset", options.reset_after.has_value()},
                                                     {"--convention", !options.convention.empty()},
                                                     {"--constants", !options.constants.empty()},
                                                     {"--silence", options.silence > 0}};
  for (const auto& [flag, is_given] : given) {
    if (!is_given || std::ranges::find(flags, flag) != flags.end()) continue;
    throw Error(Status::usage,
                path + ": expected no " + std::string(flag) + ", for which such a file has no use, found one");
  }
}

bool is_network(std::string_view bytes) {
  return is_onnx(bytes) || is_rnnoise(bytes) || is_json(bytes) || is_hdf5(bytes) || is_zip(bytes);
}

Network read_network(std::string_view bytes, const std::string& path, const Options& options) {
  const auto chain = [&](std::vector<RawTensor> tensors, const char* format) {
    return read_chain(std::move(tensors), format, bytes.size(), path, options);
  };
  if (is_onnx(bytes)) {
    expect_only(options, {"--reset", "--constants"}, path);
    return read_onnx(bytes, path, options);
  }
  if (is_rnnoise(bytes)) {
    expect_only(options, {}, path);
    return read_rnnoise(bytes, path);
  }
  if (is_json(bytes)) return read_audio_json(bytes, path, options);
  expect_only(options, {"--parts", "--unused", "--layout", "--reset", "--convention"}, path);
  if (is_hdf5(bytes)) return read_keras_h5(bytes, path, options);
  if (is_zip(bytes)) {
    const Zip zip = read_zip(bytes, path);
    if (is_keras(zip)) return read_keras(zip, bytes.size(), options);
    if (holds_arrays(zip)) return chain(read_npz(bytes, path), "NumPy arrays");
    return chain(read_pytorch(bytes, path), "PyTorch state dictionary");
  }
  if (is_pytorch(bytes)) return chain(read_pytorch(bytes, path), "PyTorch state dictionary, before 1.6");
  if (is_safetensors(bytes)) return chain(read_tensors(bytes, path), "safetensors");
  const bool lite = bytes.size() > 8 && bytes.substr(4, 4) == "TFL3";
  const char* found = bytes.empty() ? "an empty file" : lite ? "one of TensorFlow Lite" : "another file";
  throw Error(
      Status::bad_file,
      path + ": expected a model of PyTorch, ONNX, Keras, RTNeural, GuitarML, NAM or RNNoise, " + "found " + found);
}

Network open_network(const std::string& path, const Options& options) {
  const RawVector<char> bytes = read_file(path);
  return read_network({bytes.data(), bytes.size()}, path, options);
}

}  // namespace sluice::foreign
