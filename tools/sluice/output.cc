#include "output.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file.h"
#include "help.h"
#include "terminal_svg.h"

namespace sluice::tool {

void ResultFlags::add(CLI::App& app) {
  verb_ = &app;
  app.add_flag("--json", json, "print one JSON object");
}

void ResultFlags::add_picture(CLI::App& app, const std::string& what) {
  app.add_option("--svg", svg, what)->type_name("FILE");
  app.add_flag("--force", force, "replace an existing file");
}

void ResultFlags::add_page(CLI::App& app) {
  app.add_option("--html", html, "also write a page that shows it in a browser, as one file")->type_name("FILE");
}

namespace {

bool same_place(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  std::error_code unknown;
  if (fs::equivalent(a, b, unknown)) return fs::is_regular_file(a, unknown);
  const fs::path one = fs::weakly_canonical(a, unknown), other = fs::weakly_canonical(b, unknown);
  return !fs::exists(a, unknown) && !one.empty() && one == other;
}

bool mentions(const CLI::Option& option, const std::string& path) {
  return takes_file(option) &&
         std::ranges::any_of(option.results(), [&](const std::string& typed) { return same_place(typed, path); });
}

// Where a flag reads a file as a whole before anything is written, which flag may replace it by what comes of it.
std::string_view successor_of(const CLI::Option& option) {
  return option.check_name("--from") ? "--output" : option.check_name("--state-in") ? "--state-out" : "";
}

}  // namespace

void ResultFlags::expect_output(std::string_view flag, const std::string& path, bool replace) const {
  if (FileLock::is_held(path)) {
    throw Error(Status::usage,
                fmt::format("{}: {}: expected another name than that of the lock of an output", flag, printable(path)));
  }
  check_writable(path, replace);
  expect_apart(flag, path);
}

void ResultFlags::expect_apart(std::string_view flag, const std::string& path) const {
  for (const CLI::Option* option : verb_->get_options()) {
    if (option->check_name(std::string(flag)) || successor_of(*option) == flag || !mentions(*option, path)) continue;
    throw Error(Status::usage, fmt::format("{}: {}: expected a file that this command line has no other use for, found "
                                           "that of {}",
                                           flag, printable(path), option->get_name()));
  }
}

void ResultFlags::check() const {
  if (!svg.empty()) expect_output("--svg", svg, force);
  if (!html.empty()) expect_output("--html", html, force);
}

std::vector<FileLock> ResultFlags::lock() const {
  check();
  std::vector<FileLock> locks;
  for (const std::string& path : {svg, html}) {
    if (!path.empty()) locks.emplace_back(path);
  }
  return locks;
}

void show(const ResultFlags& flags, const View& view, const std::function<Json()>& object) {
  if (flags.json) {
    print_json(object());
  } else {
    print(view(style_of(1)));
  }
}

void draw_picture(const ResultFlags& flags, const std::string& command, const View& view) {
  if (flags.svg.empty()) return;
  const Style picture{.depth = Depth::rgb, .terminal = true, .redraw = false, .width = 100};
  const std::string prompt = picture.colour("$", colours::green) + " " + picture.bold(command) + "\n\n";
  std::string page = view(picture);
  page.erase(0, page.find_first_not_of('\n'));
  write_file(flags.svg, terminal_svg(prompt + page, "sluice"), flags.force);
}

void write_page(const ResultFlags& flags, const std::function<std::string()>& make) {
  if (!flags.html.empty()) write_file(flags.html, make(), flags.force);
}

void print_json(const Json& object) { print_json_text(object.dump(-1, ' ', false, Json::error_handler_t::replace)); }

void print_json_text(std::string_view object) { print(printable_json(object) + "\n"); }

void refuse_line(const ResultFlags& flags, const Error& error, std::uint64_t number) {
  if (flags.json) print_json({{"line", number}, {"error", error.what()}});
  flush();
  const std::string sentence = fmt::format("sluice: {}\n", one_line(error.what()));
  std::fwrite(sentence.data(), 1, sentence.size(), stderr);
}

void say_unknown(Console& console, std::string_view unit, const std::vector<std::string>& unknown, bool all) {
  if (unknown.empty()) return;
  std::string list;
  for (const std::string& word : unknown) list += (list.empty() ? "" : ", ") + visible(word);
  console.say(fmt::format("{}: {}",
                          all ? fmt::format("no {} of the text is known; all are read as <unk>", unit)
                              : fmt::format("unknown {}s, read as <unk>", unit),
                          list));
}

void FewerThreads::say(std::size_t given) {
  const std::size_t wanted = asked_ != 0 ? asked_ : std::max(1u, std::thread::hardware_concurrency());
  if (given >= wanted || std::exchange(said_, true)) return;
  console_.say(fmt::format("the system gave {} of {} threads: slower, with the same result", given, wanted));
}

double tidy(float value) {
  if (!std::isfinite(value)) return static_cast<double>(value);
  char digits[32];
  const auto written = std::to_chars(std::begin(digits), std::end(digits), value);
  double exact = 0;
  std::from_chars(std::begin(digits), written.ptr, exact);
  return exact;
}

std::string model_name(const std::string& path) {
  const std::filesystem::path file = std::filesystem::path(path).filename();
  return file.extension() == ".safetensors" ? file.stem().string() : file.string();
}

std::string shell_word(const std::string& argument) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c > 127 ||
           (c != 0 && std::string_view("-_./,:=+@%").find(static_cast<char>(c)) != std::string_view::npos);
  };
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), plain)) return argument;
  if (argument.find_first_of("\"$`\\!") == std::string::npos) return "\"" + argument + "\"";
  std::string out = "'";
  for (const char c : argument) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace sluice::tool
