// Real texts with bytes changed, cut and doubled, thrown at an instance that must stay alive. One thread.
#pragma once
#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "plugins/support/plugin_bench.hpp"
#include "support/seed.hpp"

namespace anduin::test {

class Hostile {
 public:
  /// More texts: the member `text` of each line of a recording.
  void add_recording(const std::filesystem::path& file) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) texts.push_back(nlohmann::json::parse(line).at("text"));
  }
  std::vector<std::string> texts;
  const std::uint64_t seed = fresh_seed();

  [[nodiscard]] std::string next() { return mutated(texts[random_() % texts.size()]); }
  static bool lives(int code) { return code == AND_OK || code == AND_E_PROTOCOL || code == AND_E_AUTH; }

  /// Frames in turn on the first so many connections, time between them, now and then an answer.
  void frames(PluginBench& b, int rounds, std::uint32_t connections = 1) {
    for (int i = 0; i < rounds; ++i) {
      REQUIRE(lives(b.frame(1 + static_cast<std::uint32_t>(i) % connections, next())));
      if (i % 100 == 0 && !b.open.empty()) REQUIRE(lives(b.answer(SentRequest(b.open[0]), next())));
      if (i % 64 == 0) b.advance(10'000);
    }
  }
  /// Frames and answers in turn.
  void frames_and_answers(PluginBench& b, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      if (i % 2 == 0 || b.open.empty())
        REQUIRE(lives(b.frame(1, next())));
      else
        REQUIRE(lives(b.answer(SentRequest(b.open[random_() % b.open.size()]), next())));
      if (i % 16 == 0) b.advance(10'000);
    }
  }

 private:
  std::string mutated(std::string text) {
    static constexpr std::string_view kAlphabet = "{}[]\",:\\0123456789-+.eEtfn \n\x01\xff";
    for (std::uint64_t n = random_() % 4 + 1; n > 0 && !text.empty(); --n) {
      const std::size_t at = random_() % text.size();
      switch (random_() % 5) {
        case 0: text[at] = kAlphabet[random_() % kAlphabet.size()]; break;
        case 1: text.erase(at, random_() % 8 + 1); break;
        case 2: text.insert(at, 1, kAlphabet[random_() % kAlphabet.size()]); break;
        case 3: text.insert(at, text.substr(random_() % text.size(), random_() % 40)); break;
        default: text.resize(at); break;
      }
    }
    return text;
  }

  std::mt19937_64 random_{seed};
};

}  // namespace anduin::test
