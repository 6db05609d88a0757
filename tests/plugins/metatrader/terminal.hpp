// A MetaTrader terminal as the Expert Advisor sees it: account, history, symbols, files, clocks, WebRequest. A script
// makes the deals; files are real ones in a folder, so that a "killed" terminal starts again from its disk.
// Thread: one. Lifetime: a value; the functions it is given outlive it.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>

#include "plugins/metatrader/mql_shim.hpp"

namespace anduin::mql {

enum ENUM_ACCOUNT_INTEGER { ACCOUNT_LOGIN, ACCOUNT_MARGIN_MODE, ACCOUNT_CURRENCY_DIGITS };
enum ENUM_ACCOUNT_STRING { ACCOUNT_SERVER, ACCOUNT_CURRENCY };
enum ENUM_ACCOUNT_DOUBLE { ACCOUNT_EQUITY, ACCOUNT_MARGIN_FREE, ACCOUNT_BALANCE, ACCOUNT_CREDIT, ACCOUNT_MARGIN };
enum ENUM_MARGIN_MODE { ACCOUNT_MARGIN_MODE_RETAIL_NETTING, ACCOUNT_MARGIN_MODE_EXCHANGE, ACCOUNT_MARGIN_MODE_RETAIL_HEDGING };
enum ENUM_TERMINAL_INTEGER { TERMINAL_CONNECTED, TERMINAL_BUILD };
enum ENUM_MQL_INTEGER { MQL_TESTER };
enum ENUM_SYMBOL_DOUBLE { SYMBOL_TRADE_CONTRACT_SIZE };
enum ENUM_SYMBOL_INTEGER { SYMBOL_DIGITS };
enum ENUM_SYMBOL_STRING { SYMBOL_CURRENCY_PROFIT };
enum ENUM_DEAL_PROPERTY_INTEGER { DEAL_TYPE, DEAL_ENTRY, DEAL_REASON, DEAL_TIME_MSC, DEAL_POSITION_ID };
enum ENUM_DEAL_PROPERTY_DOUBLE { DEAL_VOLUME, DEAL_PRICE, DEAL_PROFIT, DEAL_SWAP, DEAL_COMMISSION, DEAL_FEE };
enum ENUM_DEAL_PROPERTY_STRING { DEAL_SYMBOL };
enum ENUM_DEAL_TYPE { DEAL_TYPE_BUY, DEAL_TYPE_SELL, DEAL_TYPE_BALANCE, DEAL_TYPE_BUY_CANCELED, DEAL_TYPE_SELL_CANCELED };
enum ENUM_DEAL_ENTRY { DEAL_ENTRY_IN, DEAL_ENTRY_OUT, DEAL_ENTRY_INOUT, DEAL_ENTRY_OUT_BY };
enum ENUM_DEAL_REASON {
  DEAL_REASON_CLIENT, DEAL_REASON_MOBILE, DEAL_REASON_WEB, DEAL_REASON_EXPERT, DEAL_REASON_SL, DEAL_REASON_TP, DEAL_REASON_SO
};
enum ENUM_TRANSACTION { TRADE_TRANSACTION_DEAL_ADD, TRADE_TRANSACTION_HISTORY_ADD };
enum ENUM_INIT { INIT_SUCCEEDED, INIT_FAILED, INIT_PARAMETERS_INCORRECT };
enum ENUM_FILE { FILE_READ = 1, FILE_WRITE = 2, FILE_BIN = 4, FILE_REWRITE = 512 };
enum ENUM_FILE_INTEGER { FILE_MODIFY_DATE };
constexpr int INVALID_HANDLE = -1;

struct MqlTick {
  double bid = 0, ask = 0;
  long time_msc = 0;
};
struct MqlTradeTransaction {
  ENUM_TRANSACTION type = TRADE_TRANSACTION_DEAL_ADD;
};
struct MqlTradeRequest {};
struct MqlTradeResult {};

class Terminal {
 public:
  // -- what the script says ---------------------------------------------------------------------------------------
  struct Deal {
    ulong ticket = 0;
    long position = 0;
    std::string symbol;
    long type = DEAL_TYPE_BUY, entry = DEAL_ENTRY_IN, reason = DEAL_REASON_CLIENT;
    double volume = 0, price = 0, profit = 0, swap = 0, commission = 0, fee = 0;
    long time_ms = 0;  ///< server time
  };
  struct Symbol {
    int digits = 2;
    double contract = 100;
    std::string profit_currency = "USD";
    MqlTick tick;
  };
  /// One POST as WebRequest makes it. status -1: `error` is what GetLastError() says.
  struct Web {
    std::string url, headers, body;
    int timeout_ms = 0;
    int status = -1, error = 5203;
    std::string answer;
  };

  std::filesystem::path files;  ///< MQL5\Files
  std::shared_ptr<std::map<std::string, double>> globals = std::make_shared<std::map<std::string, double>>();
  std::function<long()> utc_ms, mono_ms;
  std::function<void(Web&)> web;
  std::vector<Deal> history;
  std::map<std::string, Symbol> symbols;
  long login = 5012345, margin_mode = ACCOUNT_MARGIN_MODE_RETAIL_HEDGING, currency_digits = 2;
  std::string server = "Broker-Live", currency = "USD";
  double equity = 10'248, free_margin = 9'748, funds = 10'246.6;
  long server_offset_s = 7'200;  ///< what the server's clock shows more than UTC
  long clock_error_s = 0;        ///< what this computer's clock shows more than it should
  bool connected = true, tester = false, disk_full = false;
  std::vector<std::string> alerts, prints;

