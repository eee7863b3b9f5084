// Prints the module sluice._options, for type checkers: every option of a network and of its training, from the
// library's lists.
#include <cstdio>
#include <string>

#include "model/config.h"
#include "option_names.h"
#include "train/options.h"

namespace {

template <class T>
void print_option(const char* name, const T&) {
  std::printf("    %s: %s | None\n", sluice::python::python_name(name).c_str(), sluice::python::python_type<T>());
}

}  // namespace

int main() {
  std::puts(R"("""The keyword arguments of `sluice.train`, typed: written from the library's lists when it is built."""

from __future__ import annotations

from typing import Any, TypedDict


class Options(TypedDict, total=False):
    """What a network is made of and how it is trained."""
)");
  const sluice::Config config;
  sluice::visit_config(config, [](const char* name, const auto& member, const char*) { print_option(name, member); });
  sluice::visit_training(sluice::TrainOptions(), [](const sluice::Field& field, const auto& member, sluice::Effect) {
    print_option(field.name, member);
  });
  std::puts("    stack: list[dict[str, Any]] | None\n    head: dict[str, Any] | None");
  return std::fflush(stdout) == 0 ? 0 : 1;
}
