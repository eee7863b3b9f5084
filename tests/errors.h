// What the tests expect to go wrong.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "sluice/error.h"

namespace sluice::test {

// The message of the Error that f throws, after its status was compared.
template <class F>
std::string error_of(Status status, F&& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), status) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no Error";
  return {};
}

}  // namespace sluice::test
