// What the HTTP API is asked, read from JSON that a stranger wrote (docs/explain-json.md). Strict: a name that is not
// known, a value of another kind or out of range is refused by an Error (usage) that names it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/explain.h"
#include "sluice/stream.h"
#include "sluice/units.h"

namespace sluice {

// Greatest values that a request may have; each bounds the work that one request makes.
struct RequestLimits {
  std::size_t body_bytes = std::size_t{1} << 16;
  std::size_t tokens = 2048;               // of a text
  std::size_t leave_one_out_tokens = 200;  // of a text that is read once for each of its words
  std::size_t continuation_tokens = 256;
  std::size_t top = 20;
  std::size_t changes = 64;                      // of each kind
  std::size_t units = MicroscopeQuestion::most;  // whose equations are asked for
  std::size_t places = 20;                       // of each unit, and of those that are alike
  double work = 2e11;                            // multiply-adds, over all models that are asked
};

struct GatesRequest {
  std::string text;
  std::vector<std::string> models;  // empty: all
};

struct CompleteRequest {
  std::string text;
  std::vector<std::string> models;
  std::size_t top = 5, tokens = 0;
  SampleOptions sample{.temperature = 0.8, .top_p = 0.95};
  std::uint64_t seed = 1;
};

struct ExplainRequest {
  std::string text;
  std::vector<std::string> models;
  bool units = true;
  ExplainOptions options;
};

struct LikeText {
  std::string text;
  LikeQuestion question;
};

struct UnitsRequest {
  std::vector<std::string> models;
  std::optional<std::vector<Unit>> units;  // nothing: all
  std::optional<std::size_t> layer;
  std::size_t places = 0;  // of each unit that is named
  std::optional<LikeText> like;
};

GatesRequest read_gates_request(std::string_view body, const RequestLimits& limits = {});
CompleteRequest read_complete_request(std::string_view body, const RequestLimits& limits = {});
ExplainRequest read_explain_request(std::string_view body, const RequestLimits& limits = {});
UnitsRequest read_units_request(std::string_view body, const RequestLimits& limits = {});

// About how many multiply-adds an answer takes, for a text of so many tokens; what comes beside them (choosing the
// likeliest, writing JSON) is counted by what it costs.
double work_of(const GatesRequest& request, const Model& model, std::size_t tokens);
double work_of(const CompleteRequest& request, const Model& model, std::size_t tokens);
double work_of(const ExplainRequest& request, const Model& model, std::size_t tokens);

}  // namespace sluice
