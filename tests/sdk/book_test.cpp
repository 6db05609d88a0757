#include "anduin/book.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <random>

using anduin::Decimal;
using anduin::OrderBook;

TEST_CASE("book: random levels agree with two sorted maps") {
  const char* named = std::getenv("ANDUIN_SEED");
  const std::uint64_t seed = named ? std::strtoull(named, nullptr, 10) : std::random_device{}();
  INFO("ANDUIN_SEED=" << seed);
  std::mt19937_64 rng(seed);
  OrderBook book;
  std::map<Decimal, Decimal> bids, asks;
  for (int i = 0; i < 20'000; ++i) {
    const Decimal price(static_cast<Decimal::Mantissa>(1000 + rng() % 200), -1), size(static_cast<Decimal::Mantissa>(rng() % 4), 0);
    const bool bid = rng() % 2 == 0;
    bid ? book.set_bid(price, size) : book.set_ask(price, size);
    auto& side = bid ? bids : asks;
    if (size.is_zero()) side.erase(price);
    else side[price] = size;
    REQUIRE(book.bids().size() == bids.size());
    REQUIRE(book.asks().size() == asks.size());
    if (!bids.empty()) REQUIRE(book.best_bid().price == bids.rbegin()->first);
    if (!asks.empty()) REQUIRE(book.best_ask().size == asks.begin()->second);
    const bool two = !bids.empty() && !asks.empty() && bids.rbegin()->first < asks.begin()->first;
    REQUIRE(book.two_sided() == two);
  }
  book.truncate(10);
  CHECK(book.bids().size() <= 10);
  if (!bids.empty()) CHECK(book.best_bid().price == bids.rbegin()->first);
}

TEST_CASE("book: a whole book in any order is what its levels one by one make") {
  const char* named = std::getenv("ANDUIN_SEED");
  const std::uint64_t seed = named ? std::strtoull(named, nullptr, 10) : std::random_device{}();
  INFO("ANDUIN_SEED=" << seed);
  std::mt19937_64 rng(seed);
  OrderBook whole;
  std::vector<OrderBook::Level> sides[2];
  for (int i = 0; i < 2'000; ++i) {
    OrderBook single;
    for (const bool bid : {true, false}) {
      auto& side = sides[bid ? 0 : 1];
      side.clear();
      const std::size_t levels = rng() % 6;
      for (std::size_t n = 0; n < levels; ++n)
        side.push_back({Decimal(static_cast<Decimal::Mantissa>(100 + rng() % 8), 0), Decimal(static_cast<Decimal::Mantissa>(rng() % 4), 0)});
      if (rng() % 2 == 0)  // as venues send it
        std::sort(side.begin(), side.end(), [&](const auto& a, const auto& b) { return bid ? a.price > b.price : a.price < b.price; });
      for (const auto& l : side) bid ? single.set_bid(l.price, l.size) : single.set_ask(l.price, l.size);
    }
    whole.replace(sides[0], sides[1]);
    const auto same = [](const std::vector<OrderBook::Level>& a, const std::vector<OrderBook::Level>& b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                        [](const auto& x, const auto& y) { return x.price == y.price && x.size == y.size; });
    };
    REQUIRE(same(whole.bids(), single.bids()));
    REQUIRE(same(whole.asks(), single.asks()));
  }
}

TEST_CASE("book: a side as venues write it, and what is none") {
  const auto read = [](std::string text) {
    const std::size_t size = text.size();
    text.append(anduin::json::kPadding, '\0');
    anduin::json::Reader reader(text.data(), size);
    std::vector<OrderBook::Level> levels;
    anduin::read_levels(reader, levels);
    return levels;
  };
  const auto levels = read(R"([["1.5","2"],[1.25,0,"0","4"]])");
  REQUIRE(levels.size() == 2);
  CHECK(levels[0].price == Decimal::of("1.5"));
  CHECK(levels[0].size == Decimal::of("2"));
  CHECK(levels[1].price == Decimal::of("1.25"));
  CHECK(levels[1].size.is_zero());
  CHECK(read("null").empty());
  CHECK(read("[]").empty());
  for (const char* bad : {R"([["1"]])", R"([["0","1"]])", R"([["-1","1"]])", R"([["1","-1"]])", R"([["x","1"]])", "[1]", "[[]]"})
    CHECK_THROWS(read(bad));
}
