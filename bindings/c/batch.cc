// Many streams that step together, in C.
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

namespace {

// A batch, and a stream of it.
sluice_status check_stream(const char* function, const sluice_batch* batch, std::size_t stream) noexcept {
  if (const sluice_status bad = check_handle(function, batch)) return bad;
  if (stream < batch->streams.size()) return SLUICE_OK;
  return refuse(function, "a stream below ", batch->streams.size(), ", found ", stream);
}

}  // namespace

sluice_status sluice_batch_new(const sluice_model* model, size_t streams, sluice_batch** batch) {
  if (const sluice_status bad = check_pointer(__func__, batch, "a place for the batch")) return bad;
  *batch = nullptr;
  if (const sluice_status bad = check_handle(__func__, model)) return bad;
  return guarded(__func__, [&] { *batch = new sluice_batch(model->model, streams); });
}

void sluice_batch_free(sluice_batch* batch) {
  if (batch != nullptr && check_handle(__func__, batch) == SLUICE_OK) delete batch;
}

sluice_status sluice_batch_step(sluice_batch* batch, const uint32_t* tokens, size_t count) {
  if (const sluice_status bad = check_handle(__func__, batch)) return bad;
  if (const sluice_status bad = check_count(__func__, batch->streams.size(), count, "tokens")) return bad;
  if (const sluice_status bad = check_tokens(__func__, batch->model, tokens, count)) return bad;
  batch->streams.step(std::span(tokens, count));
  return SLUICE_OK;
}

sluice_status sluice_batch_step_numbers(sluice_batch* batch, const float* x, size_t count) {
  if (const sluice_status bad = check_handle(__func__, batch)) return bad;
  if (const sluice_status bad = check_numbers(__func__, batch->model)) return bad;
  if (const sluice_status bad = check_pointer(__func__, x, "numbers")) return bad;
  const std::size_t all = batch->streams.size() * batch->model.config().inputs;
  if (const sluice_status bad = check_count(__func__, all, count, "numbers")) return bad;
  batch->streams.step(std::span(x, count));
  return SLUICE_OK;
}

sluice_status sluice_batch_probabilities(const sluice_batch* batch, size_t stream, float* buffer, size_t capacity,
                                         size_t* count) {
  if (const sluice_status bad = check_stream(__func__, batch, stream)) return bad;
  if (const sluice_status bad = check_probabilities(__func__, batch->streams.probabilities(stream))) return bad;
  return sluice::c::give_floats(__func__, batch->streams.probabilities(stream), buffer, capacity, count);
}

sluice_status sluice_batch_output(const sluice_batch* batch, size_t stream, float* buffer, size_t capacity,
                                  size_t* count) {
  if (const sluice_status bad = check_stream(__func__, batch, stream)) return bad;
  if (const sluice_status bad = check_output(__func__, batch->streams.output(stream))) return bad;
  return sluice::c::give_floats(__func__, batch->streams.output(stream), buffer, capacity, count);
}

sluice_status sluice_batch_top(const sluice_batch* batch, size_t stream, sluice_candidate* candidates, size_t capacity,
                               size_t* count) {
  if (const sluice_status bad = check_stream(__func__, batch, stream)) return bad;
  if (const sluice_status bad = check_probabilities(__func__, batch->streams.probabilities(stream))) return bad;
  return sluice::c::give_top(__func__, batch->streams.probabilities(stream), candidates, capacity, count);
}

sluice_status sluice_batch_finite(const sluice_batch* batch, size_t stream, int* finite) {
  if (const sluice_status bad = check_stream(__func__, batch, stream)) return bad;
  if (const sluice_status bad = check_pointer(__func__, finite, "a place for the answer")) return bad;
  *finite = batch->streams.finite(stream) ? 1 : 0;
  return SLUICE_OK;
}

sluice_status sluice_batch_reset(sluice_batch* batch, size_t stream) {
  if (const sluice_status bad = check_stream(__func__, batch, stream)) return bad;
  batch->streams.reset(stream);
  return SLUICE_OK;
}

sluice_status sluice_batch_save_state(const sluice_batch* batch, size_t stream, void* buffer, size_t capacity,
                                      size_t* size) {
  if (const sluice_status bad = check_stream(__func__, batch, stream)) return bad;
  return sluice::c::give_state(
      __func__, [=] { return batch->streams.state(stream); }, buffer, capacity, size);
}

sluice_status sluice_batch_load_state(sluice_batch* batch, size_t stream, const void* bytes, size_t size) {
  if (const sluice_status bad = check_stream(__func__, batch, stream)) return bad;
  return sluice::c::take_state(__func__, bytes, size, false,
                               [=](const sluice::State& state) { batch->streams.set_state(stream, state); });
}
