//+------------------------------------------------------------------+
//| AnduinBridge: reports every closed deal of this account to an     |
//| Anduin host, and, where asked to, prices and balance.             |
//| It never trades. A close is a file on this disk from the moment   |
//| it is seen until the host has said that it is durable there.      |
//| Guide: docs/metatrader.md of the Anduin project.                  |
//+------------------------------------------------------------------+
#ifdef __MQL5__
#property copyright "Anduin contributors, Apache-2.0"
#property version   "1.00"
#endif

#include "AnduinArrays.mqh"
#include "AnduinHmac.mqh"
#include "AnduinJson.mqh"
#include "AnduinDeals.mqh"
#include "AnduinOutbox.mqh"

#define AND_VERSION "1.0.0"
#define AND_PATH "/webhook/metatrader"

enum AndRole
  {
   AND_ROLE_BOTH,    // closes, heartbeat, balance, prices
   AND_ROLE_CLOSES,  // all but prices
   AND_ROLE_PRICES   // prices only
  };

input string  InpUrl = "";             // https://host, without a slash at the end
input string  InpKeyId = "";           // key id, as the operator gave it
input string  InpSecret = "";          // secret, 64 hex digits
input string  InpAccountRef = "";      // account reference, a-z and 0-9
input long    InpExpectedLogin = 0;    // login of this trading account
input AndRole InpRole = AND_ROLE_BOTH; // what is sent
input string  InpSymbols = "";         // prices of these, with commas between
input int     InpPriceMs = 1000;       // milliseconds between prices, 250 at least
input bool    InpPnlNet = true;        // profit with swap, commission and fee
input int     InpTimeoutMs = 5000;     // how long a request may take
input int     InpScanDays = 14;        // how far back the history is read
input int     InpHeartbeatSec = 30;    // seconds between signs of life

#define AND_TIMER_MS 250
#define AND_DEBOUNCE_MS 250
#define AND_SCAN_MS 60000
#define AND_AGAIN_MS 1000        // after a scan that could not see all
#define AND_SETTLE_MS 5000       // two looks at the history that far apart must agree
#define AND_BALANCE_MS 60000
#define AND_PROBE_MS 300000      // while nothing will pass: one heartbeat
#define AND_LATER_MS 60000
#define AND_PRICE_TIMEOUT_MS 2000
#define AND_SEND_MAX 5           // closes a tick
#define AND_SEND_MS_MAX 3000     // and no longer than this
#define AND_DONE_DAYS 30         // done files are kept so many days longer than the history is read
#define AND_PRICES_MAX 64

//--- Every one of these is set in OnInit: after a change of the chart the program starts anew, its memory may not.
bool   g_dirty, g_suspended, g_stopped, g_connected_before, g_ready, g_scan_soon, g_settled, g_marked;
long   g_activation_ms, g_skew_ms, g_counter;
long   g_dirty_at, g_scan_at, g_send_at, g_heartbeat_at, g_balance_at, g_price_at, g_probe_at, g_clean_at;
long   g_settle_at, g_rescan_s, g_skew_retry_at;
int    g_settle_deals, g_failures, g_price_failures;
string g_lock, g_last_ticket, g_anomaly, g_last_fault;
AND_ARRAY(string, g_symbols);
AND_ARRAY(long, g_tick_ms);

//+------------------------------------------------------------------+
//| Time                                                              |
//+------------------------------------------------------------------+
long NowMs() { return (long)(GetMicrosecondCount() / 1000); }

long UtcMs() { return (long)TimeGMT() * 1000 + g_skew_ms; }

//--- TimeCurrent() stands still while the market does: it is never used for this.
bool UtcOffset(long &offset_s)
  {
   if(TerminalInfoInteger(TERMINAL_CONNECTED) == 0)
      return false;
   return AndUtcOffset((long)TimeTradeServer(), (long)TimeGMT(), offset_s);
  }

//+------------------------------------------------------------------+
//| Files                                                             |
//+------------------------------------------------------------------+
bool WriteWhole(const string from, const string to, AND_IN(uchar, bytes))
  {
   const int file = FileOpen(from, FILE_WRITE | FILE_BIN);
   if(file == INVALID_HANDLE)
      return false;
   const int size = ArraySize(bytes);
   const bool written = (int)FileWriteArray(file, bytes, 0, size) == size;
   FileFlush(file);
   FileClose(file);
   return written && FileMove(from, 0, to, FILE_REWRITE);
  }

