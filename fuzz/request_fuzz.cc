// What the HTTP API reads, from any bytes: refused by an Error (usage), or a request that a small model answers or
// refuses likewise.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lessons/request.h"
#include "sluice/error.h"

namespace {

using namespace sluice;

const Model& model() {
  static const Model small({.cell = "gru", .layers = 2, .hidden = 2, .embedding = 2},
                           Vocabulary({.level = Level::word}, {"<unk>", "a", "b", "</script>"}));
  return small;
}

template <class F>
void read(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    // Text that came as JSON is UTF-8, so that nothing here is a bad file.
    if (error.status() != Status::usage) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const RequestLimits limits{.body_bytes = 4096};
  read([&] { read_gates_request(body, limits); });
  read([&] { read_complete_request(body, limits); });
  read([&] { read_units_request(body, limits); });
  read([&] {
    const ExplainRequest request = read_explain_request(body, limits);
    const std::string json = to_json(model(), explain(model(), request.text, request.options), {.name = "fuzz"});
    if (json.empty() || json.back() != '}') std::abort();
  });
  return 0;
}
