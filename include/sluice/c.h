/* Sluice for C, and for whatever speaks C: load a model, inspect it, stream. Training is not here.
 *
 * Every function returns a status and, where it is not SLUICE_OK, leaves a sentence for sluice_last_error(). No
 * argument makes it crash that can be told from a good one: NULL, a wrong size, the wrong kind of handle, bytes of
 * anything. What it cannot tell is a pointer to nowhere, a freed handle and a size larger than the memory.
 *
 * A function marked "real-time" keeps the contract of sluice/stream.h wherever it returns SLUICE_OK: no memory taken,
 * no lock, no system call, bounded time. Where it does not, its sentence is written into memory of the thread, which
 * the loader may take at the first failure of a thread if the library came by dlopen; a call of sluice_last_error() on
 * that thread beforehand settles this.
 *
 * A model may be used by any number of threads at once; a stream or a batch by one at a time. Freeing a model whose
 * streams live on is fine: it goes with the last of them.
 *
 * Too little memory is SLUICE_FAILED, from whichever function, and leaves everything as it was before the call.
 */
#ifndef SLUICE_C_H
#define SLUICE_C_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/export.h"

/* NOLINTBEGIN(readability-identifier-naming): names as C has them. */

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers of sluice::Status. */
typedef enum sluice_status {
  SLUICE_OK = 0,
  SLUICE_FAILED = 1,   /* the work could not be done: no memory */
  SLUICE_USAGE = 2,    /* an argument is NULL, out of range, too small or of another kind */
  SLUICE_BAD_FILE = 3, /* a file, or bytes of one, missing, unreadable or not what they should be */
  SLUICE_DIVERGED = 4  /* only where a model is trained */
} sluice_status;

/* "0.1.0". */
SLUICE_API const char* sluice_version(void);

/* What went wrong in the last call on this thread that failed: one sentence, at most 511 bytes of UTF-8, "" before any.
 * It stays until the next failure. */
SLUICE_API const char* sluice_last_error(void);

/* ---- A model ---- */

typedef struct sluice_model sluice_model;

/* Reads a model file, checks every number in it, and runs its self-check. *model is NULL where that fails. */
SLUICE_API sluice_status sluice_model_load(const char* path, sluice_model** model);
/* The same from the bytes of such a file, which are not needed afterwards. */
SLUICE_API sluice_status sluice_model_load_memory(const void* bytes, size_t size, sluice_model** model);
/* NULL does nothing. */
SLUICE_API void sluice_model_free(sluice_model* model);

/* How streams made from now on hold the weights (sluice/model.h); those that are there stay as they are. Less is
 * faster: half and a quarter of the memory to read, and numbers that are a little off. */
typedef enum sluice_precision { SLUICE_F32 = 0, SLUICE_BF16 = 1, SLUICE_INT8 = 2 } sluice_precision;
/* Not while another thread uses the same handle. */
SLUICE_API sluice_status sluice_model_set_precision(sluice_model* model, sluice_precision precision);

typedef struct sluice_model_info {
  const char* cell; /* "gru"; lives as long as the library */
  size_t layers;
  size_t hidden;      /* units a layer; of layers that differ, those of the largest */
  size_t parameters;  /* weights */
  size_t vocabulary;  /* tokens a model of text reads and predicts; 0 for a model on numbers */
  size_t inputs;      /* numbers a model on numbers reads a step; 0 for a model of text */
  size_t outputs;     /* and predicted; 0 for a model of text */
  size_t state_bytes; /* what sluice_stream_save_state writes */
} sluice_model_info;

/* info_size is sizeof(sluice_model_info) as the caller knows it; fields are only ever added at the end. */
SLUICE_API sluice_status sluice_model_inspect(const sluice_model* model, sluice_model_info* info, size_t info_size);

/* The text of a token, ended by a zero. *length is its bytes without the zero, also where it does not fit into
 * `capacity` bytes; a buffer of NULL and 0 bytes only asks for it. */
SLUICE_API sluice_status sluice_model_token_text(const sluice_model* model, uint32_t token, char* buffer,
                                                 size_t capacity, size_t* length);
/* The token of a text of `length` bytes; *token is 0, which is <unk>, where the model knows none. */
SLUICE_API sluice_status sluice_model_find_token(const sluice_model* model, const char* text, size_t length,
                                                 uint32_t* token);

/* ---- A stream: a model, a state of its own, and what the model predicted last ---- */

typedef struct sluice_stream sluice_stream;

/* Takes all memory that the stream will need. *stream is NULL where that fails. */
SLUICE_API sluice_status sluice_stream_new(const sluice_model* model, sluice_stream** stream);
/* NULL does nothing. */
SLUICE_API void sluice_stream_free(sluice_stream* stream);

/* One step of a model of text. Real-time. */
SLUICE_API sluice_status sluice_stream_step(sluice_stream* stream, uint32_t token);
/* One step of a model on numbers; `count` is its inputs. Real-time. */
SLUICE_API sluice_status sluice_stream_step_numbers(sluice_stream* stream, const float* x, size_t count);
/* Steps through all tokens, or through the rows of x, [T, inputs], whose outputs go to y, [T, outputs]; the counts are
 * of floats. The bits are those of single steps. Nothing is read where an argument is refused. Real-time, in time
 * proportional to the count. */
