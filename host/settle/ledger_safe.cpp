// What owners of a Safe were asked to approve, and their approvals: durable before anybody sees the one, and
// before the other is used. No money moves by these rows alone.
#include "settle/ledger_impl.hpp"

namespace anduin::settle {

Result<void> Ledger::record_safe_tx(std::uint64_t chain_id, const Address& safe, const chain::SafeTx& tx,
                                    const Hash& hash) {
  return impl_->write("safe_tx", [&] {
    bool fresh = false;
    {
      Query q(*impl_->db,
              "INSERT INTO safe_tx(hash, chain_id, safe, nonce, to_addr, calldata, operation, safe_tx_gas, created_ms) "
              "VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(hash) DO NOTHING");
      q.bind(hash, static_cast<std::int64_t>(chain_id), safe, static_cast<std::int64_t>(tx.nonce), tx.to, tx.data,
             static_cast<std::int64_t>(tx.operation), static_cast<std::int64_t>(tx.safe_tx_gas),
             impl_->clock.wall_ms());
      fresh = q.run() != 0;
    }
    if (!fresh) return;
    impl_->audit({"submitter", "safe_tx", {}, {}, "", "PRESENTED",
                  hash.to_string() + " Safe " + safe.to_string() + " nonce " + std::to_string(tx.nonce)});
  });
}

Result<void> Ledger::add_safe_signature(const Hash& hash, const Address& owner,
                                        const chain::SafeSignature& signature) {
  return impl_->write("safe_signature", [&] {
    bool fresh = false;
    {
      Query q(*impl_->db,
              "INSERT INTO safe_signature(hash, owner, signature, created_ms) VALUES(?,?,?,?) "
              "ON CONFLICT(hash, owner) DO NOTHING");
      q.bind(hash, owner, Bytes(signature.begin(), signature.end()), impl_->clock.wall_ms());
      fresh = q.run() != 0;
    }
    if (fresh)
      impl_->audit({"submitter", "safe_tx", {}, {}, "", "APPROVED", hash.to_string() + " by " + owner.to_string()});
  });
}

Result<std::vector<std::pair<Address, chain::SafeSignature>>> Ledger::safe_signatures(const Hash& hash) {
  return impl_->read([&] {
    std::vector<std::pair<Address, chain::SafeSignature>> out;
    Query q(*impl_->db, "SELECT owner, signature FROM safe_signature WHERE hash = ? ORDER BY owner");
    q.bind(hash);
    while (q.step()) {
      const Bytes bytes = q.blob(1);
      chain::SafeSignature signature{};
      if (bytes.size() != signature.size()) continue;
      std::copy(bytes.begin(), bytes.end(), signature.begin());
      out.emplace_back(q.address(0), signature);
    }
    return out;
  });
}

}  // namespace anduin::settle
