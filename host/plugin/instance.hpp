// One running instance of a plugin: the C table behind a C++ face, with every record checked before anybody reads it.
// Thread: one caller at a time. Lifetime: keeps its Library alive; records are valid during on_record only.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "anduin/decimal.hpp"
#include "anduin/plugin.h"
#include "base/error.hpp"
#include "plugin/library.hpp"

namespace anduin::plugin {

/// Receives the records of a step, on the caller's thread.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void on_record(const and_rec& record) = 0;
};

/// A text of a record; the instance has checked that it lies inside.
[[nodiscard]] inline std::string_view text_of(const and_rec& record, const and_ref& ref) {
  return {reinterpret_cast<const char*>(&record) + ref.off, ref.len};
}
/// The decimal; zero when absent.
[[nodiscard]] inline Decimal decimal_or_zero(const and_dec& d) {
  if (d.flags & AND_DEC_ABSENT) return {};
  const auto wide = static_cast<Decimal::Unsigned>(static_cast<std::uint64_t>(d.hi)) << 64U | d.lo;
  return {static_cast<Decimal::Mantissa>(wide), d.exp10};
}
/// The decimal; nothing when absent. INEXACT counts as absent-with-error: see is_inexact.
[[nodiscard]] inline std::optional<Decimal> decimal_of(const and_dec& d) {
  if (d.flags & AND_DEC_ABSENT) return std::nullopt;
  return decimal_or_zero(d);
}

class Instance {
 public:
  /// config_json: {"instance":"public"|"account","options":{..}}. Errors carry the plugin's own words.
  static Result<std::unique_ptr<Instance>> create(std::shared_ptr<const Library> library, const std::string& config_json,
                                                  RecordSink& sink);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// Feeds inputs in order. AND_OK or an AND_E_* code; after AND_E_FATAL or AND_E_LIMIT the instance is poisoned
  /// and every further step answers AND_E_FATAL.
  std::int32_t step(std::span<const and_in* const> inputs);
  [[nodiscard]] bool poisoned() const { return poisoned_; }
  [[nodiscard]] const Library& library() const { return *library_; }
  /// Why a record was refused, for the log; empty = none was.
  [[nodiscard]] const std::string& misbehaviour() const { return misbehaviour_; }

 private:
  Instance(std::shared_ptr<const Library> library, RecordSink& sink);
  static std::int32_t emit(void* ctx, const and_rec* record);
  std::int32_t take(const and_rec* record);

  std::shared_ptr<const Library> library_;
  RecordSink* sink_;
  and_host_v1 host_{};
  void* inst_ = nullptr;
  bool inside_ = false;
  bool poisoned_ = false;
  std::uint64_t records_left_ = 0;
  std::string misbehaviour_;
  std::string create_error_;
};

}  // namespace anduin::plugin
