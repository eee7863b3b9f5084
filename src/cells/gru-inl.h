#ifdef SLUICE_CELL
SLUICE_CELL(Gru)
#else
// GRU as first published (Cho et al. 2014, arXiv 1406.1078, section 2.3): the reset gate acts on the state before the
// matrix product. Here z is the share of new memory, so 1 - z is what is retained:
//   z = sigma(W_z x + U_z h + b_z)   r = sigma(W_r x + U_r h + b_r)
//   h~ = tanh(W_h x + U_h (r * h) + b_h)
//   h' = (1 - z) * h + z * h~
// Two stages: z and r first, then the candidate from r * h, which is kept as a row of its own.
struct Gru {
  static constexpr std::string_view name = "gru", activation = "", title = "GRU, reset before the matrix product";
  static constexpr std::string_view source = "Cho et al. 2014, arXiv 1406.1078, section 2.3";
  static constexpr std::string_view equations[] = {"z = sigma(W_z x + U_z h + b_z)", "r = sigma(W_r x + U_r h + b_r)",
                                                   "h~ = tanh(W_h x + U_h (r * h) + b_h)", "h' = (1 - z) * h + z * h~"};
  static constexpr std::string_view states[] = {"h"};
  enum Row { kZ, kR, kH, kRh };
  static constexpr Shown shown[] = {{{"retain", "share of the past that is kept: 1 - z"}, kZ, true},
                                    {{"reset", "share of the past that the new memory is made from: r"}, kR, false}};
  static constexpr std::string_view symbols[] = {"z", "r", "h", ""};
  static constexpr int rows = 4, inputs = 3;
  static constexpr Stage stages[] = {{kZ, 2}, {kH, 1}};
  static constexpr int mixed_row = kRh;
  static constexpr int forget_row = -1, candidate_row = kH;

  template <class V>
  static void mix(V* y, const V* s) {
    y[kZ] = sigmoid(y[kZ]), y[kR] = sigmoid(y[kR]);
    y[kRh] = y[kR] * s[0];
  }
  template <class V>
  static void forward(V* y, const V* s, V* next) {
    y[kH] = tanh(y[kH]);
    next[0] = (V(1) - y[kZ]) * s[0] + y[kZ] * y[kH];
  }
  template <class V>
  static void backward(V* y, const V* s, const V*, V* d) {
    const V z = y[kZ], n = y[kH];
    y[kZ] = d[0] * (n - s[0]) * z * (V(1) - z);
    y[kH] = d[0] * z * (V(1) - n * n);
    d[0] = d[0] * (V(1) - z);
  }
  // dm is the gradient with respect to r * h.
  template <class V>
  static void unmix(V* y, const V* s, const V& dm, V* d) {
    const V r = y[kR];
    y[kR] = dm * s[0] * r * (V(1) - r);
    d[0] = d[0] + dm * r;
  }
};
#endif
