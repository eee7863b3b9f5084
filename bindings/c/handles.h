// What the opaque handles of sluice/c.h hold. Each begins with the number of its kind, by which one handle in another's
// place is found out.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "sluice/model.h"
#include "sluice/stream.h"
#include "status.h"

struct sluice_model {
  static constexpr std::uint64_t kind_number = 0x6c65646f6d736c73;  // any numbers, as long as they differ
  static constexpr const char* name = "a model";

  explicit sluice_model(sluice::Model&& of) : model(std::move(of)) {}

  std::uint64_t kind = kind_number;
  sluice::Model model;
};

struct sluice_stream {
  static constexpr std::uint64_t kind_number = 0x6d616572747373c5;
  static constexpr const char* name = "a stream";

  explicit sluice_stream(const sluice::Model& of) : stream(of) {}

  std::uint64_t kind = kind_number;
  sluice::Stream stream;
};

struct sluice_batch {
  static constexpr std::uint64_t kind_number = 0x6863746162736c93;
  static constexpr const char* name = "a batch";

  sluice_batch(const sluice::Model& of, std::size_t size) : model(of), streams(of, size) {}

  std::uint64_t kind = kind_number;
  sluice::Model model;  // as the streams have it
  sluice::StreamBatch streams;
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

inline sluice_status check_text(const char* function, const Model& model) noexcept {
  return model.reads_text() ? SLUICE_OK : refuse(function, "a model of text, found one on numbers");
}

inline sluice_status check_numbers(const char* function, const Model& model) noexcept {
  return model.reads_text() ? refuse(function, "a model on numbers, found one of text") : SLUICE_OK;
}

// What a stream predicts, which is empty where the model predicts something else.
inline sluice_status check_probabilities(const char* function, std::span<const float> predicted) noexcept {
  return predicted.empty() ? refuse(function, "a model that predicts tokens or classes, found another") : SLUICE_OK;
}

inline sluice_status check_output(const char* function, std::span<const float> predicted) noexcept {
  return predicted.empty() ? refuse(function, "a model that does not predict tokens, found one that does") : SLUICE_OK;
}

inline sluice_status check_count(const char* function, std::size_t expected, std::size_t found,
                                 const char* unit) noexcept {
  return expected == found ? SLUICE_OK : refuse(function, expected, " ", unit, ", found ", found);
}

inline sluice_status check_token(const char* function, const Model& model, std::uint32_t token) noexcept {
  const std::size_t size = model.vocabulary().size();
  return token < size ? SLUICE_OK : refuse(function, "a token below ", size, ", found ", std::size_t{token});
}

// `count` tokens for a model of text.
inline sluice_status check_tokens(const char* function, const Model& model, const std::uint32_t* tokens,
                                  std::size_t count) noexcept {
  if (const sluice_status bad = check_text(function, model)) return bad;
  if (tokens == nullptr && count > 0) return refuse(function, "tokens, found NULL");
  for (std::size_t i = 0; i < count; ++i) {
    if (const sluice_status bad = check_token(function, model, tokens[i])) return bad;
  }
  return SLUICE_OK;
}

// What answers have in common, of a stream or of one of a batch; see answers.cc.
sluice_status give_floats(const char* function, std::span<const float> from, float* buffer, std::size_t capacity,
                          std::size_t* count) noexcept;
sluice_status give_top(const char* function, std::span<const float> probabilities, sluice_candidate* candidates,
                       std::size_t capacity, std::size_t* count) noexcept;
sluice_status give_bytes(const char* function, std::span<const std::byte> from, void* buffer, std::size_t capacity,
                         std::size_t* size) noexcept;

// The bytes of the state that `get` gives; `set` gets the state of such bytes.
template <class F>
sluice_status give_state(const char* function, F&& get, void* buffer, std::size_t capacity,
                         std::size_t* size) noexcept {
  if (const sluice_status bad = check_pointer(function, size, "a place for the size")) return bad;
  *size = 0;
  std::vector<std::byte> bytes;
  if (const sluice_status bad = guarded(function, [&] { bytes = get().to_bytes(); })) return bad;
  return give_bytes(function, bytes, buffer, capacity, size);
}

// `any`: also the state of another model.
template <class F>
sluice_status take_state(const char* function, const void* bytes, std::size_t size, bool any, F&& set) noexcept {
  if (const sluice_status bad = check_pointer(function, bytes, "the bytes of a state")) return bad;
  return guarded(function, [&] {
    State state = State::from_bytes({static_cast<const std::byte*>(bytes), size});
    if (any) state.set_model(0);
    set(state);
  });
}

}  // namespace sluice::c
