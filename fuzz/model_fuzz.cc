// A model file from any bytes: refused by an Error, or a model that can be used and written again. Random bytes never
// get past the header, so besides them the input is read as changes to a good file: its parts replaced, cut, repeated.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/safetensors.h"
#include "formats/model_file.h"
#include "sluice/error.h"

namespace {

using namespace sluice;

TensorFile good_file(const Model& model) {
  TensorFile file = parse_safetensors(model_to_bytes(model), "good");
  // Else nearly every change would end at the checksum or the self-check.
  file.metadata[std::string(checksum_key)] = "none";
  file.metadata["sluice.self-check"] = "none";
  return file;
}

TensorFile text_file(const std::string& cell) {
  const Vocabulary vocabulary({.level = Level::word}, {"<unk>", "a", "b"});
  return good_file(Model({.cell = cell, .layers = 1, .hidden = 2, .embedding = 1}, vocabulary));
}

TensorFile numbers_file(const std::string& cell) {
  return good_file(Model({.cell = cell, .layers = 1, .hidden = 2, .inputs = 1, .outputs = 2}));
}

const std::array<TensorFile, 6>& good_files() {
  static const std::array<TensorFile, 6> files = {text_file("rnn"),    text_file("lstm"),
                                                  text_file("gru"),    text_file("gru-reset-after"),
                                                  numbers_file("gru"), numbers_file("lstm")};
  return files;
}

void use(const Model& model) {
  if (model.reads_text()) {
    const Token tokens[] = {0, static_cast<Token>(model.vocabulary().size() - 1)};
    model.score(tokens);
  } else {
    model.trace(std::vector<float>(2 * model.config().inputs, 0.5f));
  }
}

void read(std::string_view bytes) {
  try {
    const Model model = model_from_bytes(bytes, "fuzz");
    use(model);
    model_to_bytes(model);
  } catch (const Error& error) {
    // A stranger's finite weights can still make a network whose answers are not, which is not written.
    if (error.status() != Status::bad_file && error.status() != Status::failed) std::abort();
  }
}

// Takes numbers and texts off the input.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  std::uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::string text() {
    const std::size_t length = std::min<std::size_t>(byte(), size_);
    std::string taken(reinterpret_cast<const char*>(data_), length);
    data_ += length;
    size_ -= length;
    return taken;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

void splice(std::string& text, Input& input) {
  const std::size_t at = text.empty() ? 0 : (input.byte() * 256u + input.byte()) % text.size();
  text.replace(at, std::min<std::size_t>(input.byte(), text.size() - at), input.text());
}

void change(TensorFile& file, Input& input) {
  const auto kind = input.byte() % 6;
  Tensor& tensor = file.tensors[input.byte() % file.tensors.size()];
  auto entry = file.metadata.begin();
  std::advance(entry, input.byte() % file.metadata.size());
  switch (kind) {
    case 0:
      return splice(entry->second, input);
    case 1:
      entry->second = input.text();
      return;
    case 2:
      splice(tensor.bytes, input);
      return;
    case 3:
      tensor.name = input.text();
      return;
    case 4:
      tensor.shape.assign(1 + input.byte() % 3u, input.byte());
      return;
    default:
      tensor.bytes = input.text();
      tensor.shape = {tensor.bytes.size() / 4, 1};
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read({reinterpret_cast<const char*>(data), size});
  Input input(data, size);
  TensorFile file = good_files()[input.byte() % good_files().size()];
  while (!input.empty()) change(file, input);
  try {
    read(format_safetensors(file));
  } catch (const Error& error) {
    if (error.status() != Status::failed) std::abort();  // changes that no such file can hold
  }
  return 0;
}
