// Topics of one connection: batches, acknowledgements by request or topic, refusals, silence, refreshes.
#include "anduin/subscriptions.hpp"

#include <catch2/catch.hpp>

using anduin::Subscriptions;
using Topics = std::vector<std::string>;

namespace {

Subscriptions make(Subscriptions::Policy policy) { return Subscriptions(policy); }
const auto kNothing = [](const std::string&) { return false; };

}  // namespace

TEST_CASE("lessons 25: requests hold so many topics, and a refused one costs the bad topic alone") {
  Subscriptions s = make({.venue = "X", .topics_per_request = 3});
  s.add({"a", "b", "c", "d"}, 0);
  auto todo = s.open(0);
  REQUIRE(todo.requests.size() == 2);
  CHECK(todo.requests[0].topics == Topics{"a", "b", "c"});
  CHECK(todo.requests[1].topics == Topics{"d"});
  CHECK(todo.requests[0].id != todo.requests[1].id);
  // The whole batch fails: each is asked for alone.
  todo = s.answer(todo.requests[0].id, false, "bad topic", 10);
  REQUIRE(todo.requests.size() == 3);
  CHECK(todo.problems.empty());
  for (const auto& r : todo.requests) {
    const auto after = s.answer(r.id, r.topics[0] != "b", "bad topic", 20);
    CHECK(after.problems.size() == (r.topics[0] == "b" ? 1 : 0));
  }
  CHECK_FALSE(s.settled());  // "d" is open still
}

TEST_CASE("lessons 26: an acknowledgement counts for its request only") {
  Subscriptions s = make({.venue = "X", .topics_per_request = 1});
  s.add({"a", "b"}, 0);
  const auto todo = s.open(0);
  s.answer("nobody", true, "", 1);
  CHECK_FALSE(s.settled());
  s.answer(todo.requests[1].id, true, "", 1);
  CHECK_FALSE(s.settled());
  // Silence: asked once more, then reported and asked slowly.
  auto again = s.tick(10'000, kNothing);
  REQUIRE(again.requests.size() == 1);
  CHECK(again.requests[0].topics == Topics{"a"});
  CHECK(again.problems.empty());
  again = s.tick(20'000, kNothing);
  REQUIRE(again.problems.size() == 1);
  CHECK(again.problems[0].topic == "a");
  CHECK(s.tick(30'000, kNothing).requests.empty());
  CHECK(s.tick(80'000, kNothing).requests.size() == 1);
}

TEST_CASE("data is an acknowledgement, and being there already is one") {
  Subscriptions s = make({.venue = "X", .topics_per_request = 1});
  s.add({"a", "b"}, 0);
  const auto todo = s.open(0);
  CHECK(s.answer(todo.requests[0].id, false, "error: already subscribed", 1).problems.empty());
  CHECK(s.tick(10'000, [](const std::string& t) { return t == "b"; }).requests.empty());
  CHECK(s.settled());
  CHECK(s.ask_refused(11'000).requests.empty());
}

TEST_CASE("acknowledged topic by topic") {
  Subscriptions s = make({.venue = "X", .topics_per_request = 10});
  s.add({"a", "b"}, 0);
  s.open(0);
  CHECK(s.answer_topic("a", true, "").problems.empty());
  CHECK_FALSE(s.settled());
  CHECK(s.answer_topic("b", false, "does not exist").problems.size() == 1);
  CHECK(s.settled());
  // A contract that did not exist may exist later.
  const auto later = s.ask_refused(1'000);
  REQUIRE(later.requests.size() == 1);
  CHECK(later.requests[0].topics == Topics{"b"});
  CHECK(s.answer_topic("nobody asked", true, "").problems.empty());
}

TEST_CASE("lessons 24: after an opening everything that is wanted is asked for again, and nothing else") {
  Subscriptions s = make({.venue = "X", .topics_per_request = 10});
  s.add({"a", "b"}, 0);
  const auto first = s.open(0);
  s.answer(first.requests[0].id, true, "", 1);
  const auto gone = s.remove({"b"});
  REQUIRE(gone.requests.size() == 1);
  CHECK_FALSE(gone.requests[0].subscribe);
  CHECK(s.add({"a"}, 2).requests.empty());  // wanted already
  s.close();
  CHECK(s.add({"c"}, 3).requests.empty());
  const auto second = s.open(4);
  REQUIRE(second.requests.size() == 1);
  CHECK(second.requests[0].topics == Topics{"a", "c"});
}

TEST_CASE("a connection's limits come back as problems") {
  Subscriptions s = make({.venue = "X", .topics_max = 2, .characters_max = 5});
  const auto todo = s.add({"aaa", "bbbb", "c", "d"}, 0);
  REQUIRE(todo.problems.size() == 2);
  CHECK(todo.problems[0].topic == "bbbb");
  CHECK(todo.problems[1].topic == "d");
  CHECK(s.topics() == Topics{"aaa", "c"});
}

TEST_CASE("a refresh unsubscribes and subscribes") {
  Subscriptions s = make({.venue = "X"});
  CHECK(s.refresh("a", 0).requests.empty());
  s.add({"a"}, 0);
  s.open(0);
  const auto todo = s.refresh("a", 1);
  REQUIRE(todo.requests.size() == 2);
  CHECK_FALSE(todo.requests[0].subscribe);
  CHECK(todo.requests[1].subscribe);
}
