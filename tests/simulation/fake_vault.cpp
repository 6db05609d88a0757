#include "simulation/fake_vault.hpp"

#include <algorithm>
#include <cstring>

namespace anduin::simulation {
namespace {

constexpr std::size_t kWord = 32, kSelector = 4, kItemWords = 4;
/// Gas of the reference vault, rounded up: one call, and what a batch needs at all and per item.
constexpr std::uint64_t kGasSingle = 61'000, kGasBatch = 30'000, kGasItem = 34'000, kGasTransfer = 21'000;

std::uint32_t selector_of(std::string_view signature) {
  const Hash h = chain::keccak256(signature);
  return static_cast<std::uint32_t>(h.bytes[0]) << 24U | static_cast<std::uint32_t>(h.bytes[1]) << 16U |
         static_cast<std::uint32_t>(h.bytes[2]) << 8U | h.bytes[3];
}

U256 number_at(const Bytes& data, std::size_t at) {
  return chain::from_big_endian(std::span<const std::uint8_t>(data).subspan(at, kWord));
}

/// A number that must fit: lengths, offsets, actions.
std::uint64_t small_at(const Bytes& data, std::size_t at) {
  const U256 n = number_at(data, at);
  return n > 1'000'000 ? ~std::uint64_t{0} : n.convert_to<std::uint64_t>();
}

Hash hash_at(const Bytes& data, std::size_t at) {
  Hash out;
  std::memcpy(out.bytes.data(), data.data() + at, kWord);
  return out;
}

Address address_at(const Bytes& data, std::size_t at) {
  Address out;
  std::memcpy(out.bytes.data(), data.data() + at + 12, out.bytes.size());
  return out;
}

Hash padded(const Address& a) {
  Hash out;
  std::memcpy(out.bytes.data() + 12, a.bytes.data(), a.bytes.size());
  return out;
}

void add_word(Bytes& out, const U256& value) {
  const auto word = chain::to_word(value);
  out.insert(out.end(), word.begin(), word.end());
}

Bytes error_data(std::uint32_t selector) {
  return {static_cast<std::uint8_t>(selector >> 24U), static_cast<std::uint8_t>(selector >> 16U),
          static_cast<std::uint8_t>(selector >> 8U), static_cast<std::uint8_t>(selector)};
}

std::optional<VaultCall> parse_batch(const Bytes& data, VaultCall::Kind kind) {
  // One dynamic array of static tuples: offset, count, items.
  if (data.size() < kSelector + 2 * kWord || small_at(data, kSelector) != kWord) return std::nullopt;
  const std::uint64_t count = small_at(data, kSelector + kWord);
  const std::size_t begin = kSelector + 2 * kWord;
  if (count > data.size() || data.size() != begin + count * kItemWords * kWord) return std::nullopt;
  VaultCall out{kind, {}};
  for (std::size_t at = begin; at < data.size(); at += kItemWords * kWord) {
    const std::uint64_t action = small_at(data, at);
    if (action > 2) return std::nullopt;
    out.items.push_back({static_cast<std::uint8_t>(action), address_at(data, at + kWord),
                         number_at(data, at + 2 * kWord), hash_at(data, at + 3 * kWord)});
  }
  return out;
}

}  // namespace

std::optional<VaultCall> parse_vault_call(const Bytes& data) {
  static const std::uint32_t kBatch = selector_of("batchSettle((uint8,address,uint256,bytes32)[])"),
                             kTryBatch = selector_of("tryBatchSettle((uint8,address,uint256,bytes32)[])");
  if (data.size() < kSelector) return std::nullopt;
  const std::uint32_t selector = static_cast<std::uint32_t>(data[0]) << 24U |
                                 static_cast<std::uint32_t>(data[1]) << 16U |
                                 static_cast<std::uint32_t>(data[2]) << 8U | data[3];
  if (selector == kBatch) return parse_batch(data, VaultCall::Kind::kBatch);
  if (selector == kTryBatch) return parse_batch(data, VaultCall::Kind::kTryBatch);
  if (selector == 0x0f2c61e5 && data.size() == kSelector + kWord) {  // usedRefIds(bytes32)
    return VaultCall{VaultCall::Kind::kUsed, {{0, {}, 0, hash_at(data, kSelector)}}};
  }
  // creditPnl, seizeCollateral, seizeCollateralCapped
  constexpr std::uint32_t kSingles[] = {0x247c55b2, 0xc6dade2f, 0x454db17e};
  const auto* found = std::find(std::begin(kSingles), std::end(kSingles), selector);
  if (found == std::end(kSingles) || data.size() != kSelector + 3 * kWord) return std::nullopt;
  return VaultCall{VaultCall::Kind::kSingle,
                   {{static_cast<std::uint8_t>(found - std::begin(kSingles)), address_at(data, kSelector),
                     number_at(data, kSelector + kWord), hash_at(data, kSelector + 2 * kWord)}}};
}

Bytes FakeVault::insufficient_collateral(const Address& user, const U256& available, const U256& requested) {
  Bytes out = error_data(selector_of("InsufficientCollateral(address,uint256,uint256)"));
  const Hash who = padded(user);
  out.insert(out.end(), who.bytes.begin(), who.bytes.end());
  add_word(out, available);
  add_word(out, requested);
  return out;
}

bool FakeVault::used(const Hash& ref_id, std::uint64_t height) const {
  const auto it = used_at_.find(ref_id);
  return it != used_at_.end() && it->second.front() <= height;
}

void FakeVault::keep(const Outcome& outcome, std::uint64_t height) {
  for (const Hash& ref : outcome.settled) used_at_[ref].push_back(height);
}

void FakeVault::forget(std::uint64_t height) {
  for (auto it = used_at_.begin(); it != used_at_.end();) {
    std::erase_if(it->second, [height](std::uint64_t at) { return at >= height; });
    it = it->second.empty() ? used_at_.erase(it) : std::next(it);
  }
}

std::optional<Bytes> FakeVault::refusal(const VaultCall::Item& item, const Outcome& so_far,
                                        std::uint64_t height) const {
  if (item.user.is_zero()) return error_data(selector_of("ZeroUser()"));
  if (item.amount == 0) return error_data(selector_of("ZeroAmount()"));
  const bool again = std::find(so_far.settled.begin(), so_far.settled.end(), item.ref_id) != so_far.settled.end();
  if (duplicate_check_ && (again || used(item.ref_id, height))) return error_data(0xc5192771);  // DuplicateRefId()
  if (const auto it = refused_.find(item.ref_id); it != refused_.end()) return it->second;
  return std::nullopt;
}

FakeVault::Outcome FakeVault::run(const VaultCall& call, std::uint64_t height) const {
  Outcome out;
  if (call.kind == VaultCall::Kind::kUsed) return out;
  out.gas = call.kind == VaultCall::Kind::kSingle ? kGasSingle : kGasBatch + kGasItem * call.items.size();
  if (paused_) {
    out.revert = error_data(selector_of("Paused()"));
    return out;
  }
  for (const auto& item : call.items) {
    const auto why = refusal(item, out, height);
    if (!why) {
      out.logs.push_back(effect(item));
      out.settled.push_back(item.ref_id);
    } else if (call.kind == VaultCall::Kind::kTryBatch) {
      out.logs.push_back(skipped(item, *why));
    } else {
      return {why, {}, {}, kGasTransfer};
    }
  }
  return out;
}

chain::Log FakeVault::effect(const VaultCall::Item& item) const {
  static const Hash kCredited = chain::keccak256("PnlCredited(address,uint256,bytes32)"),
                    kSeized = chain::keccak256("CollateralSeized(address,uint256,uint256,bytes32)");
  chain::Log log;
  log.address = address_;
  log.topics = {item.action == 0 ? kCredited : kSeized, padded(item.user), item.ref_id};
  add_word(log.data, item.amount);
  if (item.action != 0) add_word(log.data, item.action == 2 ? std::min(item.amount, U256(kCapUnits)) : item.amount);
  return log;
}

chain::Log FakeVault::skipped(const VaultCall::Item& item, const Bytes& reason) const {
  static const Hash kSkipped = chain::keccak256("SettlementSkipped(bytes32,bytes)");
  chain::Log log;
  log.address = address_;
  log.topics = {kSkipped, item.ref_id};
  add_word(log.data, kWord);
  add_word(log.data, reason.size());
  log.data.insert(log.data.end(), reason.begin(), reason.end());
  log.data.resize((log.data.size() + kWord - 1) / kWord * kWord);
  return log;
}

}  // namespace anduin::simulation
