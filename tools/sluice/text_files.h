// What FILE arguments name, as one text: files, folders, "-" for standard input, any of them compressed by gzip.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "output.h"
#include "sluice/sluice.h"

namespace sluice::tool {

struct TextFiles {
  std::string name;                    // of all together
  std::vector<TextSource> sources;     // in the order in which they are read
  bool plain = true;                   // one file, named on the command line
  std::shared_ptr<std::string> start;  // the first bytes of what was read, for text_warnings()
};

// A folder stands for every file in it and in its folders, by name in the order of bytes; what begins with a dot is
// left out. Throws Error: bad_file (a folder without files, one that cannot be read), usage (standard input twice).
TextFiles text_files(const std::vector<std::string>& paths);

// Says which files make up the text, where that is not plain from the command line.
void say_files(Talk& talk, const TextFiles& files);
Json names_of(const TextFiles& files);

// What speaks against training on a text as it was read: a sentence each.
std::vector<std::string> text_warnings(const TextFiles& files, const Corpus& corpus);

}  // namespace sluice::tool
