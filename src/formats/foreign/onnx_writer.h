// Writes an ONNX file, node by node (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sluice::foreign {

class OnnxWriter {
 public:
  // An axis has a name where it may have any size.
  struct Size {
    Size(std::size_t size) : known(size) {}
    Size(const char* any) : name(any) {}
    std::size_t known = 0;
    std::string name;
  };
  using Attributes = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

  void input(const std::string& name, const std::vector<Size>& sizes, bool tokens = false);
  void output(const std::string& name, const std::vector<Size>& sizes);
  void constant(const std::string& name, const std::vector<std::size_t>& shape, std::span<const float> values);
  void wholes(const std::string& name, const std::vector<std::int64_t>& values, bool scalar = false);

  // A node whose first output has its name. Whole numbers as attributes; several of them are a list.
  class Node {
   public:
    Node(const std::string& op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs);
    Node& whole(const std::string& name, std::int64_t value);
    Node& wholes(const std::string& name, const std::vector<std::int64_t>& values);
    Node& text(const std::string& name, const std::string& value);
    Node& texts(const std::string& name, const std::vector<std::string>& values);

   private:
    friend class OnnxWriter;
    void attribute(const std::string& bytes);
    std::string bytes_;
  };
  void node(const Node& node);

  // The file; throws Error (failed) beyond the 2 GiB that such a file may have.
  std::string done(std::int64_t opset, const std::string& graph) const;

 private:
  std::string nodes_, constants_, inputs_, outputs_;  // fields of the graph
};

}  // namespace sluice::foreign
