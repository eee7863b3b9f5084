// Answers that every server of the command gives.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "http_server.h"
#include "sluice/error.h"

namespace sluice::tool {

// Something that was asked for and is not there.
struct NotThere {
  std::string message;
};

HttpResponse wrong_method(std::string_view allowed);
// A file of the page, "/" being the file `index`; 404 for a path that is none, 405 for another method than GET or HEAD.
HttpResponse page_answer(const HttpRequest& request, std::string_view index);

// What f gives; what it throws, as an answer.
template <class F>
HttpResponse answered(F&& f) noexcept {
  try {
    return f();
  } catch (const NotThere& missing) {
    return http_error(404, missing.message);
  } catch (const OutOfMemory&) {
    return http_error(503, "not enough memory for this: a shorter text may fit");
  } catch (const Error& error) {
    const bool asked_wrongly = error.status() == Status::usage || error.status() == Status::bad_file;
    return http_error(asked_wrongly ? 400 : 500, error.what());
  } catch (const std::bad_alloc&) {
    return http_error(503, "not enough memory for this: a shorter text may fit");
  } catch (const std::exception& error) {
    return http_error(500, error.what());
  }
}

}  // namespace sluice::tool