bool ReadWhole(const string name, AND_OUT(uchar, bytes))
  {
   ArrayResize(bytes, 0);
   const int file = FileOpen(name, FILE_READ | FILE_BIN);
   if(file == INVALID_HANDLE)
      return false;
   const bool read = FileReadArray(file, bytes) > 0;
   FileClose(file);
   return read;
  }

string TextOf(AND_IN(uchar, bytes))
  {
   AND_ARRAY(uchar, copy);
   ArrayResize(copy, ArraySize(bytes));
   for(int i = 0; i < ArraySize(bytes); i++)
      copy[i] = bytes[i];
   return ArraySize(copy) == 0 ? "" : CharArrayToString(copy, 0, WHOLE_ARRAY, CP_UTF8);
  }

bool IsKnown(const string ticket)
  {
   return FileIsExist(AndBoxFile(InpAccountRef, "out", ticket)) || FileIsExist(AndBoxFile(InpAccountRef, "done", ticket)) ||
          FileIsExist(AndBoxFile(InpAccountRef, "dead", ticket));
  }

//--- The tickets of a box, the oldest first.
void ListBox(const string box, AND_OUT(string, tickets))
  {
   ArrayResize(tickets, 0);
   string name = "";
   const long search = FileFindFirst(AndBox(InpAccountRef, box) + "\\*.json", name);
   if(search == INVALID_HANDLE)
      return;
   bool more = true;
   while(more)
     {
      const string ticket = AndTicketOf(name);
      if(StringLen(ticket) > 0)
        {
         int at = ArraySize(tickets);
         ArrayResize(tickets, at + 1);
         while(at > 0 && AndOlder(ticket, tickets[at - 1]))
           {
            tickets[at] = tickets[at - 1];
            at--;
           }
         tickets[at] = ticket;
        }
      more = FileFindNext(search, name);
     }
   FileFindClose(search);
  }

bool SaveState()
  {
   string text = "{\"version\":1,\"login\":\"";
   text += IntegerToString(InpExpectedLogin) + "\",\"server\":" + AndQuoted(AccountInfoString(ACCOUNT_SERVER));
   text += ",\"activation\":" + IntegerToString(g_activation_ms) + "}";
   AND_ARRAY(uchar, bytes);
   AndBytes(text, bytes);
   return WriteWhole(AndBox(InpAccountRef, "tmp") + "\\state.json", AndStateFile(InpAccountRef), bytes);
  }

//--- False when a state is there and is not this account's: two accounts must not share a reference.
bool LoadState()
  {
   g_activation_ms = 0;
   g_marked = false;
   AND_ARRAY(uchar, bytes);
   if(!ReadWhole(AndStateFile(InpAccountRef), bytes))
      return true;
   const string text = TextOf(bytes);
   if(AndMember(text, "login") != IntegerToString(InpExpectedLogin))
      return false;
   g_activation_ms = StringToInteger(AndMember(text, "activation"));
   g_marked = g_activation_ms > 0;
   return true;
  }

//--- Done files keep a deal from being sent again while the history still shows it; then they may go.
void CleanDone()
  {
   AND_ARRAY(string, tickets);
   ListBox("done", tickets);
   const long oldest = (long)TimeLocal() - (long)(InpScanDays + AND_DONE_DAYS) * 86400;
   for(int i = 0; i < ArraySize(tickets); i++)
     {
      const string name = AndBoxFile(InpAccountRef, "done", tickets[i]);
      if(FileGetInteger(name, FILE_MODIFY_DATE) < oldest)
         FileDelete(name);
     }
  }

//+------------------------------------------------------------------+
//| Requests                                                          |
//+------------------------------------------------------------------+
void Fault(const string text)
  {
   if(text == g_last_fault)
      return;
   g_last_fault = text;
   Alert("AnduinBridge " + InpAccountRef + ": " + text);
  }

