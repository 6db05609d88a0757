// The `signer:` and `executor:` blocks of the pipeline file: parser, schema and documentation of who signs.
// Immutable once built: any thread.
#pragma once
#include "pipeline/definition.hpp"
#include "pipeline/settings.hpp"

namespace anduin::pipeline {

inline const std::string kHttpUrlPattern = R"(https?://[^\s/?#@]+([/?#]\S*)?)";

Def<TlsClient> tls_client();
/// One backend and what belongs to it; an error at the block when there is none or more than one.
Def<SignerSettings> signer_definition();
Def<SafeSettings> executor_definition();

}  // namespace anduin::pipeline
