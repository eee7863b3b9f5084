// What is wrong with a request by its first line and its headers alone, before its body is read.
#pragma once

#include <microhttpd.h>

#include <optional>
#include <string>

#include "http_listen.h"
#include "http_server.h"

namespace sluice::tool {

// The answer that refuses it; nothing when nothing is wrong.
std::optional<HttpResponse> refuse_headers(MHD_Connection* connection, const HttpRequest& request,
                                           const Listener& listener, const HttpLimits& limits);
// The address from which a connection comes, without its port.
std::string address_of(MHD_Connection* connection);

}  // namespace sluice::tool
