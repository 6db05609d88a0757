// Lets Catch2 show a Result in a failed CHECK: the error's text, or that there is a value.
#pragma once
#include <catch2/catch.hpp>
#include <string>

#include "base/error.hpp"

namespace Catch {
template <class T>
struct StringMaker<anduin::Result<T>> {
  static std::string convert(const anduin::Result<T>& r) {
    return r ? "a value" : "error: " + r.error().to_string();
  }
};
}  // namespace Catch
