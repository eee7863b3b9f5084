#include "errors.h"

#include <exception>

#include "sluice/error.h"

namespace nb = nanobind;

namespace sluice::python {
namespace {

const char* class_of(const Error& error) {
  if (dynamic_cast<const OutOfMemory*>(&error) != nullptr) return "OutOfMemory";
  switch (error.status()) {
    case Status::usage:
      return "UsageError";
    case Status::bad_file:
      return "FileError";
    case Status::diverged:
      return "DivergedError";
    case Status::failed:
      break;
  }
  return "FailedError";
}

void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const Error& error) {
    // The module may be gone while the interpreter ends.
    PyObject* module = PyImport_ImportModule("sluice._errors");
    if (module == nullptr) return;
    PyObject* type = PyObject_GetAttrString(module, class_of(error));
    Py_DECREF(module);
    if (type == nullptr) return;
    PyObject* text = PyUnicode_DecodeUTF8(
        error.what(), static_cast<Py_ssize_t>(std::char_traits<char>::length(error.what())), "replace");
    PyErr_SetObject(type, text);
    Py_XDECREF(text);
    Py_DECREF(type);
  }
}

}  // namespace

void bind_errors(nb::module_&) { nb::register_exception_translator(translate); }

}  // namespace sluice::python
