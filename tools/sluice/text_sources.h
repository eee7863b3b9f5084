// What the names of files mean, as one text: files, folders, "-" for standard input, any of them compressed by gzip.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/data_kind.h"
#include "sluice/data.h"

namespace sluice::tool {

struct TextFiles {
  std::string name;                    // of all together
  std::vector<TextSource> sources;     // in the order in which they are read
  bool plain = true;                   // one file, named by itself
  std::shared_ptr<std::string> start;  // the first bytes of what was read, for text_warnings()
};

// A folder stands for every file in it and in its folders, by name in the order of bytes; what begins with a dot is
// left out. Throws Error: bad_file (a folder without files, one that cannot be read), usage (standard input twice).
TextFiles text_files(const std::vector<std::string>& paths);

// What is in the only FILE, whose files these are. A pipe that was looked at is still read from its beginning.
DataKind kind_of_file(const std::string& path, TextFiles& files);
// The file that an argument stands for. Throws Error (bad_file) for a folder of several.
TextSource one_file(const std::string& path, const TextFiles& files);
// The same of one that is opened by itself.
TextSource open_examples(const std::string& path);

}  // namespace sluice::tool