//--- One signed attempt. The bytes that are hashed are the bytes that are sent.
AndVerdict Send(AND_IN(uchar, body), const int timeout_ms, string &answer, int &status)
  {
   answer = "";
   const string timestamp = IntegerToString(UtcMs());
   g_counter++;
   const string nonce = AndNonce((long)TimeLocal(), (long)GetTickCount(), (long)ChartID(), g_counter);
   const string text = AndSigningText(AND_PATH, InpKeyId, timestamp, nonce, body);
   const string headers = AndHeaders(InpKeyId, timestamp, nonce, AndSignature(InpSecret, text));
   AND_ARRAY(char, data);
   AND_ARRAY(char, result);
   ArrayResize(data, ArraySize(body));
   for(int i = 0; i < ArraySize(body); i++)
      data[i] = (char)body[i];
   string result_headers = "";
   ResetLastError();
   status = WebRequest("POST", InpUrl + AND_PATH, headers, timeout_ms, data, result, result_headers);
   const int last_error = GetLastError();
   AND_ARRAY(uchar, received);
   ArrayResize(received, ArraySize(result));
   for(int i = 0; i < ArraySize(result); i++)
      received[i] = (uchar)result[i];
   answer = TextOf(received);
   const AndVerdict verdict = AndJudge(status, last_error, AndMember(answer, "error"), AndMember(answer, "status"));
   if(verdict == AND_NOT_ALLOWED)
      Fault("allow this address in Tools, Options, Expert Advisors, \"Allow WebRequest for listed URL\": " + InpUrl);
   if(verdict == AND_CONFIG)
      Fault("the host refuses this terminal (" + IntegerToString(status) + " " + AndMember(answer, "error") +
            "): check address, key, secret and login; closes are kept");
   if(verdict == AND_SKEW)
     {
      const long server_ms = StringToInteger(AndMember(answer, "serverTime"));
      if(server_ms > 0)
         g_skew_ms = server_ms - (long)TimeGMT() * 1000;
     }
   return verdict;
  }

//--- A body that is not kept: heartbeat, balance, prices. True when the host took it.
bool SendOnce(const string body, const int timeout_ms, string &answer)
  {
   AND_ARRAY(uchar, bytes);
   AndBytes(body, bytes);
   int status = 0;
   AndVerdict verdict = Send(bytes, timeout_ms, answer, status);
   if(verdict == AND_SKEW || verdict == AND_NEW_NONCE)
      verdict = Send(bytes, timeout_ms, answer, status);
   if(verdict == AND_CONFIG && !g_stopped)
     {
      g_stopped = true;
      g_probe_at = NowMs() + AND_PROBE_MS;
     }
   if(verdict != AND_DONE)
      return false;
   g_last_fault = "";
   return true;
  }

bool Bury(const string ticket, const string reason)
  {
   AND_ARRAY(uchar, bytes);
   AndBytes(reason, bytes);
   WriteWhole(AndBox(InpAccountRef, "tmp") + "\\" + ticket + ".txt", AndReasonFile(InpAccountRef, ticket), bytes);
   Alert("AnduinBridge " + InpAccountRef + ": deal " + ticket + " was refused for good: " + reason);
   return FileMove(AndBoxFile(InpAccountRef, "out", ticket), 0, AndBoxFile(InpAccountRef, "dead", ticket), FILE_REWRITE);
  }

//--- True when the next one may be tried at once.
bool SendClose(const string ticket)
  {
   AND_ARRAY(uchar, body);
   if(!ReadWhole(AndBoxFile(InpAccountRef, "out", ticket), body))
      return false;
   string answer = "";
   int status = 0;
   AndVerdict verdict = Send(body, InpTimeoutMs, answer, status);
   if(verdict == AND_NEW_NONCE || (verdict == AND_SKEW && NowMs() >= g_skew_retry_at))
     {
      g_skew_retry_at = NowMs() + AND_LATER_MS;
      verdict = Send(body, InpTimeoutMs, answer, status);
     }
   if(verdict == AND_DONE)
     {
      g_failures = 0;
      g_last_fault = "";
      if(AndMember(answer, "status") == "held")
         Print("AnduinBridge: deal ", ticket, " is held for a person: ", AndMember(answer, "detail"));
      g_last_ticket = ticket;
      g_balance_at = 0;
      return FileMove(AndBoxFile(InpAccountRef, "out", ticket), 0, AndBoxFile(InpAccountRef, "done", ticket), FILE_REWRITE);
     }
   if(verdict == AND_DEAD)
      return Bury(ticket, IntegerToString(status) + " " + answer);
   if(verdict == AND_CONFIG)
     {
      g_stopped = true;
      g_probe_at = NowMs() + AND_PROBE_MS;
      return false;
     }
   g_failures++;
   long wait = AndBackoffMs(g_failures, MathRand() % 1000);
   if(verdict == AND_KEEP_LATER || verdict == AND_NOT_ALLOWED || verdict == AND_SKEW)
      wait = AND_LATER_MS;
   g_send_at = NowMs() + wait;
   return false;
  }

