#include "manual.h"

#include <fmt/format.h>

#include "help.h"

namespace sluice::tool {
namespace {

// Text that roff takes as it is: its own sign doubled, a hyphen that can be copied, no request at a line's start.
std::string roff(std::string_view text) {
  std::string out;
  if (!text.empty() && (text.front() == '.' || text.front() == '\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '^' || c == '~' || c == '`') {
      out += c == '^' ? "\\(ha" : c == '~' ? "\\(ti" : "\\(ga";
    } else {
      out += c;
    }
  }
  return out;
}

// "-o, --output MODEL": names bold, the value in italics.
std::string tag(const CLI::Option& option) {
  if (!option.nonpositional()) return fmt::format("\\fI{}\\fR", roff(option.get_name()));
  std::string line;
  for (const std::string& name : shown_names(option)) {
    line += fmt::format("{}\\fB{}\\fR", line.empty() ? "" : ", ", roff(name));
  }
  return takes_value(option) ? line + fmt::format(" \\fI{}\\fR", roff(option.get_type_name())) : line;
}

std::string options(const CLI::App& app) {
  std::string page;
  for (const OptionGroup& group : option_groups(app)) {
    page += fmt::format(".PP\n\\fI{}\\fR\n", roff(group.title));
    for (const CLI::Option* option : group.options) {
      page += fmt::format(".TP\n{}\n{}\n", tag(*option), roff(right_of(*option)));
    }
  }
  return page;
}

std::string example(const CLI::App& app) {
  if (app.get_footer().empty()) return "";
  return fmt::format(".PP\nExample:\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE\n", roff(app.get_footer()));
}

// What help does not say.
constexpr const char* kRest = R"(.SH EXIT STATUS
.TP
0
Done.
.TP
1
Something failed: a file that cannot be written or must not be replaced, memory, a disk that is full.
.TP
2
The command line is wrong.
.TP
3
A file is not what was expected.
.TP
4
Training diverged.
.PP
Stopped by a signal: 128 and the signal\(aqs number. Training has saved its work then.
.SH ENVIRONMENT
.TP
\fBNO_COLOR\fR
Set, and not empty: no colour.
.TP
\fBSLUICE_TARGET\fR
Forces an instruction set, by Highway\(aqs name for it.
.TP
\fBSOURCE_DATE_EPOCH\fR
Set: a model file holds no date and no duration, and the same training gives the same file.
)";

}  // namespace

std::string manual_page(const CLI::App& app) {
  std::string page = ".TH SLUICE 1 \"\" \"sluice " SLUICE_VERSION "\" \"User Commands\"\n.SH NAME\nsluice \\- ";
  std::string what = app.get_description();
  if (what.ends_with('.')) what.pop_back();
  what.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(what.front())));
  page += roff(what) + "\n.SH SYNOPSIS\n";
  for (const CLI::App* verb : verbs_of(app)) page += fmt::format(".B {}\n.br\n", roff(usage(*verb)));
  page += ".SH OPTIONS\n" + options(app) + ".SH VERBS\n";
  for (const CLI::App* verb : verbs_of(app)) {
    page += fmt::format(".SS {}\n{}\n.PP\n.B {}\n", roff(verb->get_name()), roff(verb->get_description()),
                        roff(usage(*verb)));
    page += options(*verb) + example(*verb);
  }
  return page + kRest;
}

}  // namespace sluice::tool
