// The one error type of the host and the result that carries it. A plain value: any thread may copy it.
#pragma once
#include <boost/system/result.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace anduin {

enum class ErrorKind : std::uint8_t {
  kRetryable,       ///< try again, with back-off (a timeout, a 5xx, a busy server)
  kRetryableAfter,  ///< try again, not before `retry_after_ms` from now (a rate limit)
  kAuth,            ///< credentials or rights are refused: do not hammer, a person must act
  kBadRequest,      ///< this request can never succeed as it stands (configuration, usage)
  kProtocol,        ///< the other side said something we do not understand
  kFatal,           ///< this component cannot go on (disk full, corrupt file)
};

struct Error {
  ErrorKind kind = ErrorKind::kFatal;
  std::string where;                ///< file, endpoint, key: the place a person has to look at
  std::string text;                 ///< what is wrong and what to do about it
  std::string venue = {};           ///< empty when no venue is concerned
  std::int64_t retry_after_ms = 0;  ///< for kRetryableAfter

  [[nodiscard]] std::string to_string() const {
    std::string out;
    if (!venue.empty()) out += venue + ": ";
    if (!where.empty()) out += where + ": ";
    return out + text;
  }
};

/// What `Result::value()` throws when there is none.
struct ErrorException : std::runtime_error {
  explicit ErrorException(Error e) : std::runtime_error(e.to_string()), error(std::move(e)) {}
  Error error;
};

[[noreturn]] inline void throw_exception_from_error(const Error& e, const boost::source_location&) {
  throw ErrorException(e);
}

template <class T>
using Result = boost::system::result<T, Error>;

}  // namespace anduin