void SendCloses()
  {
   if(g_stopped || NowMs() < g_send_at)
      return;
   AND_ARRAY(string, tickets);
   ListBox("out", tickets);
   const long begun = NowMs();
   for(int i = 0; i < ArraySize(tickets) && i < AND_SEND_MAX; i++)
     {
      if(!SendClose(tickets[i]) || NowMs() - begun > AND_SEND_MS_MAX)
         return;
     }
  }

//+------------------------------------------------------------------+
//| History                                                           |
//+------------------------------------------------------------------+
int MoneyDigits()
  {
   const int digits = (int)AccountInfoInteger(ACCOUNT_CURRENCY_DIGITS);
   return digits < 0 || digits > 8 ? 2 : digits;
  }

int EntryOf(const ulong ticket)
  {
   const long entry = HistoryDealGetInteger(ticket, DEAL_ENTRY);
   if(entry == DEAL_ENTRY_IN)
      return AND_ENTRY_IN;
   if(entry == DEAL_ENTRY_OUT)
      return AND_ENTRY_OUT;
   return entry == DEAL_ENTRY_INOUT ? AND_ENTRY_INOUT : AND_ENTRY_OUT_BY;
  }

bool IsTrade(const ulong ticket)
  {
   const long type = HistoryDealGetInteger(ticket, DEAL_TYPE);
   if(type == DEAL_TYPE_BUY_CANCELED || type == DEAL_TYPE_SELL_CANCELED)
      g_anomaly = "the broker annulled deal " + IntegerToString((long)ticket);
   return type == DEAL_TYPE_BUY || type == DEAL_TYPE_SELL;
  }

string ReasonOf(const ulong ticket)
  {
   const long reason = HistoryDealGetInteger(ticket, DEAL_REASON);
   if(reason == DEAL_REASON_SL)
      return "sl";
   if(reason == DEAL_REASON_TP)
      return "tp";
   if(reason == DEAL_REASON_SO)
      return "so";
   if(reason == DEAL_REASON_EXPERT)
      return "expert";
   if(reason == DEAL_REASON_MOBILE)
      return "mobile";
   if(reason == DEAL_REASON_WEB)
      return "web";
   if(reason == DEAL_REASON_CLIENT)
      return "client";
   return "other";
  }

//--- Money of a deal in the deposit currency's smallest units.
long DealMoney(const ulong ticket, const ENUM_DEAL_PROPERTY_DOUBLE property)
  {
   return AndUnits(HistoryDealGetDouble(ticket, property), MoneyDigits());
  }

//--- Selects the position's deals; false when the terminal does not have them now.
bool PositionDeals(const long position, AND_OUT(AndDeal, deals))
  {
   ArrayResize(deals, 0);
   if(!HistorySelectByPosition((ulong)position))
      return false;
   for(int i = 0; i < HistoryDealsTotal(); i++)
     {
      const ulong ticket = HistoryDealGetTicket(i);
      if(ticket == 0)
         return false;
      if(!IsTrade(ticket))
         continue;
      const int at = ArraySize(deals);
      ArrayResize(deals, at + 1);
      deals[at].ticket = ticket;
      deals[at].time_ms = HistoryDealGetInteger(ticket, DEAL_TIME_MSC);
      deals[at].is_buy = HistoryDealGetInteger(ticket, DEAL_TYPE) == DEAL_TYPE_BUY;
      deals[at].entry = EntryOf(ticket);
      deals[at].volume = AndUnits(HistoryDealGetDouble(ticket, DEAL_VOLUME), 8);
      deals[at].price = HistoryDealGetDouble(ticket, DEAL_PRICE);
      deals[at].profit = DealMoney(ticket, DEAL_PROFIT);
      deals[at].swap = DealMoney(ticket, DEAL_SWAP);
      deals[at].commission = DealMoney(ticket, DEAL_COMMISSION);
      deals[at].fee = DealMoney(ticket, DEAL_FEE);
     }
   return true;
  }

string EntryWord(const int entry)
  {
   if(entry == AND_ENTRY_INOUT)
      return "inout";
   return entry == AND_ENTRY_OUT_BY ? "out_by" : "out";
  }

string AccountMode()
  {
   const long mode = AccountInfoInteger(ACCOUNT_MARGIN_MODE);
   if(mode == ACCOUNT_MARGIN_MODE_RETAIL_HEDGING)
      return "hedging";
   return mode == ACCOUNT_MARGIN_MODE_EXCHANGE ? "exchange" : "netting";
  }

