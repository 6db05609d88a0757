// AWS Signature Version 4 for requests with a body: the headers that prove who asks. Source: AWS General
// Reference, "Signature Version 4 signing process". Pure functions, any thread.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace anduin::chain::aws {

struct Credentials {
  std::string access_key, secret_key;
  std::string session_token;  ///< empty = none
};

struct Request {
  std::string method = "POST";
  std::string path = "/";  ///< as sent, already percent-encoded
  std::string query;       ///< as sent, parameters in order of name
  /// Lower-case names, values without surrounding blanks; `host` among them.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// "20150830T123600Z" of milliseconds since the epoch UTC.
std::string timestamp(std::int64_t wall_ms);

/// The headers to add: x-amz-date, authorization and, with a session token, x-amz-security-token. All of
/// request.headers are signed.
std::vector<std::pair<std::string, std::string>> sign(const Request& request, const Credentials& credentials,
                                                      const std::string& region, const std::string& service,
                                                      const std::string& timestamp);

}  // namespace anduin::chain::aws
