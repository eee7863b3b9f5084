// What a model kept of a text, as the JSON of docs/explain-json.md and as the page that shows it.
#include "sluice/explain.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "fields.h"
#include "page.h"
#include "running.h"
#include "subjects.h"

namespace sluice::python {
namespace {

std::string explain_json(const Model& model, const std::string& text, const nb::dict& options,
                         const std::string& name) {
  ExplainOptions o;
  Signals signals;
  bool quick = false;
  apply(options, "top", o.top);
  apply(options, "answer", o.answer);
  apply(options, "quick", quick);
  std::uint64_t at = 0;
  if (apply(options, "at", at)) o.at = at;
  o.leave_one_out = !quick;
  if (quick) o.ablation.reset();
  o.go_on = [&] { return signals.go_on(); };
  return interruptible(signals, [&] { return to_json(model, explain(model, text, o), {.name = name, .units = true}); });
}

}  // namespace

void bind_explain(nb::module_& m) {
  using namespace nb::literals;
  m.def("explain_json", explain_json, "model"_a, "text"_a, "options"_a, "name"_a);
  m.def(
      "page", [](const std::string& explanation) { return tool::page_with_data(tool::page_data({{explanation}})); },
      "explanation"_a, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace sluice::python
