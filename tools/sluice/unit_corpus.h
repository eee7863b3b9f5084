// A corpus for the verbs that look for what units follow.
#pragma once

#include <string>
#include <vector>

#include "sluice/units.h"
#include "tasks/task.h"

namespace sluice::tool {

// Files as a model reads them. A model of language reads them as one text, and where it is one file of sentences with
// tags, with the tag of each word; others read the file of examples that they are for, with its tags or classes. Throws
// Error (bad_file) as the readers of its form.
UnitCorpus read_units_files(const Model& model, const Task& task, const std::vector<std::string>& files);
// A text as the model reads it: what is asked about.
UnitCorpus read_units_text(const Model& model, const Task& task, const std::string& text);
// "3-9", or "3". Throws Error (usage).
std::pair<std::size_t, std::size_t> read_span(std::string_view flag, const std::string& text);
// "28", or "1:28" of another layer than the first.
Unit read_unit(const std::string& text);

}  // namespace sluice::tool
