// What a key may do decides whether it is used: the verdict of every probe answer in vectors/keys.json.
#include "venue/key_policy.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <map>

#include "anduin/plugin.h"
#include "support/shared.hpp"

namespace {

using namespace anduin::venue;
using nlohmann::json;

constexpr std::int64_t kNow = 1'767'225'600'000;
constexpr std::int64_t kDay = 86'400'000;

std::uint32_t tri(const json& value) {
  return value.is_null() ? AND_TRI_UNKNOWN : value.get<bool>() ? AND_TRI_YES : AND_TRI_NO;
}

AccountReport info_of(const json& expect) {
  AccountReport out;
  if (expect.at("uid").is_string()) out.uid = expect.at("uid").get<std::string>();
  out.can_trade = tri(expect.at("can_trade"));
  out.can_withdraw = tri(expect.at("can_withdraw"));
  out.can_transfer = tri(expect.at("can_transfer"));
  out.ip_bound = tri(expect.at("ip_bound"));
  out.sub_account = tri(expect.at("sub_account"));
  return out;
}

AccountReport reader() {
  AccountReport out;
  out.uid = "1";
  out.can_trade = out.can_withdraw = out.can_transfer = AND_TRI_NO;
  out.ip_bound = AND_TRI_YES;
  return out;
}

}  // namespace

TEST_CASE("every probe answer gets its verdict") {
  ANDUIN_NEED_SHARED();
  const json file = anduin::test::shared_json("vectors/keys.json");
  std::map<std::string, int> seen;
  for (const json& row : file.at("keys")) {
    const json& expect = row.at("expect");
    const std::string verdict = expect.at("verdict");
    INFO(row.at("venue") << " " << row.at("name"));
    ++seen[verdict];
    const KeyJudgement judged = judge_key(info_of(expect), false, kNow);
    if (verdict == "fatal") {
      // The venue refused the key: no rights are reported, the plugin says AND_E_AUTH.
      CHECK(judge_auth_error("code").verdict == KeyVerdict::kFatal);
      CHECK(judge_auth_error("code").refused());
      CHECK(judged.verdict == KeyVerdict::kWarnUnknown);
    } else if (verdict == "switch_dialect") {
      // The plugin asks again in the other dialect; should it report this answer, nothing is known.
      CHECK(judged.verdict == KeyVerdict::kWarnUnknown);
    } else {
      CHECK(std::string(to_string(judged.verdict)) == verdict);
    }
    CHECK_FALSE(judged.sentence.empty());
    CHECK((judged.warnings.size() == (expect.at("ip_bound") == json(false) ? 1U : 0U)));
  }
  CHECK((seen["fatal"] + seen["switch_dialect"] + seen["ok"] + seen["warn_unknown"] + seen["refuse_trade"] +
             seen["refuse_withdraw"] ==
         51));
}

TEST_CASE("allow_trading_key opens trade and transfer, never withdraw") {
  AccountReport info = reader();
  info.can_trade = AND_TRI_YES;
  CHECK(judge_key(info, false, kNow).verdict == KeyVerdict::kRefuseTrade);
  CHECK(judge_key(info, true, kNow).verdict == KeyVerdict::kOk);
  info.can_trade = AND_TRI_NO;
  info.can_transfer = AND_TRI_YES;
  CHECK(judge_key(info, false, kNow).verdict == KeyVerdict::kRefuseTrade);
  CHECK(judge_key(info, false, kNow).sentence.find("move funds") != std::string::npos);
  CHECK(judge_key(info, true, kNow).verdict == KeyVerdict::kOk);
  info.can_withdraw = AND_TRI_UNKNOWN;
  CHECK(judge_key(info, true, kNow).verdict == KeyVerdict::kWarnUnknown);
  CHECK(judge_key(info, false, kNow).verdict == KeyVerdict::kRefuseTrade);
  info.can_withdraw = AND_TRI_YES;
  CHECK(judge_key(info, true, kNow).verdict == KeyVerdict::kRefuseWithdraw);
}

TEST_CASE("unknown is its own verdict, never cannot, numbers nobody defined are unknown") {
  AccountReport info = reader();
  info.can_withdraw = AND_TRI_UNKNOWN;
  CHECK(judge_key(info, false, kNow).verdict == KeyVerdict::kWarnUnknown);
  CHECK_FALSE(judge_key(info, false, kNow).refused());
  info.can_withdraw = 77;
  CHECK(judge_key(info, false, kNow).verdict == KeyVerdict::kWarnUnknown);
  CHECK(judge_key(reader(), false, kNow).verdict == KeyVerdict::kOk);
  AccountReport sub = reader();
  sub.sub_account = AND_TRI_YES;
  CHECK(judge_key(sub, false, kNow).verdict == KeyVerdict::kOk);
}

TEST_CASE("expiry is announced at 14, 7, 3 and 1 days") {
  CHECK_FALSE(expiry_warning_days(0, kNow).has_value());
  CHECK_FALSE(expiry_warning_days(kNow + 14 * kDay + 1, kNow).has_value());
  CHECK(expiry_warning_days(kNow + 14 * kDay, kNow) == 14);
  CHECK(expiry_warning_days(kNow + 8 * kDay, kNow) == 14);
  CHECK(expiry_warning_days(kNow + 7 * kDay, kNow) == 7);
  CHECK(expiry_warning_days(kNow + 3 * kDay, kNow) == 3);
  CHECK(expiry_warning_days(kNow + kDay, kNow) == 1);
  CHECK(expiry_warning_days(kNow + 1, kNow) == 1);
  CHECK(expiry_warning_days(kNow, kNow) == 0);
  AccountReport info = reader();
  info.expires_ms = kNow + 2 * kDay;
  CHECK(judge_key(info, false, kNow).warnings.at(0).find("within 3 days") != std::string::npos);
  info.expires_ms = kNow - 1;
  CHECK(judge_key(info, false, kNow).warnings.at(0).find("has expired") != std::string::npos);
}
