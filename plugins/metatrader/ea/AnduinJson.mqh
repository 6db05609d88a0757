//+------------------------------------------------------------------+
//| Bodies as they are posted, and the answers as they are read.      |
//| Money and volumes are integers with a number of decimals; nothing |
//| depends on the terminal's language.                               |
//+------------------------------------------------------------------+
#ifndef ANDUIN_JSON_MQH
#define ANDUIN_JSON_MQH

//--- units of 10^-digits as a decimal number: AndFixed(-70, 2) is -0.70.
string AndFixed(const long units, const int digits)
  {
   const bool negative = units < 0;
   string text = IntegerToString(negative ? -units : units);
   while(StringLen(text) <= digits)
      text = "0" + text;
   if(digits > 0)
      text = StringSubstr(text, 0, StringLen(text) - digits) + "." + StringSubstr(text, StringLen(text) - digits);
   if(negative)
      text = "-" + text;
   return text;
  }

//--- Half away from zero, as brokers round.
long AndUnits(const double value, const int digits)
  {
   double scaled = value;
   for(int i = 0; i < digits; i++)
      scaled *= 10.0;
   return (long)MathRound(scaled);
  }

//--- A text in quotes. What brokers put into names is escaped; comments of traders are never sent.
string AndQuoted(const string text)
  {
   string out = "\"";
   for(int i = 0; i < StringLen(text); i++)
     {
      const int c = (int)StringGetCharacter(text, i);
      if(c == '"' || c == '\\')
         out += "\\" + StringSubstr(text, i, 1);
      else
         if(c < 32)
            out += StringFormat("\\u%04x", c);
         else
            out += StringSubstr(text, i, 1);
     }
   out += "\"";
   return out;
  }

//--- One closing deal, ready to be written down.
struct AndCloseBody
  {
   string            account_ref, ticket, symbol, position_id, deal_entry, reason, currency, profit_currency, login, server, mode;
   bool              is_long, entry_known;
   double            entry_price, exit_price;
   int               price_digits, money_digits;
   long              size;            // base units x 10^8
   long              volume;          // lots x 10^8
   double            contract_size;
   long              pnl, profit, swap, commission, fee, entry_costs;  // x 10^money_digits
   long              closed_ms, server_ms, utc_offset_s;
  };

string AndCloseId(const string account_ref, const string ticket) { return "MT5-" + account_ref + "-" + ticket; }

//--- Lots with two decimals where that is exact, as terminals show them, else with eight.
string AndLots(const long volume)
  {
   if(volume % 1000000 == 0)
      return AndFixed(volume / 1000000, 2);
   return AndFixed(volume, 8);
  }

//--- Contract sizes are whole numbers nearly everywhere.
string AndContract(const double size)
  {
   const long whole = (long)MathRound(size);
   if((double)whole == size)
      return IntegerToString(whole);
   return DoubleToString(size, 8);
  }

string AndCloseJson(const AndCloseBody &c)
  {
   const int m = c.money_digits;
   string out = "{\"type\":\"close\",\"positionId\":";
   out += AndQuoted(AndCloseId(c.account_ref, c.ticket)) + ",\"symbol\":" + AndQuoted(c.symbol);
   out += ",\"side\":" + AndQuoted(c.is_long ? "long" : "short");
   out += ",\"entryPrice\":" + (c.entry_known ? DoubleToString(c.entry_price, c.price_digits) : "0");
   out += ",\"exitPrice\":" + DoubleToString(c.exit_price, c.price_digits) + ",\"size\":" + AndFixed(c.size, 8);
   out += ",\"pnl\":" + AndFixed(c.pnl, m) + ",\"closedAt\":" + IntegerToString(c.closed_ms / 1000);
   out += ",\"currency\":" + AndQuoted(c.currency) + ",\"dealTicket\":" + AndQuoted(c.ticket);
   out += ",\"mtPositionId\":" + AndQuoted(c.position_id) + ",\"dealEntry\":" + AndQuoted(c.deal_entry);
   out += ",\"reason\":" + AndQuoted(c.reason) + ",\"volumeLots\":" + AndLots(c.volume);
   out += ",\"contractSize\":" + AndContract(c.contract_size) + ",\"profitCurrency\":" + AndQuoted(c.profit_currency);
   out += ",\"profit\":" + AndFixed(c.profit, m) + ",\"swap\":" + AndFixed(c.swap, m);
   out += ",\"commission\":" + AndFixed(c.commission, m) + ",\"fee\":" + AndFixed(c.fee, m);
   out += ",\"entryCosts\":" + AndFixed(c.entry_costs, m) + ",\"entryKnown\":" + (c.entry_known ? "true" : "false");
   out += ",\"closedAtMs\":" + IntegerToString(c.closed_ms) + ",\"serverTimeMs\":" + IntegerToString(c.server_ms);
   out += ",\"utcOffsetSec\":" + IntegerToString(c.utc_offset_s) + ",\"login\":" + AndQuoted(c.login);
   out += ",\"server\":" + AndQuoted(c.server) + ",\"accountMode\":" + AndQuoted(c.mode) + "}";
   return out;
  }

