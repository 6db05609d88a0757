#include "chain/transaction.hpp"

#include <sstream>

#include "chain/rlp.hpp"

namespace anduin::chain {

namespace {

constexpr std::uint8_t kType2 = 0x02;
constexpr std::size_t kUnsignedFields = 9;  // chainId .. accessList
constexpr std::size_t kSignedFields = 12;   // and yParity, r, s

Error broken(const char* why) { return {ErrorKind::kProtocol, "transaction", why}; }

std::vector<rlp::Item> fields(const Transaction& t) {
  using rlp::Item;
  return {Item::integer(t.chain_id),
          Item::integer(t.nonce),
          Item::integer(t.tip),
          Item::integer(t.max_fee),
          Item::integer(t.gas_limit),
          Item::string(t.to ? Bytes(t.to->bytes.begin(), t.to->bytes.end()) : Bytes{}),
          Item::integer(t.value),
          Item::string(t.data),
          Item::list({})};
}

Bytes typed(std::vector<rlp::Item> items) {
  const Bytes body = rlp::encode(rlp::Item::list(std::move(items)));
  Bytes out;
  out.reserve(body.size() + 1);
  out.push_back(kType2);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Result<std::uint64_t> small(const rlp::Item& item) {
  const auto value = rlp::to_integer(item);
  if (!value) return value.error();
  if (*value > U256{UINT64_MAX}) return broken("a 64-bit field is larger");
  return static_cast<std::uint64_t>(*value);
}

Result<Transaction> transaction_of(const std::vector<rlp::Item>& f) {
  Transaction t;
  const auto chain_id = small(f[0]), nonce = small(f[1]), gas_limit = small(f[4]);
  const auto tip = rlp::to_integer(f[2]), max_fee = rlp::to_integer(f[3]), value = rlp::to_integer(f[6]);
  if (!chain_id || !nonce || !gas_limit || !tip || !max_fee || !value)
    return broken("a number field is no number");
  if (f[5].is_list || f[7].is_list || !f[8].is_list) return broken("a field has the wrong shape");
  if (!f[8].items.empty()) return broken("access lists are not used here");
  t.chain_id = *chain_id;
  t.nonce = *nonce;
  t.gas_limit = *gas_limit;
  t.tip = *tip;
  t.max_fee = *max_fee;
  t.value = *value;
  t.data = f[7].bytes;
  if (!f[5].bytes.empty()) {
    if (f[5].bytes.size() != 20) return broken("the receiver is no address");
    std::copy(f[5].bytes.begin(), f[5].bytes.end(), t.to.emplace().bytes.begin());
  }
  return t;
}

}  // namespace

Bytes Transaction::unsigned_bytes() const { return typed(fields(*this)); }
Hash Transaction::signing_hash() const { return keccak256(unsigned_bytes()); }

Bytes Transaction::raw(const Signature& signature) const {
  auto items = fields(*this);
  items.push_back(rlp::Item::integer(signature.y_parity));
  items.push_back(rlp::Item::integer(from_big_endian(signature.r)));
  items.push_back(rlp::Item::integer(from_big_endian(signature.s)));
  return typed(std::move(items));
}

namespace {

/// What is wrong with bytes that a signer gave back; empty when nothing is.
std::string flaw(const Transaction& asked, const Address& signer, const Result<DecodedTransaction>& back) {
  if (!back) return back.error().text;
  const Transaction& got = back->transaction;
  const auto differs = [](const char* field, const auto& a, const auto& b) {
    std::ostringstream text;
    text << "its " << field << " is " << b << " where " << a << " was asked";
    return text.str();
  };
  if (got.chain_id != asked.chain_id) return differs("chain id", asked.chain_id, got.chain_id);
  if (got.nonce != asked.nonce) return differs("nonce", asked.nonce, got.nonce);
  if (got.tip != asked.tip) return differs("tip", asked.tip, got.tip);
  if (got.max_fee != asked.max_fee) return differs("fee", asked.max_fee, got.max_fee);
  if (got.gas_limit != asked.gas_limit) return differs("gas limit", asked.gas_limit, got.gas_limit);
  if (got.value != asked.value) return differs("value", asked.value, got.value);
  if (got.to != asked.to) return "its receiver is another one than was asked";
  if (got.data != asked.data) return "its data is not what was asked";
  if (back->sender != signer) return "they are of " + back->sender.to_string();
  return {};
}

}  // namespace

Result<SignedTransaction> sign(const Transaction& transaction, TransactionSigner& signer) {
  auto raw = signer.sign_raw(transaction);
  if (!raw) return raw.error();
  // From the finished bytes, not from our variables: this is what a node will do.
  const auto back = decode_transaction(*raw);
  const std::string wrong = flaw(transaction, signer.address(), back);
  if (!wrong.empty())
    return Error{ErrorKind::kFatal, "signer " + signer.address().to_string(),
                 "gave back other bytes than it was asked for: " + wrong};
  return SignedTransaction{std::move(*raw), back->hash};
}

Result<DecodedTransaction> decode_transaction(std::span<const std::uint8_t> raw) {
  if (raw.empty() || raw[0] != kType2) return broken("not of type 2");
  const auto list = rlp::decode(raw.subspan(1));
  if (!list) return list.error();
  if (!list->is_list || list->items.size() != kSignedFields)
    return broken("not the twelve fields of a signed one");
  const auto transaction = transaction_of(list->items);
  if (!transaction) return transaction.error();
  const auto y_parity = small(list->items[kUnsignedFields]);
  const auto r = rlp::to_integer(list->items[kUnsignedFields + 1]);
  const auto s = rlp::to_integer(list->items[kUnsignedFields + 2]);
  if (!y_parity || !r || !s || *y_parity > 1) return broken("no signature");

  DecodedTransaction out{
      *transaction, {to_word(*r), to_word(*s), static_cast<std::uint8_t>(*y_parity)}, {}, {}};
  const auto sender = recover(out.transaction.signing_hash(), out.signature);
  if (!sender) return sender.error();
  out.sender = *sender;
  out.hash = keccak256(raw);
  return out;
}

Address create_address(const Address& sender, std::uint64_t nonce) {
  const Hash hash = keccak256(rlp::encode(rlp::Item::list(
      {rlp::Item::string(Bytes(sender.bytes.begin(), sender.bytes.end())), rlp::Item::integer(nonce)})));
  Address out;
  std::copy(hash.bytes.begin() + 12, hash.bytes.end(), out.bytes.begin());
  return out;
}

}  // namespace anduin::chain
