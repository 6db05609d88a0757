// JSON-RPC over HTTP POST with keep-alive. Thread: one caller at a time, blocks up to the call's timeout.
// Errors, names and logs show scheme, host and port only: vendors put their API key into the path.
#pragma once
#include <memory>

#include "chain/json_rpc_node.hpp"

namespace anduin::net {
class TlsContext;
}

namespace anduin::chain {

class HttpTransport final : public RpcTransport {
 public:
  /// `url` is http or https; kBadRequest otherwise. `tls` nothing = the system's CAs.
  static Result<std::unique_ptr<HttpTransport>> create(const std::string& url,
                                                       std::shared_ptr<net::TlsContext> tls = nullptr);
  ~HttpTransport() override;
  Result<std::string> post(const std::string& body, int timeout_ms) override;
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  struct Impl;
  HttpTransport(std::unique_ptr<Impl> impl, std::string name);
  std::unique_ptr<Impl> impl_;
  std::string name_;
};

}  // namespace anduin::chain
