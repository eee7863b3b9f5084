#include "serve_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "completion.h"
#include "example_texts.h"
#include "explain/facts.h"
#include "gates_view.h"
#include "http_answers.h"
#include "needs.h"

namespace sluice::tool {
namespace {

constexpr std::string_view kRoot = "/api/v1/";

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The routes that ask a model; each is a verb of the command, too.
constexpr std::string_view kRoutes[] = {"complete", "gates", "explain", "units"};

std::size_t count_tokens(const Model& model, const std::string& text, const RequestLimits& limits) {
  const std::size_t count = model.vocabulary().encode(text).size();
  if (count > limits.tokens) {
    throw Error(Status::usage,
                fmt::format("text: expected at most {} {}s, found {}", limits.tokens, unit_name(model), count));
  }
  return count;
}

// What a request asks of these models: nothing that is too much, and whether it is long.
template <class Request>
bool weigh(const Request& request, const std::vector<const ServedModel*>& models, const RequestLimits& limits) {
  constexpr double kLong = 2e9;  // some twenty milliseconds
  double work = 0;
  for (const ServedModel* served : models) {
    work += work_of(request, served->model, count_tokens(served->model, request.text, limits));
  }
  if (work > limits.work) {
    throw Error(Status::usage,
                fmt::format("work: expected at most {:.0f} million multiply-adds a request, found {:.0f}: "
                            "ask fewer models, or a shorter text, or without leave_one_out",
                            limits.work / 1e6, work / 1e6));
  }
  return work > kLong;
}

void expect_some(const UnitCorpus& text) {
  if (text.size() == 0) throw Error(Status::usage, "text: expected one with words, found none");
}

Json answer_head() { return {{"schema", explain_schema}}; }

}  // namespace

Api::Api(std::vector<ServedModel> models) : models_(std::move(models)) {
  for (const ServedModel& served : models_) {
    expect_model_for("serve", served.model, served.path);
    for (const std::string_view route : kRoutes) expect_model_for(route, served.model, served.path);
  }
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const auto taken = [&](const std::string& name) {
      return std::any_of(models_.begin(), models_.begin() + static_cast<std::ptrdiff_t>(i),
                         [&](const ServedModel& m) { return m.name == name; });
    };
    const std::string name = models_[i].name;
    for (std::size_t n = 2; taken(models_[i].name); ++n) models_[i].name = fmt::format("{}-{}", name, n);
    examples_.push_back(example_texts(models_[i].model));
  }
}

HttpJob Api::understand(const HttpRequest& request) const noexcept {
  HttpJob job;
  job.response = answered([&] {
    const std::string_view path = request.path;
    const std::string_view name = path.starts_with(kRoot) ? path.substr(kRoot.size()) : "";
    const bool asks = std::find(std::begin(kRoutes), std::end(kRoutes), name) != std::end(kRoutes);
    if (!asks) return page_or_facts(request);
    if (request.method != "POST") return wrong_method("POST");
    job = name == "complete"  ? complete(request.body)
          : name == "gates"   ? gates(request.body)
          : name == "explain" ? explain(request.body)
                              : units(request.body);
    return HttpResponse();
  });
  if (job.run) {
    job.run = [run = std::move(job.run)](const GoOn& go_on) { return answered([&] { return run(go_on); }); };
  }
  return job;
}

HttpResponse Api::page_or_facts(const HttpRequest& request) const {
  const std::string_view path = request.path;
  const bool reads = request.method != "POST";
  if (path.starts_with(kRoot)) {
    const std::string_view name = path.substr(kRoot.size());
    const auto get = [&](std::string body) {
      return reads ? HttpResponse{.body = std::move(body)} : wrong_method("GET, HEAD");
    };
    if (name == "health") return get("{\"status\":\"ok\"}");
    if (name == "info") return get(info());
  }
  return page_answer(request, "index.html");
}

std::vector<const ServedModel*> Api::chosen(const std::vector<std::string>& names) const {
  std::vector<const ServedModel*> found;
  if (names.empty()) {
    for (const ServedModel& model : models_) found.push_back(&model);
  }
  for (const std::string& name : names) {
    const auto at = std::find_if(models_.begin(), models_.end(), [&](const ServedModel& m) { return m.name == name; });
    if (at == models_.end()) throw NotThere{"model: expected a name that info lists, found another"};
    if (std::find(found.begin(), found.end(), &*at) != found.end()) {
      throw Error(Status::usage, "model: expected each name once, found " + shown(name) + " again");
    }
    found.push_back(&*at);
  }
  return found;
}

