// What the opaque handles of sluice/c.h hold. Each begins with the number of its kind, by which one handle in another's
// place is found out.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "sluice/model.h"
#include "sluice/stream.h"
#include "status.h"

struct sluice_model {
  static constexpr std::uint64_t kind_number = 0x6c65646f6d736c73;  // any numbers, as long as they differ
  static constexpr const char* name = "a model";

  std::uint64_t kind = kind_number;
  std::shared_ptr<const sluice::Model> model;  // shared with its streams
};

struct sluice_stream {
  static constexpr std::uint64_t kind_number = 0x6d616572747373c5;
  static constexpr const char* name = "a stream";

  explicit sluice_stream(std::shared_ptr<const sluice::Model> of) : model(std::move(of)), stream(*model) {}

  std::uint64_t kind = kind_number;
  std::shared_ptr<const sluice::Model> model;
  sluice::Stream stream;
};

namespace sluice::c {

template <class Handle>
sluice_status check_handle(const char* function, const Handle* handle) noexcept {
  if (handle == nullptr) return refuse(function, Handle::name, ", found NULL");
  std::uint64_t kind = 0;
  std::memcpy(&kind, static_cast<const void*>(handle), sizeof kind);
  if (kind != Handle::kind_number) return refuse(function, Handle::name, ", found something else");
  return SLUICE_OK;
}

// Where an answer goes.
inline sluice_status check_pointer(const char* function, const void* pointer, const char* what) noexcept {
  return pointer != nullptr ? SLUICE_OK : refuse(function, what, ", found NULL");
}

// A buffer of NULL and 0 only asks for the size.
inline sluice_status check_buffer(const char* function, const void* buffer, std::size_t capacity, std::size_t needed,
                                  const char* unit) noexcept {
  if (buffer == nullptr && capacity == 0) return SLUICE_OK;
  if (buffer == nullptr) return refuse(function, "a buffer of ", capacity, " ", unit, ", found NULL");
  if (capacity < needed) return refuse(function, "room for ", needed, " ", unit, ", found ", capacity);
  return SLUICE_OK;
}

inline sluice_status check_token(const char* function, const Model& model, std::uint32_t token) noexcept {
  const std::size_t size = model.vocabulary().size();
  if (token < size) return SLUICE_OK;
  return refuse(function, "a token below ", size, ", found ", std::size_t{token});
}

}  // namespace sluice::c
