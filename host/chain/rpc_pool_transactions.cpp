// The pool's sending and its receipts: bytes to every endpoint, receipts compared by their blocks.
#include "chain/rpc_pool_ask.hpp"

namespace anduin::chain {
namespace {

/// How much an answer to a send tells; the highest is returned. That bytes can never be mined is believed
/// only when nobody says anything else, because the payload is given up for it.
int tells(SendClass c) {
  switch (c) {
    case SendClass::kAccepted: return 10;
    case SendClass::kAlreadyKnown: return 9;
    case SendClass::kNonceConsumed: return 8;
    case SendClass::kReplaceUnderpriced: return 7;
    case SendClass::kUnderpriced: return 6;
    case SendClass::kInsufficientFunds: return 5;
    case SendClass::kNonceGap: return 4;
    case SendClass::kPoolFull: return 3;
    case SendClass::kUnknown: return 2;
    case SendClass::kRevert: return 1;
    case SendClass::kPermanent: break;
  }
  return 0;
}

}  // namespace

Result<SendResult> RpcPool::send_raw(const Bytes& raw) {
  Endpoints whom;
  if (usable().empty()) return no_endpoint();
  // Also to those that lag: what they pass on may reach a builder.
  for (const auto& e : endpoints_) {
    if (e->usable()) whom.push_back(e.get());
  }
  const auto has_it = [](const std::optional<Result<SendResult>>& a) {
    return a && *a && tells((*a)->what) >= tells(SendClass::kAlreadyKnown);
  };
  const auto answers = Round<SendResult>::ask(
      whom, [raw](RpcEndpoint& e) { return e.ask<SendResult>([&](Node& n) { return n.send_raw(raw); }); },
      [&](const Round<SendResult>::Answers& a) { return std::any_of(a.begin(), a.end(), has_it); });
  std::optional<SendResult> best;
  std::optional<Error> lost;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    if (!*answers[i]) {
      lost = answers[i]->error();
      continue;
    }
    SendResult one = **answers[i];
    if (whom.size() > 1 && !one.message.empty()) one.message = whom[i]->name() + ": " + one.message;
    if (!best || tells(one.what) > tells(best->what)) best = std::move(one);
  }
  // An endpoint whose answer was lost may hold the bytes: then no refusal of others is the last word.
  if (lost && (!best || tells(best->what) < tells(SendClass::kUnknown))) return *lost;
  return *best;
}

Result<std::optional<Receipt>> RpcPool::receipt(const Hash& transaction) {
  auto all = receipts(std::span(&transaction, 1));
  if (!all) return all.error();
  return std::move(all->front());
}

Result<std::vector<std::optional<Receipt>>> RpcPool::receipts(std::span<const Hash> transactions) {
  using Answer = std::vector<std::optional<Receipt>>;
  const Endpoints whom = usable();
  if (whom.empty()) return no_endpoint();
  const std::size_t need = std::min(kAgreeMin, whom.size());
  const std::vector<Hash> asked(transactions.begin(), transactions.end());
  Endpoints by;
  std::vector<Answer> got;
  Error last = no_endpoint();
  for (std::size_t next = 0; next < whom.size() && got.size() < need;) {
    const std::size_t count = std::min(need - got.size(), whom.size() - next);
    const Endpoints part(whom.begin() + static_cast<std::ptrdiff_t>(next),
                         whom.begin() + static_cast<std::ptrdiff_t>(next + count));
    next += count;
    auto answers = Round<Answer>::ask(part, [asked, floor = head_floor_](RpcEndpoint& e) -> Result<Answer> {
      if (auto there = e.reach(floor); !there) return there.error();
      return e.ask<Answer>([&](Node& n) { return n.receipts(asked); });
    });
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (!*answers[i]) {
        last = answers[i]->error();
        continue;
      }
      got.push_back(std::move(**answers[i]));
      by.push_back(part[i]);
    }
  }
  if (got.size() < need) return last;
  if (need == 1) return std::move(got.front());
  Answer out;
  for (std::size_t h = 0; h < asked.size(); ++h) {
    std::vector<std::optional<Receipt>> shown;
    for (auto& answer : got) shown.push_back(std::move(answer[h]));
    auto merged = merge(asked[h], by, shown);
    if (!merged) return merged.error();
    out.push_back(std::move(*merged));
  }
  return out;
}

/// The receipt whose block two endpoints hold, if there is one; else one of another block or above the head (a
/// preconfirmation), so that the asker, who compares blocks, takes it neither for a receipt nor for none.
Result<std::optional<Receipt>> RpcPool::merge(const Hash& transaction, const Endpoints& by,
                                              const std::vector<std::optional<Receipt>>& shown) {
  std::optional<Receipt> other;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (!shown[i]) continue;
    if (shown[i]->block_number > head_floor_) {
      if (!other) other = shown[i];
      continue;
    }
    const auto there = numbered(shown[i]->block_number);
    if (!there) return there.error();
    if (*there && (*there)->hash == shown[i]->block_hash) {
      by[i]->truthful();
      return shown[i];
    }
    by[i]->untrue("its receipt of " + transaction.to_string() + " is in a block that is not in the chain");
    other = shown[i];
  }
  return other;
}

}  // namespace anduin::chain
