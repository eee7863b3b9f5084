// A stream in C.
#include <algorithm>
#include <ranges>

#include "handles.h"

using sluice::c::check_buffer;
using sluice::c::check_handle;
using sluice::c::check_pointer;
using sluice::c::check_token;
using sluice::c::guarded;
using sluice::c::refuse;

sluice_status sluice_stream_new(const sluice_model* model, sluice_stream** stream) {
  if (const sluice_status bad = check_pointer(__func__, stream, "a place for the stream")) return bad;
  *stream = nullptr;
  if (const sluice_status bad = check_handle(__func__, model)) return bad;
  return guarded(__func__, [&] { *stream = new sluice_stream(model->model); });
}

void sluice_stream_free(sluice_stream* stream) {
  if (stream != nullptr && check_handle(__func__, stream) == SLUICE_OK) delete stream;
}

sluice_status sluice_stream_step(sluice_stream* stream, uint32_t token) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_token(__func__, *stream->model, token)) return bad;
  stream->stream.step(token);
  return SLUICE_OK;
}

sluice_status sluice_stream_probabilities(const sluice_stream* stream, float* buffer, size_t capacity, size_t* count) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_pointer(__func__, count, "a place for the count")) return bad;
  const std::span<const float> all = stream->stream.probabilities();
  *count = all.size();
  if (const sluice_status bad = check_buffer(__func__, buffer, capacity, all.size(), "floats")) return bad;
  if (buffer != nullptr) std::ranges::copy(all, buffer);
  return SLUICE_OK;
}

sluice_status sluice_stream_top(const sluice_stream* stream, sluice_candidate* candidates, size_t capacity,
                                size_t* count) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_pointer(__func__, count, "a place for the count")) return bad;
  *count = 0;
  if (const sluice_status bad = check_pointer(__func__, candidates, "room for candidates")) return bad;
  if (capacity == 0) return refuse(__func__, "room for at least 1 candidate, found 0");
  const std::span<const float> p = stream->stream.probabilities();
  const auto all = std::views::iota(std::uint32_t{0}, static_cast<std::uint32_t>(p.size())) |
                   std::views::transform([p](std::uint32_t token) {
                     return sluice_candidate{token, p[token]};
                   });
  const auto likelier = [](const sluice_candidate& a, const sluice_candidate& b) {
    return a.probability > b.probability || (a.probability == b.probability && a.token < b.token);
  };
  // A heap in the caller's own room: no memory is taken.
  const std::span<sluice_candidate> room(candidates, std::min(capacity, p.size()));
  std::ranges::partial_sort_copy(all, room, likelier);
  *count = room.size();
  return SLUICE_OK;
}

sluice_status sluice_stream_reset(sluice_stream* stream) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  stream->stream.reset();
  return SLUICE_OK;
}

sluice_status sluice_stream_copy_state(sluice_stream* stream, const sluice_stream* from) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_handle(__func__, from)) return bad;
  return guarded(__func__, [&] { stream->stream.set_state(from->stream.state()); });
}
