#ifdef SLUICE_CELL
SLUICE_CELL(GruResetAfter)
#else
// GRU with the reset gate after the matrix product: the form of cuDNN, PyTorch and default Keras (PyTorch's nn.GRU
// documentation; its z keeps, ours is the share of new memory):
//   z = sigma(W_z x + U_z h + b_z)   r = sigma(W_r x + U_r h + b_r)
//   h~ = tanh(W_h x + b_h + r * (U_h h + c_h))
//   h' = (1 - z) * h + z * h~
// The recurrent product of the candidate, q = U_h h + c_h, stays apart and is a row of its own.
struct GruResetAfter {
  static constexpr std::string_view name = "gru-reset-after", activation = "",
                                    title = "GRU, reset after the matrix product (cuDNN's and PyTorch's form)";
  static constexpr std::string_view source = "cuDNN; PyTorch documentation of nn.GRU (z there is 1 - z here)";
  static constexpr std::string_view equations[] = {"z = sigma(W_z x + U_z h + b_z)", "r = sigma(W_r x + U_r h + b_r)",
                                                   "h~ = tanh(W_h x + b_h + r * (U_h h + c_h))",
                                                   "h' = (1 - z) * h + z * h~"};
  static constexpr std::string_view states[] = {"h"};
  enum Row { kH, kZ, kR, kQ };
  static constexpr Shown shown[] = {{{"retain", "share of the past that is kept: 1 - z"}, kZ, true},
                                    {{"reset", "share of the past that the new memory is made from: r"}, kR, false}};
  static constexpr std::string_view symbols[] = {"h", "z", "r", "h"};
  static constexpr int rows = 4, inputs = 3;
  static constexpr Stage stages[] = {{kZ, 3}};
  static constexpr int forget_row = -1, candidate_row = kH;

  template <class V>
  static void forward(V* y, const V* s, V* next) {
    y[kZ] = sigmoid(y[kZ]), y[kR] = sigmoid(y[kR]);
    y[kH] = tanh(y[kH] + y[kR] * y[kQ]);
    next[0] = (V(1) - y[kZ]) * s[0] + y[kZ] * y[kH];
  }
  template <class V>
  static void backward(V* y, const V* s, const V*, V* d) {
    const V z = y[kZ], r = y[kR], n = y[kH], q = y[kQ];
    const V dn = d[0] * z * (V(1) - n * n);
    y[kZ] = d[0] * (n - s[0]) * z * (V(1) - z);
    y[kH] = dn;
    y[kR] = dn * q * r * (V(1) - r);
    y[kQ] = dn * r;
    d[0] = d[0] * (V(1) - z);
  }
};
#endif
