// What the server answers that shows a training: the page's files, and what is new in the log since somebody asked.
#pragma once

#include <mutex>
#include <string>

#include "http_server.h"
#include "log_follower.h"

namespace sluice::tool {

class WatchApi {
 public:
  // Throws Error (usage): the log is a folder.
  explicit WatchApi(const std::string& log);

  // A job holds on to this: it has to be done while it lives.
  HttpJob understand(const HttpRequest& request) noexcept;

 private:
  HttpResponse news(const std::string& body);

  std::mutex mutex_;
  LogFollower log_;
};

}  // namespace sluice::tool
