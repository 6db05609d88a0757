#include "anduin/book.hpp"

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
