// The currency in which each contract pays: no row of a position says it, the catalogue does. Rows wait here until it
// is known. Pure state; one instance's thread.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::mexc {

class Contracts {
 public:
  /// The settlement currency; empty = not asked yet, or not in the catalogue.
  [[nodiscard]] std::string_view settle_coin(const std::string& symbol) const;
  /// Whether the catalogue was asked for it, with or without an answer.
  [[nodiscard]] bool is_asked(const std::string& symbol) const {
    return known_.contains(symbol) || missing_.contains(symbol);
  }
  /// `data` of the answer for one contract: an object, or a list with it. BadFrame: it is another one.
  void take(const std::string& symbol, const json::View& data);
  /// The catalogue does not have it now. It may be listed again.
  void not_listed(const std::string& symbol) { missing_.insert(symbol); }
  void forget_missing() { missing_.clear(); }

 private:
  std::map<std::string, std::string> known_;
  std::set<std::string> missing_;
};

}  // namespace anduin::mexc
