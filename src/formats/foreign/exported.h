// What exporters share.
#pragma once

#include <string>
#include <string_view>

#include "formats/foreign/stack.h"

namespace sluice::foreign {

// What a format can say besides lstm, gru-reset-after, forward layers and heads on every step.
struct Format {
  std::string_view others;    // formats that can say more, for messages
  bool reset_before = false;  // a gru that resets before the product
  bool rnn = true, gru = true;
  bool tokens = true;
  bool dense = true;
  bool directions = true;
  bool pooling = true;
  bool probabilities = true;    // a softmax or sigmoid behind the head
  bool initial_states = false;  // other than zeros
};

// Throws Error (usage) that names what the format cannot say and which formats can.
void expect_writable(const Stack& stack, const std::string& name, const Format& format);

// A text as Python or JSON writes it, with its quotes.
std::string python_text(const std::string& text);
// A number whose float32 is read back with the same bits.
std::string number_text(double value);

}  // namespace sluice::foreign
