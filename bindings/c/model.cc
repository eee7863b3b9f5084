// A model in C: loading and looking into it.
#include <algorithm>
#include <cstddef>

#include "handles.h"
#include "sluice/formats.h"

using sluice::c::check_buffer;
using sluice::c::check_handle;
using sluice::c::check_pointer;
using sluice::c::check_token;
using sluice::c::guarded;
using sluice::c::refuse;

sluice_status sluice_model_load(const char* path, sluice_model** model) {
  if (const sluice_status bad = check_pointer(__func__, model, "a place for the model")) return bad;
  *model = nullptr;
  if (const sluice_status bad = check_pointer(__func__, path, "a path")) return bad;
  return guarded(__func__, [&] { *model = new sluice_model(sluice::load(path)); });
}

sluice_status sluice_model_load_memory(const void* bytes, size_t size, sluice_model** model) {
  if (const sluice_status bad = check_pointer(__func__, model, "a place for the model")) return bad;
  *model = nullptr;
  if (const sluice_status bad = check_pointer(__func__, bytes, "the bytes of a model file")) return bad;
  return guarded(__func__, [&] {
    *model = new sluice_model(sluice::load(std::span(static_cast<const std::byte*>(bytes), size), "model in memory"));
  });
}

void sluice_model_free(sluice_model* model) {
  if (model != nullptr && check_handle(__func__, model) == SLUICE_OK) delete model;
}

sluice_status sluice_model_set_precision(sluice_model* model, sluice_precision precision) {
  if (const sluice_status bad = check_handle(__func__, model)) return bad;
  const auto number = static_cast<unsigned>(precision), most = static_cast<unsigned>(SLUICE_INT8);
  if (number > most) return refuse(__func__, "a precision from 0 to ", most, ", found ", number);
  return guarded(__func__, [&] { model->model.set_precision(static_cast<sluice::Precision>(precision)); });
}

sluice_status sluice_model_inspect(const sluice_model* model, sluice_model_info* info, size_t info_size) {
  if (const sluice_status bad = check_handle(__func__, model)) return bad;
  if (const sluice_status bad = check_pointer(__func__, info, "a place for the info")) return bad;
  if (info_size == 0 || info_size > sizeof(sluice_model_info)) {
    return refuse(__func__, "an info of 1 to ", sizeof(sluice_model_info), " bytes, found ", info_size);
  }
  const sluice::Model& of = model->model;
  sluice_model_info all = {};
  all.cell = of.cell().name.data();  // a literal, so a zero ends it
  all.layers = of.config().stack.empty() ? of.config().layers : of.config().stack.size();
  all.hidden = of.config().stack.empty() ? of.config().hidden : 0;
  for (const sluice::LayerConfig& layer : of.config().stack) all.hidden = std::max(all.hidden, layer.units);
  all.parameters = of.parameter_count();
  all.vocabulary = of.vocabulary().size();
  all.inputs = of.config().inputs;
  all.outputs = of.config().outputs > 0 ? of.outputs() : 0;
  return guarded(__func__, [&] {
    all.state_bytes = of.initial_state().to_bytes().size();
    std::memcpy(info, &all, info_size);
  });
}

sluice_status sluice_model_token_text(const sluice_model* model, uint32_t token, char* buffer, size_t capacity,
                                      size_t* length) {
  if (const sluice_status bad = check_handle(__func__, model)) return bad;
  if (const sluice_status bad = check_pointer(__func__, length, "a place for the length")) return bad;
  *length = 0;
  if (const sluice_status bad = check_token(__func__, model->model, token)) return bad;
  const std::string& text = model->model.vocabulary().token(token);
  *length = text.size();
  if (const sluice_status bad = check_buffer(__func__, buffer, capacity, text.size() + 1, "bytes")) return bad;
  if (buffer != nullptr) std::memcpy(buffer, text.c_str(), text.size() + 1);
  return SLUICE_OK;
}

sluice_status sluice_model_find_token(const sluice_model* model, const char* text, size_t length, uint32_t* token) {
  if (const sluice_status bad = check_handle(__func__, model)) return bad;
  if (const sluice_status bad = check_pointer(__func__, token, "a place for the token")) return bad;
  *token = sluice::Vocabulary::unknown;
  if (const sluice_status bad = check_pointer(__func__, text, "a text")) return bad;
  return guarded(__func__, [&] {
    *token = model->model.vocabulary().find({text, length}).value_or(sluice::Vocabulary::unknown);
  });
}
