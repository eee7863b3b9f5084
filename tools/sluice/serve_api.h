// What the server answers: the page's files and /api/v1/ (docs/explain-json.md). Every request stands for itself: text
// in, answer out, nothing is kept.
#pragma once

#include <string>
#include <vector>

#include "explain/request.h"
#include "http_server.h"
#include "sluice/sluice.h"

namespace sluice::tool {

struct ServedModel {
  std::string name;
  Model model;
};

class Api {
 public:
  // Names that stand twice get a number.
  explicit Api(std::vector<ServedModel> models);

  HttpResponse answer(const HttpRequest& request) const noexcept;

 private:
  HttpResponse route(const HttpRequest& request) const;
  std::string info() const;
  std::string complete(const std::string& body) const;
  std::string gates(const std::string& body) const;
  std::string explain(const std::string& body) const;
  std::vector<const ServedModel*> chosen(const std::vector<std::string>& names) const;

  std::vector<ServedModel> models_;
  RequestLimits limits_;
};

}  // namespace sluice::tool