//--- The body of one closing deal, computed once. False: again with the next scan.
bool BuildClose(const ulong ticket, const long position, const string symbol, string &body)
  {
   long offset_s = 0;
   if(!UtcOffset(offset_s) || !SymbolSelect(symbol, true))
      return false;
   const double contract = SymbolInfoDouble(symbol, SYMBOL_TRADE_CONTRACT_SIZE);
   if(contract <= 0.0)
      return false;
   AND_ARRAY(AndDeal, deals);
   AND_ARRAY(AndClose, closes);
   if(!PositionDeals(position, deals))
      return false;
   AndDealsToCloses(deals, closes);
   int at = -1;
   for(int i = 0; i < ArraySize(closes); i++)
      if(closes[i].ticket == ticket)
         at = i;
   if(at < 0)
      return false;
   AndCloseBody b;
   b.account_ref = InpAccountRef;
   b.ticket = IntegerToString((long)ticket);
   b.symbol = symbol;
   b.position_id = IntegerToString(position);
   b.deal_entry = EntryWord(EntryOf(ticket));
   b.reason = ReasonOf(ticket);
   b.currency = AccountInfoString(ACCOUNT_CURRENCY);
   b.profit_currency = SymbolInfoString(symbol, SYMBOL_CURRENCY_PROFIT);
   b.login = IntegerToString(InpExpectedLogin);
   b.server = AccountInfoString(ACCOUNT_SERVER);
   b.mode = AccountMode();
   b.is_long = closes[at].is_long;
   b.entry_known = closes[at].entry_known;
   b.entry_price = closes[at].entry_price;
   b.exit_price = closes[at].exit_price;
   b.price_digits = (int)SymbolInfoInteger(symbol, SYMBOL_DIGITS);
   if(b.price_digits <= 0)
      b.price_digits = 8;
   b.money_digits = MoneyDigits();
   b.volume = closes[at].volume;
   b.contract_size = contract;
   b.size = AndBaseUnits(closes[at].volume, contract);
   b.profit = closes[at].profit;
   b.swap = closes[at].swap;
   b.commission = closes[at].commission;
   b.fee = closes[at].fee;
   b.entry_costs = closes[at].entry_costs;
   b.pnl = InpPnlNet ? closes[at].net : closes[at].profit;
   b.server_ms = HistoryDealGetInteger(ticket, DEAL_TIME_MSC);
   b.utc_offset_s = offset_s;
   b.closed_ms = b.server_ms - offset_s * 1000;
   body = AndCloseJson(b);
   return true;
  }

//--- Selects the history. After a start or a lost connection it is still on its way: then two looks must show the
//--- same number of deals.
bool HistorySettled()
  {
   const long server = (long)TimeTradeServer();
   if(!HistorySelect((datetime)(server - (long)InpScanDays * 86400), (datetime)(server + 86400)))
      return false;
   if(g_settled)
      return true;
   const int deals = HistoryDealsTotal();
   if(deals != g_settle_deals)
     {
      g_settle_deals = deals;
      g_settle_at = NowMs() + AND_SETTLE_MS;
     }
   g_settled = NowMs() >= g_settle_at;
   return g_settled;
  }

//--- Collects first: each look at one position replaces the selection.
int CollectDeals(AND_OUT(ulong, tickets), AND_OUT(long, positions), AND_OUT(string, symbols))
  {
   ArrayResize(tickets, 0);
   ArrayResize(positions, 0);
   ArrayResize(symbols, 0);
   const long rescan_from = g_rescan_s > 0 ? ((long)TimeTradeServer() - g_rescan_s) * 1000 : 0;
   for(int i = 0; i < HistoryDealsTotal(); i++)
     {
      const ulong ticket = HistoryDealGetTicket(i);
      if(ticket == 0 || !IsTrade(ticket) || EntryOf(ticket) == AND_ENTRY_IN)
         continue;
      const long time_ms = HistoryDealGetInteger(ticket, DEAL_TIME_MSC);
      if(time_ms < g_activation_ms)
         continue;
      const string name = IntegerToString((long)ticket);
      const string done = AndBoxFile(InpAccountRef, "done", name);
      if(g_rescan_s > 0 && time_ms >= rescan_from && FileIsExist(done))
        {
         FileMove(done, 0, AndBoxFile(InpAccountRef, "out", name), FILE_REWRITE);  // the same bytes again
         continue;
        }
      if(IsKnown(name))
         continue;
      const int at = ArraySize(tickets);
      ArrayResize(tickets, at + 1);
      ArrayResize(positions, at + 1);
      ArrayResize(symbols, at + 1);
      tickets[at] = ticket;
      positions[at] = HistoryDealGetInteger(ticket, DEAL_POSITION_ID);
      symbols[at] = HistoryDealGetString(ticket, DEAL_SYMBOL);
     }
   return ArraySize(tickets);
  }