struct AndHeartbeatBody
  {
   long              timestamp_ms, build, outbox, dead, oldest_pending_s, utc_offset_s;
   bool              connected;
   string            version, last_ticket, currency, login, server, mode, anomaly;
  };

string AndHeartbeatJson(const AndHeartbeatBody &h)
  {
   string out = "{\"type\":\"heartbeat\",\"timestamp\":";
   out += IntegerToString(h.timestamp_ms) + ",\"eaVersion\":" + AndQuoted(h.version);
   out += ",\"build\":" + IntegerToString(h.build) + ",\"connected\":" + (h.connected ? "true" : "false");
   out += ",\"outbox\":" + IntegerToString(h.outbox) + ",\"dead\":" + IntegerToString(h.dead);
   out += ",\"oldestPendingSec\":" + IntegerToString(h.oldest_pending_s) + ",\"lastDealTicket\":" + AndQuoted(h.last_ticket);
   out += ",\"utcOffsetSec\":" + IntegerToString(h.utc_offset_s) + ",\"currency\":" + AndQuoted(h.currency);
   out += ",\"login\":" + AndQuoted(h.login) + ",\"server\":" + AndQuoted(h.server);
   out += ",\"accountMode\":" + AndQuoted(h.mode);
   if(StringLen(h.anomaly) > 0)
      out += ",\"anomaly\":" + AndQuoted(h.anomaly);
   return out + "}";
  }

//--- Amounts x 10^digits.
string AndBalanceJson(const long timestamp_ms, const long equity, const long free_margin, const long balance,
                      const long credit, const long margin, const int digits, const string currency, const string login)
  {
   string out = "{\"type\":\"balance\",\"timestamp\":";
   out += IntegerToString(timestamp_ms) + ",\"total\":" + AndFixed(equity, digits);
   out += ",\"available\":" + AndFixed(free_margin, digits) + ",\"currency\":" + AndQuoted(currency);
   out += ",\"balance\":" + AndFixed(balance, digits) + ",\"credit\":" + AndFixed(credit, digits);
   out += ",\"margin\":" + AndFixed(margin, digits);
   if(StringLen(login) > 0)
      out += ",\"login\":" + AndQuoted(login);
   return out + "}";
  }

string AndPriceJson(const string symbol, const double bid, const double ask, const int digits, const long timestamp_ms)
  {
   string out = "{\"symbol\":";
   out += AndQuoted(symbol) + ",\"bid\":" + DoubleToString(bid, digits) + ",\"ask\":" + DoubleToString(ask, digits);
   return out + ",\"timestamp\":" + IntegerToString(timestamp_ms) + "}";
  }

//--- entries: AndPriceJson joined by commas.
string AndPricesJson(const string entries, const string login)
  {
   string out = "{\"type\":\"prices\",\"prices\":[";
   out += entries + "]";
   if(StringLen(login) > 0)
      out += ",\"login\":" + AndQuoted(login);
   return out + "}";
  }

//--- A member of a flat answer: the text of "name":"text", the digits of "name":123; empty when it is not there.
string AndMember(const string json, const string name)
  {
   string marker = "\"";
   marker += name + "\":";
   int at = StringFind(json, marker);
   if(at < 0)
      return "";
   at += StringLen(marker);
   while(at < StringLen(json) && StringGetCharacter(json, at) == ' ')
      at++;
   if(at >= StringLen(json))
      return "";
   const bool quoted = StringGetCharacter(json, at) == '"';
   if(quoted)
      at++;
   int end = at;
   while(end < StringLen(json))
     {
      const int c = (int)StringGetCharacter(json, end);
      if(quoted && c == '"')
         break;
      if(!quoted && (c == ',' || c == '}' || c == ' '))
         break;
      end++;
     }
   return StringSubstr(json, at, end - at);
  }

#endif
