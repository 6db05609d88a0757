#include "settle/chain_support.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace anduin::settle::test {

namespace {

const bool kQuiet = [] {
  spdlog::set_level(spdlog::level::off);
  return true;
}();

}  // namespace

std::pair<std::string, std::string> Bench::show(const std::string& id) {
  const auto row = *reader(dir)->show(id);
  return {row["state"].get<std::string>(), row["reason"].get<std::string>()};
}

}  // namespace anduin::settle::test
