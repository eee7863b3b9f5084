// Results: one JSON object, or a page drawn for what reads it, and on request the same page as a picture.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/lock.h"
#include "sluice/sluice.h"
#include "terminal.h"

namespace sluice::tool {

using Json = nlohmann::ordered_json;

struct ResultFlags {
  bool json = false;
  std::string svg;   // a picture of the page is written here; empty: none
  std::string html;  // a page for the browser is written here; empty: none
  bool force = false;

  void add(CLI::App& app);  // --json
  // --svg, --force (where the verb has none of its own)
  void add_picture(CLI::App& app, const std::string& what = "also draw what the terminal shows into this file");
  void add_page(CLI::App& app);  // --html
  // That what this flag ("--output") writes can be written (check_writable), and is no file that the command line names
  // for anything else, which would be lost. Throws Error: failed, usage.
  void expect_output(std::string_view flag, const std::string& path, bool replace) const;
  // The latter alone.
  void expect_apart(std::string_view flag, const std::string& path) const;
  void check() const;  // the same of --svg and --html
  // The same, for verbs that work long before they write; nobody else writes the files while these locks are held.
  std::vector<FileLock> lock() const;

 private:
  const CLI::App* verb_ = nullptr;
};

// A page, given how it may be drawn. Ends with a line end.
using View = std::function<std::string(const Style&)>;

// Prints the object or the page.
void show(const ResultFlags& flags, const View& view, const std::function<Json()>& object);
// Draws the picture that was asked for, with `command` as the line that was typed.
void draw_picture(const ResultFlags& flags, const std::string& command, const View& view);
// Writes the page for the browser that was asked for.
void write_page(const ResultFlags& flags, const std::function<std::string()>& make);
void print_json(const Json& object);
void print_json_text(std::string_view object);  // already written
// Says what is wrong with one of many lines, between the answers to the others: as one of the objects, and as a
// sentence.
void refuse_line(const ResultFlags& flags, const Error& error, std::uint64_t number);
// Tells which words or characters (`unit`) a model does not know; nothing when it knows all. `all`: it knows none.
void say_unknown(Console& console, std::string_view unit, const std::vector<std::string>& unknown, bool all);
// Says once, where the system gave fewer threads than were asked for (0: as many as the machine has), that it did.
class FewerThreads {
 public:
  FewerThreads(Console& console, std::size_t asked) : console_(console), asked_(asked) {}
  void say(std::size_t given);

 private:
  Console& console_;
  std::size_t asked_;
  bool said_ = false;
};
// The shortest decimal number that is this float: 0.98 and not 0.98000001907348633.
double tidy(float value);
// What a model's file calls it: its last part without .safetensors.
std::string model_name(const std::string& path);
// An argument as a shell wants it.
std::string shell_word(const std::string& argument);

}  // namespace sluice::tool
