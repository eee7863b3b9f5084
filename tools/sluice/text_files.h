// What is said of the files that make up a text (text_sources.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "output.h"
#include "sluice/sluice.h"
#include "text_sources.h"

namespace sluice::tool {

// Says which files make up the text, where that is not plain from the command line.
void say_files(Console& console, const TextFiles& files);
Json names_of(const TextFiles& files);

// Where --lossy has replaced more than a few stray bytes of a text: what it may be instead.
std::optional<std::string> replaced_warning(const TextFiles& files);
// What speaks against training on a text as it was read: a sentence each.
std::vector<std::string> text_warnings(const TextFiles& files, const Corpus& corpus);

}  // namespace sluice::tool