//--- True when the history was whole.
bool Scan()
  {
   if(TerminalInfoInteger(TERMINAL_CONNECTED) == 0)
      return false;
   //--- First start on this account: what was closed before is nobody's claim.
   if(g_activation_ms == 0)
      g_activation_ms = (long)TimeTradeServer() * 1000;
   if(!g_marked)
     {
      g_marked = SaveState();
      if(!g_marked)
         Fault("cannot write into MQL5\\Files\\" + AndFolder(InpAccountRef));
      return false;
     }
   if(!HistorySettled())
      return false;
   AND_ARRAY(ulong, tickets);
   AND_ARRAY(long, positions);
   AND_ARRAY(string, symbols);
   const int count = CollectDeals(tickets, positions, symbols);
   g_rescan_s = 0;
   bool whole = true;
   for(int i = 0; i < count; i++)
     {
      string body = "";
      const string name = IntegerToString((long)tickets[i]);
      if(!BuildClose(tickets[i], positions[i], symbols[i], body))
        {
         whole = false;
         continue;
        }
      AND_ARRAY(uchar, bytes);
      AndBytes(body, bytes);
      if(!WriteWhole(AndBoxFile(InpAccountRef, "tmp", name), AndBoxFile(InpAccountRef, "out", name), bytes))
        {
         Fault("cannot write into MQL5\\Files\\" + AndBox(InpAccountRef, "out"));
         whole = false;
        }
     }
   return whole;
  }

void ScanIfDue()
  {
   const long now = NowMs();
   const bool connected = TerminalInfoInteger(TERMINAL_CONNECTED) != 0;
   if(connected && !g_connected_before)
     {
      g_scan_soon = true;
      g_settled = false;
      g_settle_deals = -1;
     }
   g_connected_before = connected;
   const bool dirty = g_dirty && now >= g_dirty_at;
   if(!dirty && !g_scan_soon && now < g_scan_at)
      return;
   g_dirty = false;
   g_scan_soon = false;
   g_scan_at = now + (Scan() ? AND_SCAN_MS : AND_AGAIN_MS);
  }

//+------------------------------------------------------------------+
//| Signs of life, balance, prices                                    |
//+------------------------------------------------------------------+
long OldestPendingSec(AND_IN(string, tickets))
  {
   if(ArraySize(tickets) == 0)
      return 0;
   const long since = FileGetInteger(AndBoxFile(InpAccountRef, "out", tickets[0]), FILE_MODIFY_DATE);
   const long age = (long)TimeLocal() - since;
   return age < 0 ? 0 : age;
  }

void Heartbeat()
  {
   if(NowMs() < (g_stopped ? g_probe_at : g_heartbeat_at))
      return;
   g_heartbeat_at = NowMs() + (long)InpHeartbeatSec * 1000;
   g_probe_at = NowMs() + AND_PROBE_MS;
   AND_ARRAY(string, out);
   AND_ARRAY(string, dead);
   ListBox("out", out);
   ListBox("dead", dead);
   AndHeartbeatBody h;
   h.timestamp_ms = UtcMs();
   h.version = AND_VERSION;
   h.build = TerminalInfoInteger(TERMINAL_BUILD);
   h.connected = TerminalInfoInteger(TERMINAL_CONNECTED) != 0;
   h.outbox = ArraySize(out);
   h.dead = ArraySize(dead);
   h.oldest_pending_s = OldestPendingSec(out);
   h.last_ticket = g_last_ticket;
   h.utc_offset_s = 0;
   long offset_s = 0;
   if(UtcOffset(offset_s))
      h.utc_offset_s = offset_s;
   h.currency = AccountInfoString(ACCOUNT_CURRENCY);
   h.login = IntegerToString(InpExpectedLogin);
   h.server = AccountInfoString(ACCOUNT_SERVER);
   h.mode = AccountMode();
   h.anomaly = g_anomaly;
   string answer = "";
   if(!SendOnce(AndHeartbeatJson(h), InpTimeoutMs, answer))
      return;
   g_stopped = false;
   const long rescan = StringToInteger(AndMember(answer, "rescanSec"));
   if(rescan > 0)
     {
      g_rescan_s = rescan;
      g_scan_soon = true;
     }
  }

