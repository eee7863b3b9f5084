#include "formats/c_cell.h"

#include <iterator>
#include <memory>
#include <vector>

#include "cells/tape_rows.h"
#include "sluice/error.h"

namespace sluice {
namespace {

// What an expression is, the tightest bound first: decides where parentheses must stand.
enum class Kind { local, place, product, sum };  // a variable of ours; where a number is kept; the rest is compound

struct Expression {
  std::string text;
  Kind kind;
};

// The statements written so far.
class Writer {
 public:
  explicit Writer(std::string_view indent) : indent_(indent) {}

  std::string declare(const std::string& value) {
    std::string name = "v";
    name += std::to_string(declared_++);
    line("const float " + name + " = " + value + ";");
    return name;
  }
  void line(const std::string& statement) { text_ += indent_ + statement + "\n"; }
  const std::string& text() const { return text_; }

 private:
  std::string indent_, text_;
  int declared_ = 0;
};

// A number as the cells' files want one, that is a piece of C. Copies share their expression, so that a name once given
// is used by all of them.
class Symbol {
 public:
  Symbol() = default;
  explicit Symbol(int value) : Symbol(nullptr, std::to_string(value) + ".0f", Kind::place) {}
  Symbol(Writer* writer, std::string text, Kind kind)
      : writer_(writer), expression_(std::make_shared<Expression>(Expression{std::move(text), kind})) {}

  const std::string& text() const { return expression_->text; }
  // In parentheses where it binds less tightly than `most`.
  std::string within(Kind most) const { return expression_->kind > most ? "(" + text() + ")" : text(); }
  Writer* writer() const { return writer_; }
  bool is(const Symbol& other) const { return expression_ == other.expression_; }
  // Makes a variable of what is no simpler than `least`.
  void declare(Kind least) const {
    if (expression_->kind >= least) *expression_ = {writer_->declare(text()), Kind::local};
  }

 private:
  Writer* writer_ = nullptr;
  std::shared_ptr<Expression> expression_;
};

Writer* writer_of(const Symbol& a, const Symbol& b) { return a.writer() != nullptr ? a.writer() : b.writer(); }

Symbol operator+(const Symbol& a, const Symbol& b) {
  return {writer_of(a, b), a.text() + " + " + b.within(Kind::product), Kind::sum};
}
Symbol operator-(const Symbol& a, const Symbol& b) {
  return {writer_of(a, b), a.text() + " - " + b.within(Kind::product), Kind::sum};
}
Symbol operator*(const Symbol& a, const Symbol& b) {
  return {writer_of(a, b), a.within(Kind::product) + " * " + b.within(Kind::place), Kind::product};
}

Symbol call(const char* function, const Symbol& x) {
  x.declare(Kind::product);
  return {x.writer(), x.writer()->declare(std::string(function) + "(" + x.text() + ")"), Kind::local};
}
Symbol sigmoid(const Symbol& x) { return call("@_sigmoid", x); }
Symbol tanh(const Symbol& x) { return call("@_tanh", x); }
Symbol relu(const Symbol& x) { return call("@_relu", x); }

#include "cells/registry-inl.h"

// The numbers of unit j where the generated code keeps them.
template <class Cell>
std::vector<Symbol> tape(Writer& writer) {
  std::vector<Symbol> rows;
  for (int row = 0; row < Cell::rows; ++row) {
    const std::string offset = row == 0 ? "" : row == 1 ? "H + " : std::to_string(row) + " * H + ";
    rows.emplace_back(&writer, "a[" + offset + "j]", Kind::place);
  }
  return rows;
}

template <class Cell>
std::vector<Symbol> states(Writer& writer) {
  std::vector<Symbol> all;
  for (const std::string_view name : Cell::states) all.emplace_back(&writer, std::string(name) + "[j]", Kind::place);
  return all;
}

// Stores every value that is not where it was; all are computed before the first store.
void store(Writer& writer, const std::vector<Symbol>& places, const std::vector<Symbol>& values) {
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!values[i].is(places[i])) changed.push_back(i);
  }
  std::vector<std::string> targets;
  targets.reserve(changed.size());
  for (const std::size_t i : changed) targets.push_back(places[i].text());
  if (changed.size() > 1) {
    for (const std::size_t i : changed) values[i].declare(Kind::place);
  }
  for (std::size_t i = 0; i < changed.size(); ++i) writer.line(targets[i] + " = " + values[changed[i]].text() + ";");
}

template <class Cell>
CellInC render(std::string_view indent) {
  CellInC out{Cell::source, Cell::equations, Cell::states, {}, {}};
  if constexpr (std::size(Cell::stages) == 2) {
    Writer writer(indent);
    const std::vector<Symbol> before = tape<Cell>(writer), state = states<Cell>(writer);
    std::vector<Symbol> after = before;
    Cell::mix(after.data(), state.data());
    store(writer, before, after);
    out.mix = writer.text();
  }
  Writer writer(indent);
  const std::vector<Symbol> state = states<Cell>(writer);
  std::vector<Symbol> rows = tape<Cell>(writer), next(state.size());
  Cell::forward(rows.data(), state.data(), next.data());
  store(writer, state, next);
  out.forward = writer.text();
  return out;
}

}  // namespace

CellInC cell_in_c(std::string_view cell, std::string_view activation, std::string_view indent) {
#define SLUICE_CELL(Cell)                                                                   \
  if (cell == Cell::name && (Cell::activation.empty() || activation == Cell::activation)) { \
    return render<Cell>(indent);                                                            \
  }
#include "cells/registry-inl.h"
  throw Error(Status::usage, "export: expected a registered cell, found " + std::string(cell));
}

}  // namespace sluice
