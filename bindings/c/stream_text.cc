// Text into a stream in C: apart, as in src/model/stream_text.cc.
#include "handles.h"

using sluice::c::check_handle;
using sluice::c::check_pointer;
using sluice::c::guarded;

sluice_status sluice_stream_feed_text(sluice_stream* stream, const char* text, size_t length, size_t* unknown) {
  if (unknown != nullptr) *unknown = 0;
  if (const sluice_status bad = check_handle(__func__, stream)) return bad;
  if (const sluice_status bad = check_pointer(__func__, text, "a text")) return bad;
  return guarded(__func__, [&] {
    const std::size_t count = stream->stream.feed({text, length});
    if (unknown != nullptr) *unknown = count;
  });
}
