#include "http_headers.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>

namespace sluice::tool {
namespace {

std::string_view header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string_view() : value;
}

// How often a header stands there.
std::size_t count_header(MHD_Connection* connection, const std::string& name) {
  std::pair<const std::string*, std::size_t> found{&name, 0};
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* to, MHD_ValueKind, const char* key, const char*) {
        auto& [wanted, count] = *static_cast<std::pair<const std::string*, std::size_t>*>(to);
        count += strcasecmp(key, wanted->c_str()) == 0 ? 1 : 0;
        return MHD_YES;
      },
      &found);
  return found.second;
}

// Headers that decide who asks, and where the request ends. With two of them a proxy may have believed the other one.
constexpr const char* kOnce[] = {MHD_HTTP_HEADER_HOST,
                                 MHD_HTTP_HEADER_ORIGIN,
                                 MHD_HTTP_HEADER_CONTENT_TYPE,
                                 MHD_HTTP_HEADER_CONTENT_LENGTH,
                                 MHD_HTTP_HEADER_TRANSFER_ENCODING,
                                 "Sec-Fetch-Site",
                                 "Sec-Fetch-Mode"};

std::optional<HttpResponse> refuse_framing(MHD_Connection* connection, const HttpRequest& request,
                                           const HttpLimits& limits) {
  if (request.path.size() > limits.path_bytes) {
    return http_error(414, fmt::format("path: expected at most {} bytes, found more", limits.path_bytes));
  }
  const auto* size = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  if (size != nullptr && size->header_size > limits.header_bytes) {
    return http_error(431, fmt::format("headers: expected at most {} bytes, found more", limits.header_bytes));
  }
  for (const char* name : kOnce) {
    const std::size_t count = count_header(connection, name);
    if (count > 1) return http_error(400, fmt::format("{}: expected once, found {} times", name, count));
  }
  if (count_header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) > 0 &&
      count_header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH) > 0) {
    return http_error(400, "Transfer-Encoding: expected none beside Content-Length, found both");
  }
  return std::nullopt;
}

}  // namespace

std::string address_of(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return "";
  const socklen_t size = info->client_addr->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  char name[NI_MAXHOST];
  return getnameinfo(info->client_addr, size, name, sizeof name, nullptr, 0, NI_NUMERICHOST) == 0 ? name : "";
}

std::optional<HttpResponse> refuse_headers(MHD_Connection* connection, const HttpRequest& request,
                                           const Listener& listener, const HttpLimits& limits) {
  const std::string& method = request.method;
  if (std::optional<HttpResponse> refusal = refuse_framing(connection, request, limits)) return refusal;
  const std::string_view host = header(connection, MHD_HTTP_HEADER_HOST);
  if (count_header(connection, MHD_HTTP_HEADER_HOST) != 1 || !is_own_host(listener, host)) {
    return http_error(421, "Host: expected an address of this server, found another");
  }
  // Another site may link to the page, and no more.
  const std::string_view origin = header(connection, MHD_HTTP_HEADER_ORIGIN);
  const bool followed_link = method == "GET" && header(connection, "Sec-Fetch-Mode") == "navigate";
  const bool from_another_site = header(connection, "Sec-Fetch-Site") == "cross-site" && !followed_link;
  const bool has_origin = count_header(connection, MHD_HTTP_HEADER_ORIGIN) > 0;
  if ((has_origin && !is_own_origin(origin, host)) || from_another_site) {
    return http_error(403, "Origin: expected a page of this server, found another");
  }
  if (method == "GET" || method == "HEAD") return std::nullopt;
  if (method != "POST") {
    HttpResponse response = http_error(405, "method: expected GET, HEAD or POST, found another");
    response.headers.emplace_back("Allow", "GET, HEAD, POST");
    return response;
  }
  const std::string_view type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
  if (type.substr(0, type.find(';')) != "application/json") {
    return http_error(415, "Content-Type: expected application/json, found another or none");
  }
  const std::string_view length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (length.empty()) return http_error(411, "Content-Length: expected the number of bytes that follow, found none");
  std::uint64_t bytes = 0;
  const auto read = std::from_chars(length.data(), length.data() + length.size(), bytes);
  if (read.ptr != length.data() + length.size()) {
    return http_error(400, "Content-Length: expected the number of bytes that follow, found another text");
  }
  if (read.ec != std::errc() || bytes > limits.body_bytes) {
    return http_error(413, fmt::format("body: expected at most {} bytes, found more", limits.body_bytes));
  }
  return std::nullopt;
}

}  // namespace sluice::tool
