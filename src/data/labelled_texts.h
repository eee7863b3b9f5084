// Texts, each with its class.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sluice/data.h"

namespace sluice {

struct LabelledTexts {
  std::string name = {};  // in messages: the file or folder
  std::vector<std::string> texts = {};
  std::vector<std::uint32_t> labels = {};  // one a text; empty: there are none
  std::vector<std::string> classes = {};   // what the numbers in labels stand for
};

enum class TextForm {
  tab,      // a line: class, tab, text
  prefix,   // a line: __label__CLASS, blank, text (fastText's form; one class a line)
  plain,    // a line: text, without a class
  folders,  // a folder in which a folder stands for a class, and every file in it for a text
  files,    // a folder in which a file stands for a class, and every line in it for a text
};

constexpr std::array<std::string_view, 5> choices(TextForm) { return {"tab", "prefix", "plain", "folders", "files"}; }

struct LabelledTextOptions {
  std::vector<std::string> classes = {};  // of training, where another file was trained on; empty: the file says them
  bool lossy = false;                     // replace invalid UTF-8 by U+FFFD instead of refusing it
};

// Opens a file by its path; see file_source().
using OpenFile = std::function<TextSource(const std::string& path)>;

// The texts of a file, by line; blank lines are skipped. Throws Error (bad_file) with the line: no class, no text, a
// class that training did not have.
LabelledTexts read_labelled_lines(const TextSource& source, TextForm form, const LabelledTextOptions& options = {});

// A whole file as one text without a class.
LabelledTexts read_one_text(const TextSource& source, bool lossy);

// The texts of a folder, in the order of the bytes of their paths; what begins with a dot is left out. A class is the
// name of its folder, or of its file without the ending. Throws Error (bad_file) besides: a folder that cannot be read,
// one without texts.
LabelledTexts read_labelled_folder(const std::string& folder, TextForm form, const OpenFile& open,
                                   const LabelledTextOptions& options = {});

// Whether an example belongs to a held-out part of `share` of all, by its text alone: the same texts are held out
// whatever else stands in the file and in whatever order. By FNV-1a (64 bits) of the text's bytes, mixed by SplitMix64,
// as a fraction of 2^64.
bool is_held_out(std::string_view text, double share);

}  // namespace sluice
