// Understands an ONNX graph: every node is folded, followed or becomes a part; the first that is none of these is
// named.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "formats/foreign/import.h"
#include "formats/foreign/network.h"
#include "formats/foreign/onnx_constants.h"
#include "formats/foreign/onnx_file.h"
#include "formats/foreign/onnx_symbols.h"

namespace sluice::foreign {

class OnnxGraph {
 public:
  OnnxGraph(OnnxFile file, std::uint64_t file_bytes, const std::string& path, const Options& options);
  Network read();

 private:
  struct AxisInfo {
    std::int64_t size = -1;  // -1: any
    bool has_role = false;
    Axis role = Axis::time;
    std::string input;  // of the graph, for messages
  };
  struct Operator;
  static const Operator* find_operator(const std::string& name);

  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const;
  [[noreturn]] void refuse_symbol(const std::string& expected, const Symbol& found) const;

  // Which nodes the outputs need.
  std::set<const OnnxNode*> needed() const;
  std::set<std::string> find_state_inputs() const;
  void check_operators(const std::set<const OnnxNode*>& wanted);
  void add_outputs();

  // Inputs and outputs of the present node.
  bool has_input(std::size_t i) const { return i < node_->inputs.size() && !node_->inputs[i].empty(); }
  const Symbol& in(std::size_t i) const;
  void out(std::size_t i, Symbol symbol);
  void forget(const std::string& tensor);
  bool used_once(const std::string& tensor) const;
  // Whole numbers of an input, all of them known; or of an attribute of older opsets.
  std::vector<std::int64_t> known_wholes(const Symbol& symbol) const;
  std::vector<std::int64_t> wholes(std::size_t i, const std::string& attribute) const;
  std::size_t axis_of(std::int64_t axis, std::size_t rank) const;
  Symbol constant(const RawTensor& tensor);

  // Graph inputs, when the first node reads them and shows what they are.
  Symbol as_data(const Symbol& symbol);
  Symbol as_tokens(const Symbol& symbol);
  Symbol as_lengths(const Symbol& symbol);
  Symbol make_input(const Symbol& symbol, Kind kind);
  Dim axis_dim(std::int64_t size, const std::string& input);
  void set_role(const Dim& dim, Axis role);
  bool has_role(const Dim& dim, Axis role) const;
  // The size of an axis as a shape says it.
  Dim size_of(const Symbol& symbol, std::size_t axis) const;
  // Makes sure that an axis of data is time or batch: an axis of that kind, or one of size 1 in its place.
  void expect_role(Symbol& data, std::size_t axis, Axis role);
  std::size_t features_of(const Symbol& data) const;
  Symbol with_part(const Symbol& data, Work work);
  Symbol selected(Symbol data, std::vector<Dim> dims, const std::vector<std::size_t>& features);

  // Operators, one function each or a few.
  void keep();
  void fold_constant();
  void transpose();
  void squeeze();
  void unsqueeze();
  void reshape();
  void slice();
  void split();
  void concat();
  void shape();
  void constant_of_shape();
  void expand();
  void arithmetic();
  void where();
  void range();
  void product_of_sizes();
  void top_k();
  void scatter();
  void gather();
  void pool();
  void mat_mul();
  void gemm();
  void activation();
  void recurrent();

  Symbol sliced(const Symbol& x, std::size_t axis, const Range& range, bool whole_axis);
  Symbol sliced_time(const Symbol& x, std::size_t axis, std::int64_t start, std::int64_t end, std::int64_t step);
  void add_constant(const Symbol& data, const Symbol& numbers, const std::string& op, bool swapped);
  void add_dense(const Symbol& data, Dense dense);

  OnnxFile file_;
  const std::string& path_;
  const Options& options_;
  FoldBudget fold_;
  Budget budget_;
  Builder builder_;
  std::map<std::string, Array> given_;  // --constants
  std::vector<AxisInfo> axes_;
  std::map<std::string, Symbol> symbols_;
  std::map<std::size_t, Symbol> made_inputs_;
  std::map<std::string, std::size_t> uses_, left_;  // by nodes and outputs; of those that are still to come
  std::set<std::string> states_;
  const OnnxNode* node_ = nullptr;
};

// The activations of RNN, GRU and LSTM, in order: name, and alpha and beta by the functions that take them.
class OnnxActivations {
 public:
  OnnxActivations(const OnnxNode& node, std::vector<std::string_view> usual);
  // Throws std::string: what was expected.
  Activation next();

 private:
  std::vector<std::string_view> names_;
  std::vector<double> alphas_, betas_;
  std::size_t name_ = 0, alpha_ = 0, beta_ = 0;
};

Network read_onnx(std::string_view bytes, const std::string& path, const Options& options);

}  // namespace sluice::foreign
