/* Loading a model and looking into it. */
#include <stdlib.h>
#include <string.h>

#include "c_checks.h"

void looks_into_a_model(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_model_info info;
  char* text = exactly(strlen(world->token_1) + 1);
  size_t length = 0;
  uint32_t token = 99;
  memset(&info, 0xff, sizeof info);
  CHECK_OK(sluice_model_inspect(model, &info, sizeof info));
  CHECK(strcmp(info.cell, "lstm") == 0);
  CHECK(info.layers == 2 && info.hidden == 24 && info.vocabulary == world->vocabulary);
  CHECK(info.inputs == 0 && info.outputs == 0 && info.state_bytes == 48 + 2 * 16 + 4 * 2 * 2 * 24);
  CHECK(info.parameters == 24 * 7 + 2 * (4 * 24 * (24 + 24 + 1)) + 24 * 7 + 7);
  /* A program that was built when the info was shorter gets what it knows, and no byte beyond. */
  memset(&info, 0xff, sizeof info);
  CHECK_OK(sluice_model_inspect(model, &info, offsetof(sluice_model_info, hidden)));
  CHECK(info.layers == 2 && info.hidden == (size_t)-1);

  CHECK_OK(sluice_model_token_text(model, 1, NULL, 0, &length));
  CHECK(length == strlen(world->token_1));
  CHECK_OK(sluice_model_token_text(model, 1, text, length + 1, &length));
  CHECK(strcmp(text, world->token_1) == 0);
  CHECK_OK(sluice_model_find_token(model, text, length, &token));
  CHECK(token == 1);
  CHECK_OK(sluice_model_find_token(model, "nobody knows", 12, &token));
  CHECK(token == 0);
  free(text);
  sluice_model_free(model);
}

void loads_only_model_files(const struct c_world* world) {
  sluice_model* model = (sluice_model*)&model;
  REFUSED(SLUICE_BAD_FILE, world->missing_path, sluice_model_load, (world->missing_path, &model));
  CHECK(model == NULL);
  REFUSED(SLUICE_BAD_FILE, "directory", sluice_model_load, ("/", &model));
  REFUSED(SLUICE_BAD_FILE, "none of that name", sluice_model_load, ("", &model));
  REFUSED(SLUICE_USAGE, "a path, found NULL", sluice_model_load, (NULL, &model));
  REFUSED(SLUICE_USAGE, "a place for the model", sluice_model_load, (world->model_path, NULL));
}

void loads_from_memory_and_refuses_every_flipped_byte(const struct c_world* world) {
  size_t size = 0, at;
  unsigned char* bytes = read_whole(world->model_path, &size);
  sluice_model* model = NULL;
  sluice_model_info info;
  CHECK_OK(sluice_model_load_memory(bytes, size, &model));
  CHECK_OK(sluice_model_inspect(model, &info, sizeof info));
  CHECK(info.hidden == 24);
  sluice_model_free(model);
  for (at = 0; at < size; at += 1 + size / 40) { /* about forty of them */
    bytes[at] ^= 0x10;
    model = (sluice_model*)&model;
    REFUSED(SLUICE_BAD_FILE, "model in memory", sluice_model_load_memory, (bytes, size, &model));
    CHECK(model == NULL);
    bytes[at] ^= 0x10;
    /* And every length cut short, the rest of the memory gone. */
    {
      unsigned char* cut = exactly(at == 0 ? 1 : at);
      memcpy(cut, bytes, at);
      REFUSED(SLUICE_BAD_FILE, "model in memory", sluice_model_load_memory, (cut, at, &model));
      free(cut);
    }
  }
  REFUSED(SLUICE_USAGE, "the bytes of a model file, found NULL", sluice_model_load_memory, (NULL, size, &model));
  REFUSED(SLUICE_USAGE, "a place for the model", sluice_model_load_memory, (bytes, size, NULL));
  free(bytes);
}

void refuses_wrong_arguments_of_models(const struct c_world* world) {
  sluice_model* model = load(world->model_path);
  sluice_stream* stream = stream_on(model);
  const sluice_model* not_a_model = (const sluice_model*)(const void*)stream;
  sluice_model_info info;
  char* text = exactly(3);
  size_t length = 0;
  uint32_t token = 0;
  REFUSED(SLUICE_USAGE, "a model, found NULL", sluice_model_inspect, (NULL, &info, sizeof info));
  REFUSED(SLUICE_USAGE, "a model, found something else", sluice_model_inspect, (not_a_model, &info, sizeof info));
  REFUSED(SLUICE_USAGE, "a place for the info", sluice_model_inspect, (model, NULL, sizeof info));
  REFUSED(SLUICE_USAGE, "bytes, found 0", sluice_model_inspect, (model, &info, 0));
  REFUSED(SLUICE_USAGE, "bytes, found", sluice_model_inspect, (model, &info, sizeof info + 1));

  REFUSED(SLUICE_USAGE, "a model, found NULL", sluice_model_token_text, (NULL, 1, text, 3, &length));
  REFUSED(SLUICE_USAGE, "something else", sluice_model_token_text, (not_a_model, 1, text, 3, &length));
  REFUSED(SLUICE_USAGE, "below 7, found 7", sluice_model_token_text, (model, 7, text, 3, &length));
  REFUSED(SLUICE_USAGE, "below 7, found 4294967295", sluice_model_token_text, (model, UINT32_MAX, text, 3, &length));
  REFUSED(SLUICE_USAGE, "a buffer of 3 bytes, found NULL", sluice_model_token_text, (model, 1, NULL, 3, &length));
  REFUSED(SLUICE_USAGE, "room for 4 bytes, found 3", sluice_model_token_text, (model, 1, text, 3, &length));
  CHECK(length == 3);
  REFUSED(SLUICE_USAGE, "room for 4 bytes, found 0", sluice_model_token_text, (model, 1, text, 0, &length));
  REFUSED(SLUICE_USAGE, "a place for the length", sluice_model_token_text, (model, 1, text, 3, NULL));

  REFUSED(SLUICE_USAGE, "a model, found NULL", sluice_model_find_token, (NULL, "the", 3, &token));
  REFUSED(SLUICE_USAGE, "something else", sluice_model_find_token, (not_a_model, "the", 3, &token));
  REFUSED(SLUICE_USAGE, "a text, found NULL", sluice_model_find_token, (model, NULL, 3, &token));
  REFUSED(SLUICE_USAGE, "a place for the token", sluice_model_find_token, (model, "the", 3, NULL));
  sluice_model_free(NULL);
  sluice_model_free((sluice_model*)(void*)stream); /* not one: nothing is freed */
  CHECK_OK(sluice_stream_step(stream, 1));
  free(text);
  sluice_stream_free(stream);
  sluice_model_free(model);
}

void a_sentence_stays_within_its_room(const struct c_world* world) {
  sluice_model* model = NULL;
  char path[2001];
  size_t first, i;
  (void)world;
  for (first = 0; first < 2; ++first) { /* the cut falls between two letters, and into one */
    memset(path, 'x', sizeof path);
    for (i = first; i + 2 < sizeof path; i += 2) memcpy(path + i, "\xc3\xa9", 2); /* two bytes a letter */
    path[i] = 0;
    CHECK(sluice_model_load(path, &model) == SLUICE_BAD_FILE);
    CHECK(strlen(sluice_last_error()) >= 510 && strlen(sluice_last_error()) <= 511);
    CHECK(sluice_last_error()[strlen(sluice_last_error()) - 1] == '\xa9'); /* no half letter */
  }
  CHECK(strcmp(sluice_version(), "0.1.0") == 0);
}
