#include "http_answers.h"

#include <fmt/format.h>

#include "page.h"

namespace sluice::tool {
namespace {

std::string_view content_type_of(std::string_view name) {
  return name.ends_with(".html")  ? "text/html; charset=utf-8"
         : name.ends_with(".css") ? "text/css; charset=utf-8"
         : name.ends_with(".js")  ? "text/javascript; charset=utf-8"
         : name.ends_with(".svg") ? "image/svg+xml"
                                  : "application/octet-stream";
}

}  // namespace

HttpResponse wrong_method(std::string_view allowed) {
  HttpResponse response = http_error(405, fmt::format("method: expected {}, found another", allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

HttpResponse page_answer(const HttpRequest& request, std::string_view index) {
  const std::string_view path = request.path;
  const PageFile* file = find_page_file(path == "/" ? index : path.substr(1));
  if (file == nullptr) return http_error(404, "path: expected one of the API or the page, found another");
  if (request.method == "POST") return wrong_method("GET, HEAD");
  return {.type = std::string(content_type_of(file->name)), .body = std::string(file->bytes)};
}

}  // namespace sluice::tool