void Balance()
  {
   if(g_stopped || NowMs() < g_balance_at)
      return;
   g_balance_at = NowMs() + AND_BALANCE_MS;
   const int m = MoneyDigits();
   string answer = "";
   SendOnce(AndBalanceJson(UtcMs(), AndUnits(AccountInfoDouble(ACCOUNT_EQUITY), m),
                           AndUnits(AccountInfoDouble(ACCOUNT_MARGIN_FREE), m), AndUnits(AccountInfoDouble(ACCOUNT_BALANCE), m),
                           AndUnits(AccountInfoDouble(ACCOUNT_CREDIT), m), AndUnits(AccountInfoDouble(ACCOUNT_MARGIN), m), m,
                           AccountInfoString(ACCOUNT_CURRENCY), IntegerToString(InpExpectedLogin)),
            InpTimeoutMs, answer);
  }

//--- Ticks that are new since the last time; an old tick is never stamped anew: over the weekend it must go stale.
string NewTicks()
  {
   long offset_s = 0;
   string entries = "";
   if(!UtcOffset(offset_s))
      return entries;
   for(int i = 0; i < ArraySize(g_symbols); i++)
     {
      MqlTick tick;
      if(!SymbolInfoTick(g_symbols[i], tick) || tick.time_msc == g_tick_ms[i] || tick.bid <= 0.0 || tick.ask <= 0.0)
         continue;
      g_tick_ms[i] = tick.time_msc;
      int digits = (int)SymbolInfoInteger(g_symbols[i], SYMBOL_DIGITS);
      if(digits <= 0)
         digits = 8;
      if(StringLen(entries) > 0)
         entries += ",";
      entries += AndPriceJson(g_symbols[i], tick.bid, tick.ask, digits, tick.time_msc - offset_s * 1000);
     }
   return entries;
  }

void Prices()
  {
   if(g_stopped || ArraySize(g_symbols) == 0 || NowMs() < g_price_at || g_failures > 0)
      return;
   g_price_at = NowMs() + InpPriceMs;
   const string entries = NewTicks();
   if(StringLen(entries) == 0)
      return;
   string answer = "";
   if(SendOnce(AndPricesJson(entries, IntegerToString(InpExpectedLogin)), AND_PRICE_TIMEOUT_MS, answer))
     {
      g_price_failures = 0;
      return;
     }
   g_price_failures++;
   g_price_at = NowMs() + (g_price_failures == 1 ? 5000 : g_price_failures == 2 ? 10000 : 30000);
  }

//+------------------------------------------------------------------+
//| Handlers                                                          |
//+------------------------------------------------------------------+
bool Refuse(const string text)
  {
   Alert("AnduinBridge: " + text);
   return false;
  }

bool InputsGood()
  {
   if(StringFind(InpUrl, "https://") != 0 || StringLen(InpUrl) < 12 ||
      StringSubstr(InpUrl, StringLen(InpUrl) - 1) == "/")
      return Refuse("InpUrl must be https://host, without a slash at the end");
   if(StringLen(InpKeyId) == 0 || StringLen(InpKeyId) > 64)
      return Refuse("InpKeyId is missing");
   if(!AndIsSecret(InpSecret))
      return Refuse("InpSecret must be 64 hex digits");
   if(!AndIsRef(InpAccountRef))
      return Refuse("InpAccountRef must be 1 to 16 of a-z and 0-9");
   if(InpExpectedLogin <= 0)
      return Refuse("InpExpectedLogin is missing");
   if(InpPriceMs < 250 || InpTimeoutMs < 1000 || InpScanDays < 1 || InpHeartbeatSec < 5)
      return Refuse("InpPriceMs, InpTimeoutMs, InpScanDays or InpHeartbeatSec is too small");
   return true;
  }

void ReadSymbols()
  {
   ArrayResize(g_symbols, 0);
   ArrayResize(g_tick_ms, 0);
   if(InpRole == AND_ROLE_CLOSES)
      return;
   string rest = InpSymbols;
   while(StringLen(rest) > 0 && ArraySize(g_symbols) < AND_PRICES_MAX)
     {
      const int comma = StringFind(rest, ",");
      string name = comma < 0 ? rest : StringSubstr(rest, 0, comma);
      rest = comma < 0 ? "" : StringSubstr(rest, comma + 1);
      StringTrimLeft(name);
      StringTrimRight(name);
      if(StringLen(name) == 0)
         continue;
      SymbolSelect(name, true);
      const int at = ArraySize(g_symbols);
      ArrayResize(g_symbols, at + 1);
      ArrayResize(g_tick_ms, at + 1);
      g_symbols[at] = name;
      g_tick_ms[at] = 0;
     }
  }

