#include "lifetimes.hpp"

namespace anduin::okx {

Lifetimes::News Lifetimes::take(const json::View& row, std::int64_t now_ms) {
  const auto [position, opened, amount] = row.get<"posId", "cTime", "pos">();
  if (position.str().empty() || opened.str().empty()) throw BadFrame("a position without posId or cTime");
  const Decimal pos = amount.dec();
  const std::string id = position.text(), time = opened.text();
  News news;
  const auto known = open_.find(id);
  if (known != open_.end() &&
      (known->second.opened != time || (!pos.is_zero() && known->second.minus != (pos.sign() < 0))))
    news.ended.push_back({id, known->second.opened});
  if (pos.is_zero()) {
    if (news.ended.empty() || news.ended.front().opened != time) news.ended.push_back({id, time});
    open_.erase(id);
    return news;
  }
  if (news.ended.empty() || news.ended.front().opened != time) news.alive = Ended{id, time};
  open_[id] = {time, pos.sign() < 0, now_ms};
  return news;
}

std::vector<Lifetimes::Ended> Lifetimes::silent(std::int64_t now_ms) {
  std::vector<Ended> out;
  for (auto it = open_.begin(); it != open_.end();) {
    if (now_ms - it->second.heard_ms < kSilentMs) {
      ++it;
      continue;
    }
    out.push_back({it->first, it->second.opened});
    it = open_.erase(it);
  }
  return out;
}

void Lifetimes::start_over(std::int64_t now_ms) {
  for (auto& [id, position] : open_) position.heard_ms = now_ms;
}

}  // namespace anduin::okx
