#include "net/http_wire.hpp"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <variant>

namespace anduin::net {
namespace {

namespace http = boost::beast::http;
using RequestParser = http::request_parser<http::string_body>;
using ResponseParser = http::response_parser<http::string_body>;

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

}  // namespace

struct HttpParser::Impl {
  Options options;
  std::variant<RequestParser, ResponseParser> parser;
  std::string head;
  std::string held;  ///< the start of a chunk header, until the rest of it is there
  std::string fault;

  template <class F>
  decltype(auto) with(F&& f) {
    return std::visit(std::forward<F>(f), parser);
  }

  WireFault put(std::string_view bytes, std::size_t& used) {
    boost::system::error_code code;
    used = with([&](auto& p) { return p.put(boost::asio::const_buffer(bytes.data(), bytes.size()), code); });
    if (!code || code == http::error::need_more) return WireFault::kNone;
    fault = code.message();
    return code == http::error::body_limit ? WireFault::kBodyTooLarge : WireFault::kSyntax;
  }
  bool is_done() {
    return with([](auto& p) { return p.is_done(); });
  }
  bool is_head_done() {
    return with([](auto& p) { return p.is_header_done(); });
  }

  WireFault feed_head(std::string_view bytes, std::size_t& used) {
    const std::size_t before = head.size();
    head.append(bytes);
    // TLS or noise on a plain port would otherwise be waited out: it seldom holds an empty line.
    if (!head.empty() && !http_token(std::string_view(head).substr(0, 1))) {
      fault = "this is not HTTP: the first byte is " + std::to_string(static_cast<unsigned char>(head[0]));
      return WireFault::kSyntax;
    }
    const auto end = head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    const bool whole = end != std::string::npos;
    if (whole) head.resize(end + 4);
    used = head.size() - before;
    if (head.size() > options.head_bytes_max) {
      fault = "the head is longer than " + std::to_string(options.head_bytes_max) + " bytes";
      return WireFault::kHeadTooLarge;
    }
    if (!whole) return WireFault::kNone;
    std::size_t ignored = 0;
    const WireFault result = put(head, ignored);
    if (result == WireFault::kNone && !is_head_done()) {
      fault = "the head cannot be parsed";
      return WireFault::kSyntax;
    }
    return result;
  }

  WireFault feed_body(std::string_view bytes, std::size_t& used) {
    used = 0;
    const std::size_t held_before = held.size();
    std::string joined;
    std::string_view input = bytes;
    if (held_before != 0) {
      joined = std::exchange(held, {}) + std::string(bytes);
      input = joined;
    }
    std::size_t at = 0;
    while (at < input.size() && !is_done()) {
      std::size_t took = 0;
      if (const WireFault result = put(input.substr(at), took); result != WireFault::kNone) return result;
      if (took == 0) break;
      at += took;
    }
    if (!is_done()) {
      held = input.substr(at);
      // Chunk headers and trailers count against the head's limit: they have no other.
      if (held.size() > options.head_bytes_max) {
        fault = "a chunk header is too long";
        return WireFault::kSyntax;
      }
      at = input.size();
    }
    used = at - held_before;
    return WireFault::kNone;
  }
};

HttpParser::HttpParser(const Options& options) : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
  if (!options.request) impl_->parser.emplace<ResponseParser>();
  impl_->with([&](auto& p) {
    p.header_limit(static_cast<std::uint32_t>(options.head_bytes_max));
    p.body_limit(options.body_bytes_max);
    p.eager(true);
  });
  if (options.head_method) std::get<ResponseParser>(impl_->parser).skip(true);
}
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

WireFault HttpParser::feed(std::string_view bytes, std::size_t& used) {
  used = 0;
  if (!head_done()) {
    if (const WireFault fault = impl_->feed_head(bytes, used); fault != WireFault::kNone || !head_done())
      return fault;
    bytes.remove_prefix(used);
  }
  if (done() || bytes.empty()) return WireFault::kNone;
  std::size_t body_used = 0;
  const WireFault fault = impl_->feed_body(bytes, body_used);
  used += body_used;
  return fault;
}

bool HttpParser::end() {
  if (done()) return true;
  if (!head_done()) return false;
  boost::system::error_code code;
  impl_->with([&](auto& p) { p.put_eof(code); });
  return !code && done();
}

bool HttpParser::head_done() const { return impl_->is_head_done(); }
bool HttpParser::done() const { return impl_->is_done(); }
bool HttpParser::until_end() const {
  return impl_->with([](auto& p) { return p.need_eof(); });
}
const std::string& HttpParser::fault_text() const { return impl_->fault; }
bool HttpParser::keep_alive() const {
  return impl_->with([](auto& p) { return p.keep_alive(); });
}
bool HttpParser::http_1_1() const {
  return impl_->with([](auto& p) { return p.get().version() == 11; });
}
int HttpParser::status() const {
  return static_cast<int>(std::get<ResponseParser>(impl_->parser).get().result_int());
}
std::string HttpParser::method() const {
  return std::get<RequestParser>(impl_->parser).get().method_string();
}
std::string HttpParser::target() const { return std::get<RequestParser>(impl_->parser).get().target(); }
const std::string& HttpParser::raw_head() const { return impl_->head; }

Headers HttpParser::headers() const {
  return impl_->with([](auto& p) {
    Headers out;
    for (const auto& field : p.get())
      out.emplace_back(std::string(field.name_string()), std::string(field.value()));
    return out;
  });
}

std::string HttpParser::take_body() {
  return impl_->with([](auto& p) { return std::move(p.get().body()); });
}

bool http_token(std::string_view text) {
  static constexpr std::string_view kSpecial = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSpecial.find(c) != std::string_view::npos;
  });
}

std::optional<std::string> header_fault(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!http_token(name)) return "\"" + name + "\" is not a header name";
    for (const std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection"})
      if (same(name, own)) return "the header " + name + " is written by the connection itself";
    for (const char c : value)
      if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f)
        return "the value of the header " + name + " holds a control character";
  }
  return std::nullopt;
}

bool list_has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (same(one, token)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

namespace {

void add_headers(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers) out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string write_request(const RequestHead& head, const Headers& headers, std::string_view body) {
  std::string out;
  out.append(head.method)
      .append(" ")
      .append(head.target)
      .append(" HTTP/1.1\r\nHost: ")
      .append(head.host)
      .append("\r\n");
  add_headers(out, headers);
  if (!find_header(headers, "User-Agent")) out += "User-Agent: anduin\r\n";
  if (head.has_length) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  out += "\r\n";
  out += body;
  return out;
}

std::string write_response(const HttpResponse& response, std::string_view connection, bool length,
                           bool with_body) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)));
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out.append(reason.data(), reason.size()).append("\r\n");
  add_headers(out, response.headers);
  if (!connection.empty()) out.append("Connection: ").append(connection).append("\r\n");
  if (length) out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  out += "\r\n";
  if (with_body) out += response.body;
  return out;
}

}  // namespace anduin::net
