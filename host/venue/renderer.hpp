// Fills the templates of a record at the moment of sending and signs what is about to leave.
// One instance, one thread at a time. One time sample and one nonce serve a whole record. Results hold
// secrets: send them, hand `sensitive` to the redaction, keep neither.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "venue/sign_program.hpp"

namespace anduin::venue {

using HeaderList = std::vector<std::pair<std::string, std::string>>;  ///< the same type as net::Headers

/// What the moment of sending contributes.
struct RenderContext {
  const Credentials* credentials = nullptr;  ///< null on a public instance
  std::int64_t venue_ms = 0;                 ///< the venue's time now (ClockSkew::now_ms)
  std::function<Result<std::string>()> next_nonce =
      {};                      ///< called at most once a record; empty = no nonces
  std::string_view host = {};  ///< {{host}}: as connected, with the port if unusual
  std::string_view path = {};  ///< {{path}} of the open connection, for frames
};

struct HttpTemplate {  // the fields of AND_REC_HTTP
  std::string_view method, target, headers = {}, body = {}, sign = {}, args = {};
};
struct RenderedRequest {
  std::string method, path, query;  ///< query without its question mark
  HeaderList headers;
  std::string body;
  bool uses_credentials = false;       ///< key, passphrase or signature stand in it
  std::vector<std::string> sensitive;  ///< the signatures: venues echo some
  [[nodiscard]] std::string target() const { return query.empty() ? path : path + "?" + query; }
};

struct FrameTemplate {  // the fields of AND_REC_SEND
  std::string_view payload, sign = {}, args = {};
};
struct RenderedFrame {
  std::string text;
  bool uses_credentials = false;
  std::vector<std::string> sensitive;
};

class Renderer {
 public:
  /// The manifest's `sign` (null for none). Errors name the JSON pointer.
  static Result<Renderer> create(const nlohmann::json& sign);
  Renderer(Renderer&&) noexcept;
  Renderer& operator=(Renderer&&) noexcept;
  ~Renderer();

  /// kBadRequest: an unknown placeholder, program or argument, a value that would break the request apart.
  /// kAuth: the account lacks a credential. Other kinds come from next_nonce.
  Result<RenderedRequest> render_http(const HttpTemplate& request, const RenderContext& context);
  Result<RenderedFrame> render_frame(const FrameTemplate& frame, const RenderContext& context);
  /// For AND_REC_OPEN: target and headers only; method GET, no body.
  Result<RenderedRequest> render_open(std::string_view target, std::string_view headers,
                                      const RenderContext& context);
  /// The bytes that the record's sign program would sign: for tests and `plugin inspect`.
  Result<std::string> signed_text(const HttpTemplate& request, const RenderContext& context);
  Result<std::string> signed_text(const FrameTemplate& frame, const RenderContext& context);

 private:
  class Record;
  explicit Renderer(SignPrograms programs);
  Result<std::shared_ptr<const Template>> parsed(std::string_view text);
  Result<RenderedRequest> prepare(Record& record, const HttpTemplate& request);

  SignPrograms programs_;
  std::map<std::string, std::shared_ptr<const Template>, std::less<>> cache_;
};

}  // namespace anduin::venue