std::string Api::info() const {
  std::string models;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    std::string facts = facts_json(models_[i].model, models_[i].name);
    facts.insert(facts.size() - 1, ",\"examples\":" + text_of(examples_[i]));
    if (const auto& finder = models_[i].finder) {
      const Json corpus = {{"name", finder->corpus().name.substr(finder->corpus().name.rfind('/') + 1)},
                           {"places", finder->corpus().size()}};
      facts.insert(facts.size() - 1, ",\"corpus\":" + text_of(corpus));
    }
    models += (models.empty() ? "" : ",") + facts;
  }
  const Json limits = {{"body_bytes", limits_.body_bytes},
                       {"tokens", limits_.tokens},
                       {"leave_one_out_tokens", limits_.leave_one_out_tokens},
                       {"continuation_tokens", limits_.continuation_tokens},
                       {"top", limits_.top},
                       {"places", limits_.places},
                       {"work", static_cast<std::uint64_t>(limits_.work)}};
  return fmt::format(R"({{"schema":{},"version":"{}","models":[{}],"limits":{}}})", explain_schema, SLUICE_VERSION,
                     models, text_of(limits));
}

HttpJob Api::complete(const std::string& body) const {
  const CompleteRequest request = read_complete_request(body, limits_);
  const std::vector<const ServedModel*> models = chosen(request.models);
  const bool is_long = weigh(request, models, limits_);
  const auto run = [request, models](const GoOn& go_on) -> HttpResponse {
    const CompletionOptions options{request.top, request.tokens, request.sample, request.seed, {}, go_on};
    Json answer = answer_head();
    answer["results"] = Json::array();
    for (const ServedModel* served : models) {
      Json one = {{"model", served->name}};
      one.update(to_json(tool::complete(served->model, request.text, options)));
      answer["results"].push_back(std::move(one));
    }
    return {.body = text_of(answer)};
  };
  return {{}, run, is_long};
}

HttpJob Api::gates(const std::string& body) const {
  const GatesRequest request = read_gates_request(body, limits_);
  const std::vector<const ServedModel*> models = chosen(request.models);
  const bool is_long = weigh(request, models, limits_);
  const auto run = [request, models](const GoOn& go_on) -> HttpResponse {
    Json answer = answer_head();
    answer["results"] = Json::array();
    for (const ServedModel* served : models) {
      if (!go_on()) break;
      Json one = {{"model", served->name}};
      one.update(to_json(read_gates(served->model, request.text)));
      answer["results"].push_back(std::move(one));
    }
    return {.body = text_of(answer)};
  };
  return {{}, run, is_long};
}

HttpJob Api::explain(const std::string& body) const {
  const ExplainRequest request = read_explain_request(body, limits_);
  const std::vector<const ServedModel*> models = chosen(request.models);
  const bool is_long = weigh(request, models, limits_);
  for (const ServedModel* served : models) {
    const std::size_t tokens = count_tokens(served->model, request.text, limits_);
    if (request.options.leave_one_out && tokens > limits_.leave_one_out_tokens) {
      throw Error(Status::usage, fmt::format("leave_one_out: expected a text of at most {} {}s, found {}",
                                             limits_.leave_one_out_tokens, unit_name(served->model), tokens));
    }
  }
  const auto run = [request, models](const GoOn& go_on) -> HttpResponse {
    std::string answer = fmt::format("{{\"schema\":{},\"explanations\":[", explain_schema);
    ExplainOptions options = request.options;
    options.go_on = go_on;
    for (std::size_t i = 0; i < models.size(); ++i) {
      options.words = models[i]->words.get();
      const Explanation one = sluice::explain(models[i]->model, request.text, options);
      answer += i == 0 ? "" : ",";
      answer += to_json(models[i]->model, one, {.name = models[i]->name, .units = request.units});
    }
    return {.body = answer + "]}"};
  };
  return {{}, run, is_long};
}

HttpJob Api::units(const std::string& body) const {
  const UnitsRequest request = read_units_request(body, limits_);
  const std::vector<const ServedModel*> models = chosen(request.models);
  std::vector<UnitCorpus> texts;
  for (const ServedModel* served : models) {
    if (!served->finder) throw Error(Status::usage, "units: expected a server with --corpus, found one without");
    if (!request.like) continue;
    count_tokens(served->model, request.like->text, limits_);
    texts.push_back(read_unit_corpus(served->model, request.like->text));
    expect_some(texts.back());
  }
  const auto run = [request, models, texts](const GoOn& go_on) -> HttpResponse {
    std::string answer = fmt::format("{{\"schema\":{},\"results\":[", explain_schema);
    for (std::size_t i = 0; i < models.size() && go_on(); ++i) {
      const UnitFinder& finder = *models[i]->finder;
      std::string one = to_json(
          finder, {.name = models[i]->name, .units = request.units, .layer = request.layer, .places = request.places});
      if (request.like) {
        const Like like = finder.like(texts[i], request.like->question);
        one.insert(one.size() - 1, ",\"like\":" + to_json(finder, texts[i], like));
      }
      answer += (i == 0 ? "" : ",") + one;
    }
    return {.body = answer + "]}"};
  };
  return {{}, run, request.like.has_value()};
}

}  // namespace sluice::tool