  [[nodiscard]] long server_ms() const { return utc_ms() + server_offset_s * 1'000; }

 protected:
  // -- the words of MQL5 that ask or tell a terminal --------------------------------------------------------------
  long AccountInfoInteger(ENUM_ACCOUNT_INTEGER what) const {
    return what == ACCOUNT_LOGIN ? login : what == ACCOUNT_MARGIN_MODE ? margin_mode : currency_digits;
  }
  string AccountInfoString(ENUM_ACCOUNT_STRING what) const { return what == ACCOUNT_SERVER ? server : currency; }
  double AccountInfoDouble(ENUM_ACCOUNT_DOUBLE what) const {
    return what == ACCOUNT_EQUITY ? equity : what == ACCOUNT_MARGIN_FREE ? free_margin : what == ACCOUNT_BALANCE ? funds
           : what == ACCOUNT_MARGIN ? equity - free_margin : 0.0;
  }
  long TerminalInfoInteger(ENUM_TERMINAL_INTEGER what) const { return what == TERMINAL_BUILD ? 4153 : connected ? 1 : 0; }
  long MQLInfoInteger(ENUM_MQL_INTEGER) const { return tester ? 1 : 0; }

  datetime TimeTradeServer() const { return (server_ms() + clock_error_s * 1'000) / 1'000; }
  datetime TimeGMT() const { return utc_ms() / 1'000 + clock_error_s; }
  datetime TimeLocal() const { return TimeGMT(); }
  ulong GetMicrosecondCount() const { return static_cast<ulong>(mono_ms()) * 1'000; }
  uint GetTickCount() const { return static_cast<uint>(mono_ms()); }
  long ChartID() const { return 0x1a2b3; }
  int MathRand() { return static_cast<int>((random_ = random_ * 1'103'515'245 + 12'345) >> 16U & 0x7fffU); }
  bool EventSetMillisecondTimer(int) { return true; }
  void EventKillTimer() {}
  void ResetLastError() { last_error_ = 0; }
  int GetLastError() const { return last_error_; }
  template <class... T>
  void Alert(const T&... parts) { alerts.push_back((... + string(parts)).v); }
  template <class... T>
  void Print(const T&... parts) { prints.push_back((... + string(parts)).v); }

  bool GlobalVariableTemp(const string& name) { return globals->emplace(name.v, 0.0).second; }
  bool GlobalVariableSetOnCondition(const string& name, double value, double expected) {
    double& v = (*globals)[name.v];
    if (std::abs(v - expected) > 1e-9) return false;
    v = value;
    return true;
  }
  void GlobalVariableSet(const string& name, double value) { (*globals)[name.v] = value; }

  bool SymbolSelect(const string& name, bool) const { return symbols.contains(name.v); }
  double SymbolInfoDouble(const string& name, ENUM_SYMBOL_DOUBLE) const { return symbols.contains(name.v) ? symbols.at(name.v).contract : 0.0; }
  long SymbolInfoInteger(const string& name, ENUM_SYMBOL_INTEGER) const { return symbols.contains(name.v) ? symbols.at(name.v).digits : 0; }
  string SymbolInfoString(const string& name, ENUM_SYMBOL_STRING) const {
    return symbols.contains(name.v) ? symbols.at(name.v).profit_currency : std::string();
  }
  bool SymbolInfoTick(const string& name, MqlTick& tick) const {
    const auto it = symbols.find(name.v);
    if (it == symbols.end() || it->second.tick.time_msc == 0) return false;
    tick = it->second.tick;
    return true;
  }

  bool HistorySelect(datetime from, datetime to);
  bool HistorySelectByPosition(ulong position);
  int HistoryDealsTotal() const { return static_cast<int>(selected_.size()); }
  ulong HistoryDealGetTicket(int at) const { return selected_.at(static_cast<std::size_t>(at)).ticket; }
  long HistoryDealGetInteger(ulong ticket, ENUM_DEAL_PROPERTY_INTEGER what) const;
  double HistoryDealGetDouble(ulong ticket, ENUM_DEAL_PROPERTY_DOUBLE what) const;
  string HistoryDealGetString(ulong ticket, ENUM_DEAL_PROPERTY_STRING) const;

  int FileOpen(const string& name, int flags);
  uint FileWriteArray(int file, const Array<uchar>& bytes, int, int count);
  uint FileReadArray(int file, Array<uchar>& bytes);
  void FileFlush(int) {}
  void FileClose(int file);
  bool FileMove(const string& from, int, const string& to, int);
  bool FileIsExist(const string& name) const { return std::filesystem::exists(path(name)); }
  bool FileDelete(const string& name) { return std::filesystem::remove(path(name)); }
  long FileGetInteger(const string& name, ENUM_FILE_INTEGER) const;
  bool FolderCreate(const string& name);
  long FileFindFirst(const string& filter, string& name);
  bool FileFindNext(long search, string& name);
  void FileFindClose(long) { found_.clear(); }

  int WebRequest(const string& method, const string& url, const string& headers, int timeout_ms, const Array<char>& data,
                 Array<char>& result, string& result_headers);

 private:
  [[nodiscard]] std::filesystem::path path(const string& name) const;
  [[nodiscard]] const Deal* deal(ulong ticket) const;

  std::vector<Deal> selected_;  ///< each selection replaces the one before, as in the terminal
  struct Open {
    std::filesystem::path path;
    std::string bytes;
    bool write = false;
  };
  std::map<int, Open> open_;
  int last_file_ = 0;
  std::vector<std::string> found_;
  int last_error_ = 0;
  unsigned random_ = 1;
};

}  // namespace anduin::mql
