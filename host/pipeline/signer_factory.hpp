// From a `signer:` block to somebody who can sign. Thread: the caller's; a file is read and a key derived,
// which takes a second for a usual keystore. Clock and random outlive what is made.
#pragma once
#include <memory>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "chain/signer.hpp"
#include "pipeline/settings.hpp"

namespace anduin::pipeline {

/// `where` ("vault main") begins every message. Nobody is asked yet: TransactionSigner::verify() does that.
/// kBadRequest, kAuth (a wrong password): the block cannot be used as it stands.
Result<std::unique_ptr<chain::TransactionSigner>> make_signer(const SignerSettings& settings,
                                                              const std::string& where, Clock& clock,
                                                              Random& random);

/// A small file with a secret in it, read whole; a warning in the log when others than its owner may read it.
/// kBadRequest when it cannot be read or is larger than `bytes_max`.
Result<std::string> read_private_file(const std::filesystem::path& file, std::size_t bytes_max);

}  // namespace anduin::pipeline
