// The socket that a server listens on, and which names it may be called by.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::tool {

struct Listener {
  int socket = -1;
  std::uint16_t port = 0;
  bool loopback = true;
  std::string host;  // as asked for, in brackets where it is an IPv6 address
};

// Throws Error (usage) for a host that is no address of this machine's kind, (failed) when it cannot be listened on.
Listener listen_on(const std::string& host, std::uint16_t port);

// Whether a Host header ("localhost:8080") names this server: localhost, the host asked for, or an address, which has
// to be a loopback one where the server listens on loopback. Any port: it may be forwarded.
bool is_own_host(const Listener& listener, std::string_view host);
// Whether an Origin header is a page of the server that the Host header names.
bool is_own_origin(std::string_view origin, std::string_view host);

}  // namespace sluice::tool
