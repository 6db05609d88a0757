// HTTP/1.1 messages as bytes: a strict incremental parser (Beast's, behind a light face) and writers. No I/O.
// Internal to net. Thread: one at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace anduin::net {

enum class WireFault : std::uint8_t { kNone, kSyntax, kHeadTooLarge, kBodyTooLarge };

class HttpParser {
 public:
  struct Options {
    bool request = false;
    std::size_t head_bytes_max = 64U << 10U;
    std::size_t body_bytes_max = 0;
    bool head_method = false;  ///< the answer to HEAD: a length without a body
  };
  explicit HttpParser(const Options& options);
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  /// Takes the bytes of this message; `used` tells how many, the rest belongs to what follows.
  WireFault feed(std::string_view bytes, std::size_t& used);
  /// The connection ended. False when the message is not complete by that.
  bool end();
  [[nodiscard]] bool head_done() const;
  [[nodiscard]] bool done() const;
  /// Only the end of the connection ends the body.
  [[nodiscard]] bool until_end() const;
  /// What was wrong, for a person.
  [[nodiscard]] const std::string& fault_text() const;

  // From head_done() on.
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool http_1_1() const;
  [[nodiscard]] int status() const;
  [[nodiscard]] std::string method() const;
  [[nodiscard]] std::string target() const;
  [[nodiscard]] Headers headers() const;
  [[nodiscard]] const std::string& raw_head() const;
  /// From done() on, once.
  [[nodiscard]] std::string take_body();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What makes these headers unfit to be sent: a bad name, a line break in a value, a name that is net's own.
[[nodiscard]] std::optional<std::string> header_fault(const Headers& headers);
[[nodiscard]] bool http_token(std::string_view text);
/// True when the comma separated list holds the token, any case.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token);

struct RequestHead {
  std::string_view method, target, host;
  bool has_length = false;  ///< write Content-Length
};
[[nodiscard]] std::string write_request(const RequestHead& head, const Headers& headers,
                                        std::string_view body);
/// `connection` is the Connection header's value; without `length` none is written (101).
[[nodiscard]] std::string write_response(const HttpResponse& response, std::string_view connection,
                                         bool length, bool with_body);

}  // namespace anduin::net
