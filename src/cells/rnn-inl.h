#ifdef SLUICE_CELL
SLUICE_CELL(RnnTanh)
SLUICE_CELL(RnnRelu)
#else
// Plain recurrent network (Elman 1990), a = W x + U h + b:
//   h' = tanh(a)      or, by option,      h' = max(0, a)   (Le, Jaitly & Hinton 2015)
struct RnnTanh {
  static constexpr std::string_view name = "rnn", activation = "tanh", title = "plain recurrent network";
  static constexpr std::string_view source = "Elman 1990, Finding structure in time";
  static constexpr std::string_view equations[] = {"h' = tanh(W x + U h + b)"};
  static constexpr std::string_view states[] = {"h"};
  enum Row { kH };
  static constexpr std::string_view symbols[] = {""};
  static constexpr int rows = 1, inputs = 1;
  static constexpr Stage stages[] = {{kH, 1}};
  static constexpr int forget_row = -1, candidate_row = -1;

  template <class V>
  static void forward(V* y, const V*, V* next) {
    next[0] = y[kH] = tanh(y[kH]);
  }
  template <class V>
  static void backward(V* y, const V*, const V*, V* d) {
    y[kH] = d[0] * (V(1) - y[kH] * y[kH]);
    d[0] = V(0);
  }
};

struct RnnRelu : RnnTanh {
  static constexpr std::string_view activation = "relu";
  static constexpr std::string_view source = "Le, Jaitly & Hinton 2015, arXiv 1504.00941";
  static constexpr std::string_view equations[] = {"h' = max(0, W x + U h + b)"};

  template <class V>
  static void forward(V* y, const V*, V* next) {
    next[0] = y[kH] = relu(y[kH]);
  }
  template <class V>
  static void backward(V* y, const V*, const V*, V* d) {
    y[kH] = d[0] * is_positive(y[kH]);
    d[0] = V(0);
  }
};
#endif
