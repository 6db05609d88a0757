#include "plugin/instance.hpp"

#include <array>
#include <cstddef>

namespace anduin::plugin {
namespace {

constexpr std::size_t kRefsMax = 10;

/// Where a kind keeps its texts, and how large its first released fixed part is.
struct Shape {
  std::uint16_t fixed_min;
  std::array<std::uint16_t, kRefsMax> refs;  // offsets, 0 = end
};

#define AND_OFF(type, field) static_cast<std::uint16_t>(offsetof(type, field))
#define AND_SIZE(type) static_cast<std::uint16_t>(sizeof(type))

const Shape* shape_of(std::uint16_t kind) {
  static constexpr Shape kPlain{AND_SIZE(and_rec), {}};
  static constexpr Shape kOpen{AND_SIZE(and_rec_open), {AND_OFF(and_rec_open, endpoint), AND_OFF(and_rec_open, url),
                               AND_OFF(and_rec_open, target), AND_OFF(and_rec_open, headers)}};
  static constexpr Shape kClose{AND_SIZE(and_rec_close), {AND_OFF(and_rec_close, reason)}};
  static constexpr Shape kSend{AND_SIZE(and_rec_send), {AND_OFF(and_rec_send, payload), AND_OFF(and_rec_send, sign),
                               AND_OFF(and_rec_send, args), AND_OFF(and_rec_send, rate)}};
  static constexpr Shape kHttp{AND_SIZE(and_rec_http),
                               {AND_OFF(and_rec_http, endpoint), AND_OFF(and_rec_http, method),
                                AND_OFF(and_rec_http, target), AND_OFF(and_rec_http, headers),
                                AND_OFF(and_rec_http, body), AND_OFF(and_rec_http, sign), AND_OFF(and_rec_http, args),
                                AND_OFF(and_rec_http, rate)}};
  static constexpr Shape kTimer{AND_SIZE(and_rec_timer), {}};
  static constexpr Shape kReply{AND_SIZE(and_rec_reply), {AND_OFF(and_rec_reply, content_type), AND_OFF(and_rec_reply, body)}};
  static constexpr Shape kInstrument{AND_SIZE(and_rec_instrument),
                                     {AND_OFF(and_rec_instrument, native), AND_OFF(and_rec_instrument, base),
                                      AND_OFF(and_rec_instrument, quote), AND_OFF(and_rec_instrument, settle),
                                      AND_OFF(and_rec_instrument, market), AND_OFF(and_rec_instrument, aliases)}};
  static constexpr Shape kPrice{AND_SIZE(and_rec_price), {}};
  static constexpr Shape kClosePos{
      AND_SIZE(and_rec_close_pos),
      {AND_OFF(and_rec_close_pos, close_id), AND_OFF(and_rec_close_pos, symbol), AND_OFF(and_rec_close_pos, market),
       AND_OFF(and_rec_close_pos, currency), AND_OFF(and_rec_close_pos, fee_currency),
       AND_OFF(and_rec_close_pos, pnl_raw), AND_OFF(and_rec_close_pos, fee_raw), AND_OFF(and_rec_close_pos, hold)}};
  static constexpr Shape kWatermark{AND_SIZE(and_rec_watermark), {AND_OFF(and_rec_watermark, cursor)}};
  static constexpr Shape kBalance{AND_SIZE(and_rec_balance), {AND_OFF(and_rec_balance, currency)}};
  static constexpr Shape kStatus{AND_SIZE(and_rec_status), {AND_OFF(and_rec_status, feed), AND_OFF(and_rec_status, detail)}};
  static constexpr Shape kCoverage{AND_SIZE(and_rec_coverage), {AND_OFF(and_rec_coverage, reason)}};
  static constexpr Shape kAccount{AND_SIZE(and_rec_account), {AND_OFF(and_rec_account, uid), AND_OFF(and_rec_account, detail)}};
  static constexpr Shape kClock{AND_SIZE(and_rec_clock), {}};
  static constexpr Shape kFunding{AND_SIZE(and_rec_funding), {}};
  static constexpr Shape kRate{AND_SIZE(and_rec_rate), {AND_OFF(and_rec_rate, rate)}};
  static constexpr Shape kLog{AND_SIZE(and_rec_log), {AND_OFF(and_rec_log, text)}};
  static constexpr Shape kError{AND_SIZE(and_rec_error), {AND_OFF(and_rec_error, text), AND_OFF(and_rec_error, where)}};
  switch (kind) {
    case AND_REC_DIAL: return &kPlain;
    case AND_REC_OPEN: return &kOpen;
    case AND_REC_CLOSE: return &kClose;
    case AND_REC_SEND: return &kSend;
    case AND_REC_HTTP: return &kHttp;
    case AND_REC_TIMER: return &kTimer;
    case AND_REC_REPLY: return &kReply;
    case AND_REC_INSTRUMENT: return &kInstrument;
    case AND_REC_PRICE: return &kPrice;
    case AND_REC_CLOSE_POS: return &kClosePos;
    case AND_REC_WATERMARK: return &kWatermark;
    case AND_REC_BALANCE: return &kBalance;
    case AND_REC_STATUS: return &kStatus;
    case AND_REC_COVERAGE: return &kCoverage;
    case AND_REC_ACCOUNT: return &kAccount;
    case AND_REC_CLOCK: return &kClock;
    case AND_REC_RATE: return &kRate;
    case AND_REC_FUNDING: return &kFunding;
    case AND_REC_LOG: return &kLog;
    case AND_REC_ERROR: return &kError;
    default: return nullptr;
  }
}
#undef AND_OFF
#undef AND_SIZE

}  // namespace

Instance::Instance(std::shared_ptr<const Library> library, RecordSink& sink)
    : library_(std::move(library)), sink_(&sink),
      host_{sizeof(and_host_v1), AND_ABI_MINOR, 0, this, &Instance::emit, [](void*, const char*) -> const void* { return nullptr; }} {}

Result<std::unique_ptr<Instance>> Instance::create(std::shared_ptr<const Library> library,
                                                   const std::string& config_json, RecordSink& sink) {
  std::unique_ptr<Instance> made(new Instance(std::move(library), sink));
  std::string padded = config_json + std::string(64, '\0');
  const and_bytes config{reinterpret_cast<const std::uint8_t*>(padded.data()),
                         static_cast<std::uint32_t>(config_json.size()), static_cast<std::uint32_t>(padded.size())};
  made->inside_ = true;
  made->records_left_ = made->library_->manifest().records_per_input_max;
  const std::int32_t code = made->library_->table().create(&made->host_, config, &made->inst_);
  made->inside_ = false;
  if (code != AND_OK || !made->inst_) {
    made->inst_ = nullptr;
    return Error{ErrorKind::kBadRequest, made->library_->manifest().id,
                 "the plugin refuses its configuration: " +
                     (made->create_error_.empty() ? "code " + std::to_string(code) : made->create_error_)};
  }
  return made;
}

Instance::~Instance() {
  if (inst_) library_->table().destroy(inst_);
}

std::int32_t Instance::step(std::span<const and_in* const> inputs) {
  if (poisoned_) return AND_E_FATAL;
  inside_ = true;
  records_left_ = std::uint64_t{library_->manifest().records_per_input_max} * inputs.size();
  const std::int32_t code = library_->table().step(inst_, inputs.data(), static_cast<std::uint32_t>(inputs.size()));
  inside_ = false;
  if (code == AND_E_FATAL || code == AND_E_LIMIT || code == AND_E_NOMEM || !misbehaviour_.empty()) poisoned_ = true;
  return code;
}

std::int32_t Instance::emit(void* ctx, const and_rec* record) { return static_cast<Instance*>(ctx)->take(record); }

std::int32_t Instance::take(const and_rec* record) {
  if (!inside_) return AND_E_STATE;
  if (records_left_ == 0) {
    misbehaviour_ = "more records for one input than its manifest allows";
    return AND_E_LIMIT;
  }
  --records_left_;
  const Shape* shape = shape_of(record->kind);
  if (!shape) {  // a kind of a newer minor: counted as unknown, unless it must not be ignored
    if (record->flags & AND_REC_REQUIRED) {
      misbehaviour_ = "a required record of unknown kind " + std::to_string(record->kind) + ": upgrade the host";
      return AND_E_LIMIT;
    }
    return AND_OK;
  }
  bool sound = record->fixed >= shape->fixed_min && record->size >= record->fixed && record->size <= AND_REC_SIZE_MAX;
  for (const std::uint16_t off : shape->refs) {
    if (!sound || off == 0) break;
    and_ref ref{};
    __builtin_memcpy(&ref, reinterpret_cast<const char*>(record) + off, sizeof(ref));
    sound = ref.len == 0 || (ref.off >= record->fixed && ref.off <= record->size && ref.len <= record->size - ref.off);
  }
  if (!sound) {
    misbehaviour_ = "a malformed record of kind " + std::to_string(record->kind);
    return AND_E_LIMIT;
  }
  if (!inst_ && record->kind == AND_REC_ERROR) {  // during create: kept for the message
    const auto& e = *reinterpret_cast<const and_rec_error*>(record);
    create_error_ = std::string(text_of(*record, e.where)) + ": " + std::string(text_of(*record, e.text));
    return AND_OK;
  }
  sink_->on_record(*record);
  return AND_OK;
}

}  // namespace anduin::plugin
