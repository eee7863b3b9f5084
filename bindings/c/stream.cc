// A stream in C.
#include "handles.h"

using sluice::c::check_count;
using sluice::c::check_handle;
using sluice::c::check_numbers;
using sluice::c::check_output;
using sluice::c::check_pointer;
using sluice::c::check_probabilities;
using sluice::c::check_text;
using sluice::c::check_tokens;
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

sluice_status sluice_stream_begin(sluice_stream* stream) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_text(__func__, stream->stream.model())) return bad;
  stream->stream.begin();
  return SLUICE_OK;
}

sluice_status sluice_stream_step(sluice_stream* stream, uint32_t token) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_tokens(__func__, stream->stream.model(), &token, 1)) return bad;
  stream->stream.step(token);
  return SLUICE_OK;
}

sluice_status sluice_stream_step_numbers(sluice_stream* stream, const float* x, size_t count) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_numbers(__func__, stream->stream.model())) return bad;
  if (const sluice_status bad = check_pointer(__func__, x, "numbers")) return bad;
  if (const sluice_status bad = check_count(__func__, stream->stream.model().config().inputs, count, "numbers"))
    return bad;
  stream->stream.step(std::span(x, count));
  return SLUICE_OK;
}

sluice_status sluice_stream_feed(sluice_stream* stream, const uint32_t* tokens, size_t count) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_tokens(__func__, stream->stream.model(), tokens, count)) return bad;
  stream->stream.feed(std::span(tokens, count));
  return SLUICE_OK;
}

sluice_status sluice_stream_feed_numbers(sluice_stream* stream, const float* x, size_t x_count, float* y,
                                         size_t y_capacity) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_numbers(__func__, stream->stream.model())) return bad;
  const std::size_t inputs = stream->stream.model().config().inputs, steps = x_count / inputs;
  if (steps * inputs != x_count) return refuse(__func__, "rows of ", inputs, " numbers, found ", x_count, " in all");
  const std::size_t answers = steps * stream->stream.model().outputs();
  if (steps > 0 && x == nullptr) return refuse(__func__, "numbers, found NULL");
  if (steps > 0 && y == nullptr) return refuse(__func__, "room for ", answers, " floats, found NULL");
  if (y_capacity < answers) return refuse(__func__, "room for ", answers, " floats, found ", y_capacity);
  stream->stream.feed(std::span(x, x_count), std::span(y, answers));
  return SLUICE_OK;
}

sluice_status sluice_stream_probabilities(const sluice_stream* stream, float* buffer, size_t capacity, size_t* count) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_probabilities(__func__, stream->stream.probabilities())) return bad;
  return sluice::c::give_floats(__func__, stream->stream.probabilities(), buffer, capacity, count);
}

sluice_status sluice_stream_output(const sluice_stream* stream, float* buffer, size_t capacity, size_t* count) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_output(__func__, stream->stream.output())) return bad;
  return sluice::c::give_floats(__func__, stream->stream.output(), buffer, capacity, count);
}

sluice_status sluice_stream_top(const sluice_stream* stream, sluice_candidate* candidates, size_t capacity,
                                size_t* count) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_probabilities(__func__, stream->stream.probabilities())) return bad;
  return sluice::c::give_top(__func__, stream->stream.probabilities(), candidates, capacity, count);
}

sluice_status sluice_stream_finite(const sluice_stream* stream, int* finite) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_pointer(__func__, finite, "a place for the answer")) return bad;
  *finite = stream->stream.finite() ? 1 : 0;
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

sluice_status sluice_stream_save_state(const sluice_stream* stream, void* buffer, size_t capacity, size_t* size) {
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  return sluice::c::give_state(
      __func__, [stream] { return stream->stream.state(); }, buffer, capacity, size);
}

namespace {

sluice_status load_state(const char* function, sluice_stream* stream, const void* bytes, size_t size, bool any) {
  if (const sluice_status bad = check_handle(function, stream)) return bad;
  return sluice::c::take_state(function, bytes, size, any,
                               [stream](const sluice::State& s) { stream->stream.set_state(s); });
}

}  // namespace

sluice_status sluice_stream_load_state(sluice_stream* stream, const void* bytes, size_t size) {
  return load_state(__func__, stream, bytes, size, false);
}

sluice_status sluice_stream_load_any_state(sluice_stream* stream, const void* bytes, size_t size) {
  return load_state(__func__, stream, bytes, size, true);
}
