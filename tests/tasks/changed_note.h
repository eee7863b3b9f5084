// A model whose note somebody changed.
#pragma once

#include <string>
#include <utility>

#include "sluice/model.h"

namespace sluice::test {

inline Model changed_note(Model model, const char* name, const std::string& from, const std::string& to) {
  std::string& note = model.notes().at(name);
  note.replace(note.find(from), from.size(), to);
  return model;
}

}  // namespace sluice::test
