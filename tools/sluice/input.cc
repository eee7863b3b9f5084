#include "input.h"

#include "data/lines.h"
#include "data/reader.h"

namespace sluice::tool {

std::string text_argument(const std::vector<std::string>& words, bool lossy) {
  std::string text;
  if (words.size() == 1 && words.front() == "-") {
    LineReader lines(file_source("-"), lossy);
    for (std::string line; lines.next(line);) {
      if (lines.number() > 1) text += '\n';
      text += line;
    }
    return text;
  }
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace sluice::tool
