// A plugin that is wrong is refused before any of its code runs, in words that say what to do.
#include "plugin/library.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

#include "plugin/elf.hpp"
#include "plugin/instance.hpp"
#include "support/result.hpp"

using namespace anduin;
using namespace anduin::plugin;

namespace {

std::string bad(const std::string& name) { return std::string(BAD_PLUGINS) + "/" + name + ".so"; }

Bytes bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

struct Records final : RecordSink {
  std::size_t count = 0;
  void on_record(const and_rec&) override { ++count; }
};

std::int32_t one_step(Instance& instance) {
  and_in in{};
  in.size = sizeof in;
  in.kind = AND_IN_START;
  const and_in* const p = &in;
  return instance.step({&p, 1});
}

}  // namespace

TEST_CASE("library: each kind of wrong plugin gets a clear refusal") {
  const auto [file, words] = GENERATE(table<const char*, const char*>({
      {"second_symbol", "exports a second symbol, 'another_symbol'"},
      {"other_major", "ABI major 2; this host speaks major 1"},
      {"opens_socket", "imports 'socket'"},
      {"no_manifest", "no .anduin section"},
      {"newer_minor", "needs a host with ABI 1.9"}}));
  const auto refused = Library::load(bad(file));
  REQUIRE_FALSE(refused);
  INFO(refused.error().to_string());
  CHECK(refused.error().text.find(words) != std::string::npos);
  CHECK(refused.error().where == bad(file));
}

TEST_CASE("library: a good plugin loads, tells its manifest, and a pin that differs is refused") {
  const auto found = inspect(bad("good"));
  REQUIRE(found);
  CHECK(found->manifest.venue_name == "Bad");
  CHECK(found->sha256.size() == 64);
  REQUIRE(Library::load(bad("good"), "sha256:" + found->sha256));
  const auto other = Library::load(bad("good"), "sha256:" + std::string(64, '0'));
  REQUIRE_FALSE(other);
  CHECK(other.error().text.find("pins") != std::string::npos);
}

TEST_CASE("library: a half-written file is refused at every length, a damaged one never crashes the reader") {
  const Bytes whole = bytes_of(bad("good"));
  REQUIRE(whole.size() > 1000);
  const std::string path = (std::filesystem::temp_directory_path() / ("anduin-half-" + std::to_string(getpid()) + ".so")).string();
  for (std::size_t n = 0; n < whole.size(); n += whole.size() / 40 + 1) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(whole.data()), static_cast<std::streamsize>(n));
    const auto refused = Library::load(path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text.find("not a complete shared object") != std::string::npos);
  }
  std::filesystem::remove(path);
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  for (int i = 0; i < 2'000; ++i) {
    Bytes hurt = whole;
    for (int k = 0; k < 4; ++k) hurt[rng() % (rng() % 2 ? hurt.size() : 4096)] = static_cast<std::uint8_t>(rng());
    static_cast<void>(read_elf(hurt, ".anduin", "damaged"));
  }
}

TEST_CASE("library: what is no plugin at all") {
  for (const char* path : {"/nonexistent/anduin-x.so", "/dev/null", "/etc/passwd", "/bin/true"}) {
    const auto refused = Library::load(path);
    INFO(path);
    CHECK_FALSE(refused);
  }
  const auto missing = find_plugin("nowhere", {"/tmp"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().text.find("/tmp/anduin-nowhere.so") != std::string::npos);
}

TEST_CASE("instance: malformed records, a flood and a fatal error stop the instance, not the host") {
  for (const char* file : {"malformed_record", "too_many_records", "fatal"}) {
    INFO(file);
    auto library = Library::load(bad(file));
    REQUIRE(library);
    Records records;
    auto instance = Instance::create(*library, "{}", records);
    REQUIRE(instance);
    one_step(**instance);
    CHECK((*instance)->poisoned());
    CHECK(one_step(**instance) == AND_E_FATAL);
    CHECK(records.count <= 10);
  }
}
