// The words of HTTP that client and server share: headers, a request, an answer. Plain values, any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anduin::net {

/// In the order sent; a name may repeat.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first value of that name, any case. Empty text and absent differ.
[[nodiscard]] std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

struct HttpResponse {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
};

}  // namespace anduin::net
