// What the server answers: the page's files and /api/v1/ (docs/explain-json.md). Every request stands for itself: text
// in, answer out, nothing is kept.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http_server.h"
#include "lessons/request.h"
#include "output.h"
#include "sluice/sluice.h"

namespace sluice::tool {

struct ServedModel {
  std::string name, path;
  Model model;
  std::shared_ptr<const UnitFinder> finder = {};  // of the corpus, where there is one,
  std::shared_ptr<const CorpusWords> words = {};  // and its words
};

class Api {
 public:
  // Names that stand twice get a number. Throws Error (bad_file) for a model that is not what every route needs.
  explicit Api(std::vector<ServedModel> models);

  // A job holds on to the models: it has to be done while this lives.
  HttpJob understand(const HttpRequest& request) const noexcept;

 private:
  HttpResponse page_or_facts(const HttpRequest& request) const;
  std::string info() const;
  HttpJob complete(const std::string& body) const;
  HttpJob gates(const std::string& body) const;
  HttpJob explain(const std::string& body) const;
  HttpJob units(const std::string& body) const;
  std::vector<const ServedModel*> chosen(const std::vector<std::string>& names) const;

  std::vector<ServedModel> models_;
  std::vector<Json> examples_;  // of each, a list of texts
  RequestLimits limits_;
};

}  // namespace sluice::tool
