#ifdef SLUICE_CELL
SLUICE_CELL(Lstm)
#else
// LSTM with forget gate (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000), a = W x + U h + b:
//   i = sigma(a_i)   f = sigma(a_f)   g = tanh(a_g)   o = sigma(a_o)
//   c' = f * c + i * g
//   h' = o * tanh(c')
struct Lstm {
  static constexpr std::string_view name = "lstm", activation = "", title = "LSTM with forget gate";
  static constexpr std::string_view source =
      "Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000, Learning to forget";
  static constexpr std::string_view equations[] = {"i = sigma(W_i x + U_i h + b_i)",
                                                   "f = sigma(W_f x + U_f h + b_f)",
                                                   "g = tanh(W_g x + U_g h + b_g)",
                                                   "o = sigma(W_o x + U_o h + b_o)",
                                                   "c' = f * c + i * g",
                                                   "h' = o * tanh(c')"};
  static constexpr std::string_view states[] = {"h", "c"};
  enum Row { kI, kF, kG, kO };
  static constexpr Shown shown[] = {{{"input", "share of the candidate that is written to memory"}, kI, false},
                                    {{"forget", "share of the past memory that is kept (1 keeps all)"}, kF, false},
                                    {{"output", "share of the memory that is shown"}, kO, false}};
  static constexpr std::string_view symbols[] = {"i", "f", "g", "o"};
  static constexpr int rows = 4, inputs = 4;
  static constexpr Stage stages[] = {{kI, 4}};
  static constexpr int forget_row = kF, candidate_row = kG;

  template <class V>
  static void forward(V* y, const V* s, V* next) {
    y[kI] = sigmoid(y[kI]), y[kF] = sigmoid(y[kF]), y[kG] = tanh(y[kG]), y[kO] = sigmoid(y[kO]);
    next[1] = y[kF] * s[1] + y[kI] * y[kG];
    next[0] = y[kO] * tanh(next[1]);
  }
  template <class V>
  static void backward(V* y, const V* s, const V* next, V* d) {
    const V i = y[kI], f = y[kF], g = y[kG], o = y[kO];
    const V t = tanh(next[1]);
    const V dc = d[1] + d[0] * o * (V(1) - t * t);
    y[kI] = dc * g * i * (V(1) - i);
    y[kF] = dc * s[1] * f * (V(1) - f);
    y[kG] = dc * i * (V(1) - g * g);
    y[kO] = d[0] * t * o * (V(1) - o);
    d[0] = V(0);
    d[1] = dc * f;
  }
};
#endif
