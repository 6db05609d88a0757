#include "simulation/judge.hpp"

#include <algorithm>

#include "simulation/world.hpp"

namespace anduin::simulation {
namespace {

using settle::State;
using Effects = std::map<chain::Hash, std::vector<chain::VaultEvent>>;
using Integer = boost::multiprecision::cpp_int;

bool settled(State s) { return s == State::kSettled || s == State::kAlreadySettled; }

std::string judge_close(const Expected& e, const std::vector<chain::VaultEvent>& seen, const Book& book) {
  const bool wanted = e.item.amount != 0 && (!e.held || e.approve);
  const std::size_t count = seen.size();
  if (count > 1) return "settled " + std::to_string(count) + " times";
  const auto row = book.find(e.item.ref_id);
  if (count == 0) {
    if (wanted) return "lost";
    return row == book.end() ? "lost: not in the ledger" : "";
  }
  if (!wanted) return "settled 1 times, and nobody wanted it";
  const chain::VaultEvent& event = seen.front();
  const bool rival = std::find(e.wrong.begin(), e.wrong.end(), event.requested) != e.wrong.end();
  if (event.user != e.item.user || event.credit != (e.item.action == chain::Action::kCredit) ||
      (event.requested != e.item.amount && !rival)) {
    return "settled with another amount or user";
  }
  if (row == book.end()) return "lost: not in the ledger";
  if (!rival && !settled(row->second.state)) {
    return std::string("stuck: in the vault, and in the ledger ") + settle::to_string(row->second.state);
  }
  if (rival && row->second.state != State::kConflict) {
    return std::string("a rival's other amount is ") + settle::to_string(row->second.state);
  }
  return {};
}

std::string check_sums(const Effects& effects, const Book& book, const std::filesystem::path& ledger) {
  Integer sum = 0;
  for (const auto& [ref, row] : book) {
    const auto it = effects.find(ref);
    if (!settled(row.state)) continue;
    if (it == effects.end()) return row.position_id + " is settled in the ledger and not in the vault: lost";
    for (const auto& e : it->second) {
      if (e.credit) sum += Integer(e.moved);
      else sum -= Integer(e.moved);
    }
  }
  auto reader = settle::LedgerReader::open(ledger);
  if (!reader) return reader.error().to_string();
  const auto books = (*reader)->sums();
  if (!books) return books.error().to_string();
  if (books->ledger_sum != sum.str()) return "books: ledger " + books->ledger_sum + ", chain " + sum.str();
  return {};
}

}  // namespace

bool is_over(State state) {
  return settled(state) || state == State::kNoAction || state == State::kRejected || state == State::kConflict ||
         state == State::kBeforeActivation || state == State::kDryRun;
}

std::string judge(const std::vector<Expected>& closes, const std::vector<chain::VaultEvent>& events,
                  const std::filesystem::path& ledger) {
  Effects effects;
  for (const auto& event : events) effects[event.ref_id].push_back(event);
  const Book book = read_book(ledger);
  for (const Expected& e : closes) {
    const auto it = effects.find(e.item.ref_id);
    const std::string wrong =
        judge_close(e, it == effects.end() ? std::vector<chain::VaultEvent>{} : it->second, book);
    if (!wrong.empty()) return e.close.id + ": " + wrong;
  }
  for (const auto& [ref, row] : book) {
    if (!is_over(row.state)) return row.position_id + ": stuck, " + settle::to_string(row.state);
  }
  if (auto wrong = check_sums(effects, book, ledger); !wrong.empty()) return wrong;
  return check_trail(ledger);
}

void Counts::add(const Counts& o) {
  static constexpr std::uint64_t Counts::* kAll[] = {
      &Counts::closes, &Counts::crashes, &Counts::reorgs, &Counts::drops, &Counts::foreign, &Counts::rivals,
      &Counts::wrong_rivals, &Counts::duplicates, &Counts::corrections, &Counts::held, &Counts::decisions,
      &Counts::pauses, &Counts::poison, &Counts::rotating, &Counts::rpc_errors, &Counts::lost_replies,
      &Counts::stale_receipts, &Counts::meanwhile, &Counts::lost_slots, &Counts::bumps, &Counts::slots,
      &Counts::batches, &Counts::rounds};
  static_assert(std::size(kAll) * sizeof(std::uint64_t) == sizeof(Counts));
  for (const auto member : kAll) this->*member += o.*member;
}

std::string Counts::to_string() const {
  const auto n = [](std::uint64_t v, const char* what) { return std::to_string(v) + " " + what; };
  return n(closes, "closes (") + n(held, "held, ") + n(poison, "poison), ") + n(slots, "slots (") +
         n(batches, "batches, ") + n(lost_slots, "lost, ") + n(bumps, "bumps); faults: ") + n(crashes, "crashes, ") +
         n(reorgs, "reorgs, ") + n(drops, "drops, ") + n(foreign, "foreign uses of the key, ") +
         n(rivals, "rival settlements (") + n(wrong_rivals, "with another amount), ") +
         n(duplicates, "repeated closes, ") + n(corrections, "changed closes, ") + n(rpc_errors, "lost questions, ") +
         n(lost_replies, "lost answers, ") + n(stale_receipts, "stale receipts, ") + n(pauses, "pauses, ") +
         n(decisions, "decisions of an operator, ") + n(meanwhile, "events in the middle of a call, ") +
         n(rotating, "runs with a rotating key");
}

}  // namespace anduin::simulation
