#include "http_listen.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "sluice/error.h"

namespace sluice::tool {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const std::string& host, const char* port, int flags) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port, &wanted, &found) != 0) found = nullptr;
  return {found, freeaddrinfo};
}

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

std::uint16_t port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
}

[[noreturn]] void refuse(const std::string& host, std::uint16_t port) {
  throw Error(Status::failed, fmt::format("cannot listen on {} port {}: {}", host, port, std::strerror(errno)));
}

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.ends_with("]")) return host;
  const std::string_view port = host.substr(colon + 1);
  const bool digits = !port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos;
  return digits ? host.substr(0, colon) : host;
}

}  // namespace

Listener listen_on(const std::string& host, std::uint16_t port) {
  const Addresses address = resolve(host, std::to_string(port).c_str(), AI_PASSIVE);
  if (address == nullptr || host.empty()) {
    throw Error(Status::usage, fmt::format("--host: expected an address of this machine, found '{}'", host));
  }
  const int listening = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listening < 0) refuse(host, port);
  const int yes = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listening, address->ai_addr, address->ai_addrlen) != 0 || listen(listening, SOMAXCONN) != 0) {
    const int why = errno;
    close(listening);
    errno = why;
    refuse(host, port);
  }
  const bool bracketed = host.find(':') != std::string::npos;
  return {listening, port_of(listening), is_loopback(address->ai_addr), bracketed ? "[" + host + "]" : host};
}

bool is_own_host(const Listener& listener, std::string_view host) {
  std::string name(without_port(host));
  if (name == "localhost" || name == listener.host) return true;
  if (name.starts_with("[") && name.ends_with("]")) name = name.substr(1, name.size() - 2);
  if (name.empty() || name.find_first_not_of("0123456789abcdefABCDEF.:") != std::string::npos) return false;
  const Addresses address = resolve(name, "0", AI_NUMERICHOST);
  return address != nullptr && (!listener.loopback || is_loopback(address->ai_addr));
}

bool is_own_origin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return origin.substr(scheme.size()) == host;
  }
  return false;
}

}  // namespace sluice::tool
