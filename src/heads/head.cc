#include "heads/head.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "sluice/error.h"

namespace sluice {
namespace {

struct Kind {
  std::string_view loss;
  std::unique_ptr<Head> (*make)(const HeadConfig&);
};

constexpr Kind kKinds[] = {
    {"softmax", make_softmax},       {"squared", make_regression},  {"absolute", make_regression},
    {"huber", make_regression},      {"quantiles", make_quantiles}, {"normal", make_normal},
    {"multilabel", make_multilabel},
};

}  // namespace

std::unique_ptr<Head> make_head(const HeadConfig& config, bool tokens) {
  HeadConfig full = config;
  if (full.loss.empty()) full.loss = tokens ? "softmax" : "squared";
  std::string known;
  for (const Kind& kind : kKinds) {
    if (kind.loss == full.loss) return kind.make(full);
    known += (known.empty() ? "" : ", ") + std::string(kind.loss);
  }
  throw Error(Status::usage, "loss: expected one of " + known + ", found \"" + full.loss + "\"");
}

}  // namespace sluice
