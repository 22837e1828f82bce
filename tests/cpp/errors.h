// Expected errors in tests.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "base/error.h"

namespace pycircuit {

inline constexpr auto None = std::nullopt;

// The error that `body` throws; an AssertionError id with no message where it throws none.
template <class Body>
CircuitError error_of(Body&& body) {
  try {
    body();
  } catch (const CircuitError& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return CircuitError(ErrorId::AssertionError, "");
}

#define EXPECT_ERROR(error_id, ...) \
  EXPECT_EQ(error_class_name(error_of([&] { (void)(__VA_ARGS__); }).id()), error_class_name(ErrorId::error_id))

}  // namespace pycircuit
