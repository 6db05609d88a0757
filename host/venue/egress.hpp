// What a plugin may make the host send: requests, frames and URLs, as its manifest declares them
// (docs/manifest.md). Everything is refused that is not listed; comparison is exact, no case folding, no
// decoding. Immutable, any thread. Refusals are kBadRequest: a sentence with what was refused and which
// manifest entry is missing.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "venue/frame_rules.hpp"
#include "venue/renderer.hpp"

namespace anduin::venue {

class EgressPolicy {
 public:
  struct Options {
    /// Endpoint id -> URL of the pipeline file; stands for the manifest's URL.
    std::map<std::string, std::string> endpoint_overrides = {};
    /// An account's instance: its frames need `ws_egress` on every endpoint, since a venue's token makes
    /// a socket dangerous that is not marked `auth`.
    bool account = true;
  };
  /// Reads `endpoints`, `hosts`, `egress` and `ws_egress` of the manifest.
  static Result<EgressPolicy> create(const nlohmann::json& manifest, Options options);
  static Result<EgressPolicy> create(const nlohmann::json& manifest) { return create(manifest, Options{}); }

  /// Method and path together, as they will stand on the wire; the query is not part of the path.
  [[nodiscard]] Result<void> allow(std::string_view endpoint, std::string_view method,
                                   std::string_view path, bool uses_credentials = false) const;
  /// The same for a rendered request, and its headers: none that the host owns or that change the method.
  [[nodiscard]] Result<void> allow(std::string_view endpoint, const RenderedRequest& request) const;
  /// `opcode`: 1 text, 2 binary; binary frames are refused where frames are checked.
  [[nodiscard]] Result<void> allow_frame(std::string_view endpoint, const RenderedFrame& frame,
                                         unsigned opcode = 1) const;
  /// The whole URL an OPEN leads to. Scheme, host, port and path must be the endpoint's or match `hosts`.
  [[nodiscard]] Result<void> allow_url(std::string_view endpoint, std::string_view url) const;
  /// An OPEN as a whole: its URL, its headers, and whether credentials may go to that endpoint.
  [[nodiscard]] Result<void> allow_open(std::string_view endpoint, std::string_view url,
                                        const RenderedRequest& rendered) const;
  /// The endpoint's URL, overridden or from the manifest; with `target`, its path and query replaced.
  [[nodiscard]] Result<std::string> url(std::string_view endpoint, std::string_view target = {}) const;

 private:
  struct Request {
    std::string endpoint, method, path;
    bool auth = false;
  };
  struct Endpoint {
    bool ws = false, auth = false;
    std::string url;       ///< in force
    std::string manifest;  ///< as the manifest has it
    std::optional<FrameRules> rules;
  };
  Result<void> read_endpoints(const nlohmann::json& manifest);
  Result<void> read_requests(const nlohmann::json& manifest);
  Result<void> read_hosts(const nlohmann::json& manifest);
  [[nodiscard]] Result<const Endpoint*> find(std::string_view id) const;

  Options options_;
  std::map<std::string, Endpoint, std::less<>> endpoints_;
  std::vector<Request> requests_;
  std::vector<std::string> hosts_;
};

}  // namespace anduin::venue
