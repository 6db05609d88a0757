#include "chain/vault.hpp"

#include <algorithm>

namespace anduin::chain {

namespace {

using abi::Kind;
using abi::Value;

Error misconfigured(const std::string& setting, const std::string& why) {
  return {ErrorKind::kBadRequest, "vault abi." + setting, why};
}

std::string types_of(const abi::Signature& s) { return s.canonical().substr(s.name().size()); }

/// An optional function: nothing when the text is empty, an error when its parameters are not `types`.
Result<std::optional<abi::Signature>> function(const std::string& text, const char* setting,
                                               const char* types) {
  if (text.empty()) return std::optional<abi::Signature>();
  auto out = abi::Signature::parse(text);
  if (!out) return misconfigured(setting, out.error().to_string());
  // Other layouts exist in the world, but guessing an argument's meaning is no way to move money.
  if (types_of(*out) != types) return misconfigured(setting, text + " must take " + types);
  return std::optional(std::move(*out));
}

Result<abi::Signature> needed(const std::string& text, const char* setting, const char* types) {
  auto out = function(text, setting, types);
  if (!out) return out.error();
  if (!*out) return misconfigured(setting, "is needed");
  return std::move(**out);
}

constexpr const char* kItemTypes = "(address,uint256,bytes32)";
constexpr const char* kBatchTypes = "((uint8,address,uint256,bytes32)[])";

Value item_value(const VaultItem& item) {
  return Value(Value::List{Value(U256{static_cast<unsigned>(item.action)}), Value(item.user),
                           Value(item.amount), Value(item.ref_id)});
}

std::optional<Error> refuse(const VaultItem& item) {
  const auto bad = [&](const char* why) {
    return Error{ErrorKind::kBadRequest, "settlement " + item.ref_id.to_string(), why};
  };
  if (item.amount == 0) return bad("amount 0: there is nothing to settle");
  if (item.user.is_zero()) return bad("the zero address is nobody's account");
  if (item.ref_id.is_zero()) return bad("no refId");
  return std::nullopt;
}

/// By block; inside a block the order of the two events says nothing, since each refId has one.
bool before(const Log& a, const Log& b) { return a.block_number < b.block_number; }

}  // namespace

const char* to_string(Action a) {
  switch (a) {
    case Action::kCredit: return "credit";
    case Action::kSeize: return "seize";
    case Action::kSeizeCapped: break;
  }
  return "seize_capped";
}

const char* to_string(RevertClass c) {
  switch (c) {
    case RevertClass::kDuplicateRefId: return "DUPLICATE_REF_ID";
    case RevertClass::kInsufficientCollateral: return "INSUFFICIENT_COLLATERAL";
    case RevertClass::kInsufficientPool: return "INSUFFICIENT_POOL";
    case RevertClass::kPaused: return "PAUSED";
    case RevertClass::kMissingRole: return "MISSING_ROLE";
    case RevertClass::kBadItem: return "BAD_ITEM";
    case RevertClass::kNoData: return "NO_DATA";
    case RevertClass::kOther: break;
  }
  return "OTHER";
}

std::optional<RevertClass> parse_revert_class(std::string_view text) {
  for (auto c :
       {RevertClass::kDuplicateRefId, RevertClass::kInsufficientCollateral, RevertClass::kInsufficientPool,
        RevertClass::kPaused, RevertClass::kMissingRole, RevertClass::kBadItem, RevertClass::kOther}) {
    if (text == to_string(c)) return c;
  }
  return std::nullopt;
}

std::string VaultRevert::to_string() const {
  return std::string(chain::to_string(what)) + " (" + revert.to_string() + ")";
}

std::map<std::string, RevertClass> VaultAbi::default_errors() {
  return {{"DuplicateRefId()", RevertClass::kDuplicateRefId},
          {"InsufficientCollateral(address,uint256,uint256)", RevertClass::kInsufficientCollateral},
          {"InsufficientPool(uint256,uint256)", RevertClass::kInsufficientPool},
          {"Paused()", RevertClass::kPaused},
          {"MissingRole(address,bytes32)", RevertClass::kMissingRole},
          {"ZeroAmount()", RevertClass::kBadItem},
          {"ZeroUser()", RevertClass::kBadItem},
          {"BadAction(uint8)", RevertClass::kBadItem}};
}

Result<std::optional<Vault::Event>> Vault::make_event(const EventSpec& spec, const char* setting) {
  if (spec.signature.empty()) return std::optional<Event>();
  auto signature = abi::Signature::parse(spec.signature);
  if (!signature) return misconfigured(setting, signature.error().to_string());
  std::optional<Error> error;
  const auto find = [&](const std::string& name, const char* type) {
    const auto& all = signature->parameters();
    const auto at =
        std::find_if(all.begin(), all.end(), [&](const abi::Parameter& p) { return p.name == name; });
    if (at == all.end())
      error = misconfigured(setting, "no parameter is named \"" + name + "\"");
    else if (at->type.canonical() != type)
      error = misconfigured(setting, name + " must be of type " + type);
    return static_cast<std::size_t>(at - all.begin());
  };
  Event out;
  out.user = find(spec.user, "address");
  out.amount = find(spec.amount, "uint256");
  out.ref_id = find(spec.ref_id, "bytes32");
  if (!spec.seized.empty()) out.seized = find(spec.seized, "uint256");
  if (error) return *error;
  out.signature = std::move(*signature);
  return std::optional(std::move(out));
}

Result<Vault> Vault::create(const Address& address, const VaultAbi& abi) {
  Vault out;
  if (address.is_zero())
    return Error{ErrorKind::kBadRequest, "vault address", "the zero address is no contract"};
  out.address_ = address;
  out.token_address_ = abi.token_address;

  auto credit = function(abi.credit, "credit", kItemTypes);
  auto seize = function(abi.seize, "seize", kItemTypes);
  auto seize_capped = function(abi.seize_capped, "seize_capped", kItemTypes);
  auto token = function(abi.token, "token", "()");
  auto batch = function(abi.batch, "batch", kBatchTypes);
  auto try_batch = function(abi.try_batch, "try_batch", kBatchTypes);
  auto skipped = function(abi.skipped, "skipped", "(bytes32,bytes)");
  for (const auto* each : {&credit, &seize, &seize_capped, &token, &batch, &try_batch, &skipped})
    if (!*each) return each->error();
  auto used = needed(abi.used_ref_ids, "used_ref_ids", "(bytes32)");
  if (!used) return used.error();
  auto decimals = needed(abi.decimals, "decimals", "()");
  if (!decimals) return decimals.error();
  if (!*token && !abi.token_address)
    return misconfigured("token", "name the function or give token_address");
  auto credited = make_event(abi.credited, "credited");
  if (!credited) return credited.error();
  auto seized = make_event(abi.seized, "seized");
  if (!seized) return seized.error();

  out.credit_ = std::move(*credit);
  out.seize_ = std::move(*seize);
  out.seize_capped_ = std::move(*seize_capped);
  out.token_ = std::move(*token);
  out.batch_ = std::move(*batch);
  out.try_batch_ = std::move(*try_batch);
  out.skipped_ = std::move(*skipped);
  out.used_ref_ids_ = std::move(*used);
  out.decimals_ = std::move(*decimals);
  out.credited_ = std::move(*credited);
  out.seized_ = std::move(*seized);
  for (const auto& [text, what] : abi.errors) {
    auto signature = abi::Signature::parse(text);
    if (!signature) return misconfigured("errors", signature.error().to_string());
    out.error_classes_[signature->canonical()] = what;
    out.errors_.push_back(std::move(*signature));
  }
  return out;
}

bool Vault::can(Action action) const {
  switch (action) {
    case Action::kCredit: return credit_.has_value();
    case Action::kSeize: return seize_.has_value();
    case Action::kSeizeCapped: break;
  }
  return seize_capped_.has_value();
}

Result<Bytes> Vault::settle_call(const VaultItem& item) const {
  if (auto error = refuse(item)) return *error;
  if (!can(item.action))
    return Error{ErrorKind::kBadRequest, "vault abi",
                 std::string("no function for ") + to_string(item.action)};
  const auto& f = item.action == Action::kCredit  ? credit_
                  : item.action == Action::kSeize ? seize_
                                                  : seize_capped_;
  return f->encode_call(std::vector<Value>{Value(item.user), Value(item.amount), Value(item.ref_id)});
}

Result<Bytes> Vault::batch_call(std::span<const VaultItem> items, bool tolerant) const {
  const auto& f = tolerant ? try_batch_ : batch_;
  if (!f) return Error{ErrorKind::kBadRequest, "vault abi", "no batch function"};
  Value::List list;
  for (const VaultItem& item : items) {
    if (auto error = refuse(item)) return *error;
    list.push_back(item_value(item));
  }
  return f->encode_call(std::vector<Value>{Value(std::move(list))});
}

Bytes Vault::used_ref_ids_call(const Hash& ref_id) const {
  return *used_ref_ids_.encode_call(std::vector<Value>{Value(ref_id)});  // create() has checked the types
}

Result<std::optional<VaultEvent>> Vault::parse_event(const Log& log) const {
  if (log.address != address_ || log.topics.empty()) return std::optional<VaultEvent>();
  if (credited_ && log.topics[0] == credited_->signature.topic()) return parse_as(*credited_, true, log);
  if (seized_ && log.topics[0] == seized_->signature.topic()) return parse_as(*seized_, false, log);
  return std::optional<VaultEvent>();
}

Result<std::optional<VaultEvent>> Vault::parse_as(const Event& event, bool credit, const Log& log) const {
  const auto values = event.signature.decode_log(log.topics, log.data);
  if (!values) return values.error();
  VaultEvent out;
  out.credit = credit;
  out.user = *(*values)[event.user].get<Address>();
  out.requested = *(*values)[event.amount].get<U256>();
  out.moved = event.seized ? *(*values)[*event.seized].get<U256>() : out.requested;
  out.ref_id = *(*values)[event.ref_id].get<Hash>();
  out.block_number = log.block_number;
  out.block_hash = log.block_hash;
  out.transaction_hash = log.transaction_hash;
  return std::optional(std::move(out));
}

Result<std::optional<SkippedItem>> Vault::parse_skipped(const Log& log) const {
  if (!skipped_ || log.address != address_ || log.topics.empty() || log.topics[0] != skipped_->topic())
    return std::optional<SkippedItem>();
  const auto values = skipped_->decode_log(log.topics, log.data);
  if (!values) return values.error();
  const auto* reason = (*values)[1].get<Bytes>();
  if (!reason) return misconfigured("skipped", "the reason must not be indexed");
  return std::optional(SkippedItem{*(*values)[0].get<Hash>(), decode_revert(*reason)});
}

std::vector<LogFilter> Vault::event_filters(std::uint64_t from_block, std::uint64_t to_block,
                                            const std::optional<Hash>& ref_id) const {
  std::vector<LogFilter> out;
  for (const auto* event : {&credited_, &seized_}) {
    if (!*event) continue;
    LogFilter filter{address_, from_block, to_block, {(*event)->signature.topic()}};
    const auto& parameters = (*event)->signature.parameters();
    if (ref_id && parameters[(*event)->ref_id].indexed) {
      // Its topic stands behind those of the indexed parameters before it.
      for (std::size_t i = 0; i < (*event)->ref_id; ++i)
        if (parameters[i].indexed) filter.topics.emplace_back();
      filter.topics.emplace_back(*ref_id);
    }
    out.push_back(std::move(filter));
  }
  return out;
}

Result<std::vector<VaultEvent>> Vault::events(Node& node, std::uint64_t from_block, std::uint64_t to_block,
                                              const std::optional<Hash>& ref_id) const {
  std::vector<Log> logs;
  for (const LogFilter& filter : event_filters(from_block, to_block, ref_id)) {
    auto each = node.logs(filter);
    if (!each) return each.error();
    logs.insert(logs.end(), std::make_move_iterator(each->begin()), std::make_move_iterator(each->end()));
  }
  std::stable_sort(logs.begin(), logs.end(), before);
  std::vector<VaultEvent> out;
  for (const Log& log : logs) {
    auto event = parse_event(log);
    if (!event) return event.error();
    // Filters are the node's work; what comes back is checked here.
    const bool wanted = *event && (*event)->block_number >= from_block &&
                        (*event)->block_number <= to_block && (!ref_id || (*event)->ref_id == *ref_id);
    if (wanted) out.push_back(std::move(**event));
  }
  return out;
}

VaultRevert Vault::decode_revert(std::span<const std::uint8_t> data) const {
  VaultRevert out{RevertClass::kOther, abi::decode_revert(data, errors_)};
  if (data.empty()) {
    out.what = RevertClass::kNoData;
    return out;
  }
  for (const abi::Signature& each : errors_) {
    if (each.name() == out.revert.name && each.decode_call(data))
      out.what = error_classes_.at(each.canonical());
  }
  return out;
}

}  // namespace anduin::chain