SLUICE_API sluice_status sluice_stream_feed(sluice_stream* stream, const uint32_t* tokens, size_t count);
SLUICE_API sluice_status sluice_stream_feed_numbers(sluice_stream* stream, const float* x, size_t x_count, float* y,
                                                    size_t y_capacity);
/* Where a text begins: the state before the first step, and from there a step through the end of a line where the
 * model knows one, as nearly every text that it was trained on began. Comes before sluice_stream_feed_text where the
 * text is a beginning. A stream of a batch begins with the saved state of a stream that has begun. Real-time. */
SLUICE_API sluice_status sluice_stream_begin(sluice_stream* stream);
/* Splits a text of `length` bytes of UTF-8 and steps through it from where the stream is. *unknown, where it is not
 * NULL, says how many tokens the model did not know. Not in the inference part alone. */
SLUICE_API sluice_status sluice_stream_feed_text(sluice_stream* stream, const char* text, size_t length,
                                                 size_t* unknown);

/* Probabilities of the next token by its number, after at least one step. *count is how many there are, also where they
 * do not fit into `capacity` floats; a buffer of NULL and 0 floats only asks for it. Real-time. */
SLUICE_API sluice_status sluice_stream_probabilities(const sluice_stream* stream, float* buffer, size_t capacity,
                                                     size_t* count);

/* What a model that does not predict tokens predicted at the last step, in the same manner. Real-time. */
SLUICE_API sluice_status sluice_stream_output(const sluice_stream* stream, float* buffer, size_t capacity,
                                              size_t* count);

typedef struct sluice_candidate {
  uint32_t token;
  float probability;
} sluice_candidate;

/* The likeliest next tokens, likeliest first, ties by token number. *count is how many were written: `capacity`, or the
 * size of a smaller vocabulary. Real-time. */
SLUICE_API sluice_status sluice_stream_top(const sluice_stream* stream, sluice_candidate* candidates, size_t capacity,
                                           size_t* count);

/* *finite is 1 where no number of the stream's state and its last output is NaN or infinite, else 0. A NaN that a
 * stream reads stays in its state for good: reset it, or copy the state of a second stream that was kept for that.
 * Real-time. */
SLUICE_API sluice_status sluice_stream_finite(const sluice_stream* stream, int* finite);
/* The state before the first step. Real-time. */
SLUICE_API sluice_status sluice_stream_reset(sluice_stream* stream);
/* Goes on where another stream of the same sizes stands: a fork, or a roll back to it. Real-time. */
SLUICE_API sluice_status sluice_stream_copy_state(sluice_stream* stream, const sluice_stream* from);

/* The state as bytes, with a version and a checksum, for this model on any machine. *size is how many there are, also
 * where they do not fit into `capacity` bytes; a buffer of NULL and 0 bytes only asks for it. */
SLUICE_API sluice_status sluice_stream_save_state(const sluice_stream* stream, void* buffer, size_t capacity,
                                                  size_t* size);
/* Goes on from such bytes, with the same bits as if it had never stopped. Any bytes are safe; where they are refused
 * the stream stays as it was, as where they are of another model. */
SLUICE_API sluice_status sluice_stream_load_state(sluice_stream* stream, const void* bytes, size_t size);
/* The same for bytes of any model whose layers have the same sizes. */
SLUICE_API sluice_status sluice_stream_load_any_state(sluice_stream* stream, const void* bytes, size_t size);

/* ---- Many streams that step together: each has the bits it would have alone, and all are done sooner ---- */

typedef struct sluice_batch sluice_batch;

/* Takes all memory. *batch is NULL where that fails. */
SLUICE_API sluice_status sluice_batch_new(const sluice_model* model, size_t streams, sluice_batch** batch);
/* NULL does nothing. */
SLUICE_API void sluice_batch_free(sluice_batch* batch);

/* One step of every stream: a token each, or [streams, inputs] numbers; `count` is of all of them. Real-time. */
SLUICE_API sluice_status sluice_batch_step(sluice_batch* batch, const uint32_t* tokens, size_t count);
SLUICE_API sluice_status sluice_batch_step_numbers(sluice_batch* batch, const float* x, size_t count);

/* Of one stream, counted from 0, as above. Real-time but for the last two. */
SLUICE_API sluice_status sluice_batch_probabilities(const sluice_batch* batch, size_t stream, float* buffer,
                                                    size_t capacity, size_t* count);
SLUICE_API sluice_status sluice_batch_output(const sluice_batch* batch, size_t stream, float* buffer, size_t capacity,
                                             size_t* count);
SLUICE_API sluice_status sluice_batch_top(const sluice_batch* batch, size_t stream, sluice_candidate* candidates,
                                          size_t capacity, size_t* count);
SLUICE_API sluice_status sluice_batch_finite(const sluice_batch* batch, size_t stream, int* finite);
SLUICE_API sluice_status sluice_batch_reset(sluice_batch* batch, size_t stream);
SLUICE_API sluice_status sluice_batch_save_state(const sluice_batch* batch, size_t stream, void* buffer,
                                                 size_t capacity, size_t* size);
SLUICE_API sluice_status sluice_batch_load_state(sluice_batch* batch, size_t stream, const void* bytes, size_t size);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming) */

#endif