void Reset()
  {
   g_dirty = false;
   g_suspended = false;
   g_stopped = false;
   g_connected_before = false;
   g_ready = false;
   g_scan_soon = true;
   g_settled = false;
   g_marked = false;
   g_activation_ms = 0;
   g_skew_ms = 0;
   g_counter = 0;
   g_dirty_at = 0;
   g_scan_at = 0;
   g_send_at = 0;
   g_heartbeat_at = 0;
   g_balance_at = 0;
   g_price_at = 0;
   g_probe_at = 0;
   g_clean_at = 0;
   g_settle_at = 0;
   g_rescan_s = 0;
   g_skew_retry_at = 0;
   g_settle_deals = -1;
   g_failures = 0;
   g_price_failures = 0;
   g_lock = "";
   g_last_ticket = "";
   g_anomaly = "";
   g_last_fault = "";
  }

//--- One program an account and role in this terminal: two would race for the files.
bool TakeLock()
  {
   g_lock = "AnduinBridge." + InpAccountRef + (InpRole == AND_ROLE_PRICES ? ".prices" : ".closes");
   GlobalVariableTemp(g_lock);
   if(GlobalVariableSetOnCondition(g_lock, 1.0, 0.0))
      return true;
   g_lock = "";
   return false;
  }

int OnInit()
  {
   Reset();
   if(MQLInfoInteger(MQL_TESTER) != 0)
      return INIT_FAILED;
   if(!InputsGood())
      return INIT_PARAMETERS_INCORRECT;
   if(!AndSelfTest())
     {
      Refuse("the self-test failed: signatures would be wrong");
      return INIT_FAILED;
     }
   if(!TakeLock())
     {
      Refuse("another chart runs it for this account already");
      return INIT_FAILED;
     }
   const string base = AndFolder(InpAccountRef);
   FolderCreate("Anduin");
   FolderCreate(base);
   FolderCreate(AndBox(InpAccountRef, "tmp"));
   FolderCreate(AndBox(InpAccountRef, "out"));
   FolderCreate(AndBox(InpAccountRef, "done"));
   FolderCreate(AndBox(InpAccountRef, "dead"));
   if(!LoadState())
     {
      Refuse("the folder of reference " + InpAccountRef + " belongs to another login: each account needs its own reference");
      return INIT_FAILED;
     }
   ReadSymbols();
   if(!EventSetMillisecondTimer(AND_TIMER_MS))
      return INIT_FAILED;
   Print("AnduinBridge ", AND_VERSION, ": allow WebRequest for ", InpUrl);
   g_ready = true;
   return INIT_SUCCEEDED;
  }

void OnDeinit(const int reason)
  {
   EventKillTimer();
   if(StringLen(g_lock) > 0)
      GlobalVariableSet(g_lock, 0.0);
   g_lock = "";
  }

//--- Events may be lost, and never come for what happened while the terminal was off: they only wake the scan.
void OnTradeTransaction(const MqlTradeTransaction &trans, const MqlTradeRequest &request, const MqlTradeResult &result)
  {
   if(trans.type != TRADE_TRANSACTION_DEAL_ADD)
      return;
   g_dirty = true;
   g_dirty_at = NowMs() + AND_DEBOUNCE_MS;
  }

void OnTimer()
  {
   if(!g_ready)
      return;
   if(AccountInfoInteger(ACCOUNT_LOGIN) != InpExpectedLogin)
     {
      if(!g_suspended)
         Alert("AnduinBridge: this terminal is on another account; nothing is sent until it is back on ",
               IntegerToString(InpExpectedLogin));
      g_suspended = true;
      return;
     }
   if(g_suspended)
     {
      g_suspended = false;
      g_settled = false;
      g_settle_deals = -1;
      g_scan_soon = true;
     }
   if(InpRole != AND_ROLE_PRICES)
     {
      ScanIfDue();
      SendCloses();
      Heartbeat();
      Balance();
      if(NowMs() >= g_clean_at)
        {
         g_clean_at = NowMs() + 86400000;
         CleanDone();
        }
     }
   Prices();
  }
//+------------------------------------------------------------------+
