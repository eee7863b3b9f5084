// The command `sluice`: reads what was typed, runs one verb, turns errors into a sentence and an exit code.
#include <fcntl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

#include "help.h"
#include "mistakes.h"
#include "output.h"
#include "sluice/error.h"
#include "terminal.h"
#include "verbs.h"

namespace sluice::tool {

std::string Invocation::line(const std::string& name, const std::vector<std::string>& with_value,
                             const std::vector<std::string>& alone) const {
  const auto contains = [](const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  std::string typed = shell_word(name);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (contains(alone, argument)) continue;
    if (contains(with_value, argument.substr(0, argument.find('=')))) {
      if (argument.find('=') == std::string::npos) ++i;
      continue;
    }
    typed += " " + shell_word(argument);
  }
  return typed;
}

namespace {

struct Verb {
  const char* name;
  Action (*add)(CLI::App&, const Invocation&);
  const char* what;
  const char* example;
};

constexpr Verb kVerbs[] = {
    {"demo", add_demo, "Shows how far back a plain RNN, an LSTM and a GRU remember.", "sluice demo"},
    {"train", add_train,
     "Trains a network on a text, a table over time or labelled sequences; saves one .safetensors file.",
     "sluice train shakespeare.txt --level char -o shakespeare.safetensors"},
    {"predict", add_predict,
     "Predicts for a file: forecasts and scores of a table, classes of sequences or texts, tags of words.",
     "sluice predict gunpoint.safetensors GunPoint_TEST.ts --labelled"},
    {"complete", add_complete, "Shows the likeliest next tokens after a text, or continues it.",
     "sluice complete shakespeare.safetensors \"ROMEO:\" -n 200"},
    {"gates", add_gates, "Shows under each word what the network kept and what it took in.",
     "sluice gates sluice-demo/gru.safetensors \"Dhaval eats samosa almost everyday\""},
    {"explain", add_explain, "Explains an answer: which words it depends on, what the gates did, what if.",
     "sluice explain sluice-demo/gru.safetensors \"Dhaval eats samosa almost everyday, that means his favorite cuisine "
     "is\" --replace samosa=sushi"},
    {"units", add_units, "Finds what each unit follows over a corpus, and where else the memory is as in a text.",
     "sluice units shakespeare.safetensors shakespeare.txt"},
    {"serve", add_serve, "The same as a live page in the browser, and as an HTTP API.",
     "sluice serve sluice-demo/rnn.safetensors sluice-demo/lstm.safetensors sluice-demo/gru.safetensors"},
    {"eval", add_eval, "Measures a model on a text, or on a file of its task beside what needs no network.",
     "sluice eval shakespeare.safetensors other.txt"},
    {"compare", add_compare, "Trains several cells on one text: what each costs and remembers.",
     "sluice compare shakespeare.txt --level char --cells rnn,lstm,gru --seeds 1,2,3"},
    {"info", add_info, "Says what a model file is: cell, parts, sizes, vocabulary, training.",
     "sluice info shakespeare.safetensors"},
    {"import", add_import,
     "Reads a model of another system, compares it with numbers of that system, writes it as ours.",
     "sluice import model.onnx --check io.npz"},
    {"export", add_export, "Writes a model as one freestanding C file, for a microcontroller.",
     "sluice export shakespeare.safetensors --to c -o shakespeare.c --precision int8"},
    {"bench", add_bench, "Measures this machine's ceilings, and how near to them every cell comes.",
     "sluice bench --quick --cells gru,lstm"},
    {"completion", add_completion, "Prints a script that completes this command in your shell.",
     "source <(sluice completion bash)"},
    {"help", add_help, "Explains a verb; the same as its --help.", "sluice help train"},
};

int complain(const std::string& message, int code) {
  const std::string line = fmt::format("sluice: {}\n", one_line(message));
  std::fwrite(line.data(), 1, line.size(), stderr);
  return code;
}

int run(const Invocation& typed) {
  CLI::App app("Trains recurrent networks (RNN, LSTM, GRU) on text and shows what they remember.", "sluice");
  app.formatter_fn([](const CLI::App* page, const std::string&, CLI::AppFormatMode) { return help_page(*page); });
  app.set_help_flag("-h,--help", "show this");
  app.set_version_flag("-V,--version", "sluice " SLUICE_VERSION, "show the version");
  app.footer("sluice demo");
  app.fallthrough(false);
  // One verb: what follows it is its own, also a file that is called like another verb.
  app.require_subcommand(0, 1);
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.what)->footer(verb.example);
    actions.emplace_back(sub, verb.add(*sub, typed));
  }
  try {
    std::vector<std::string> reversed(typed.arguments.rbegin(), typed.arguments.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    print(help_page(chosen.empty() ? app : *chosen.front()));
    return 0;
  } catch (const CLI::CallForVersion& version) {
    print(fmt::format("{}\n", version.what()));
    return 0;
  } catch (const CLI::ParseError& error) {
    return complain(sentence(error, app), static_cast<int>(Status::usage));
  }
  for (const auto& [sub, action] : actions) {
    if (sub->parsed()) return action();
  }
  print(help_page(app));
  return 0;
}

}  // namespace
}  // namespace sluice::tool

namespace {

// The numbers of closed files would go to what is opened next, a log or a socket, and what is said would land there.
void open_standard_files() {
  for (int file = 0; file <= 2; ++file) {
    if (fcntl(file, F_GETFD) == -1 && open("/dev/null", O_RDWR) != file) std::_Exit(1);
  }
}

}  // namespace

int main(int count, char** values) {
  open_standard_files();
  using sluice::tool::complain;
  // A file beyond ulimit -f is a write that fails, with a sentence and nothing left over, and not a kill.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const int code = sluice::tool::run({values[0], std::vector<std::string>(values + 1, values + count)});
    sluice::tool::flush();
    return code;
  } catch (const sluice::Error& error) {
    return complain(error.what(), static_cast<int>(error.status()));
  } catch (const std::bad_alloc&) {
    return complain("not enough memory for this: a smaller model, batch or text may fit", 1);
  } catch (const std::exception& error) {
    return complain(error.what(), 1);
  }
}
