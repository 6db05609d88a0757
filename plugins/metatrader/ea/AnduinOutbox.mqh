//+------------------------------------------------------------------+
//| Names of the outbox, and what an answer means for what was sent.  |
//| A close is a file from the moment it is seen until it is known to |
//| be durable on the other side; its bytes never change.             |
//+------------------------------------------------------------------+
#ifndef ANDUIN_OUTBOX_MQH
#define ANDUIN_OUTBOX_MQH

string AndFolder(const string account_ref) { return "Anduin\\" + account_ref; }
string AndStateFile(const string account_ref) { return AndFolder(account_ref) + "\\state.json"; }
//--- box: tmp, out, done or dead.
string AndBox(const string account_ref, const string box) { return AndFolder(account_ref) + "\\" + box; }
string AndBoxFile(const string account_ref, const string box, const string ticket)
  {
   return AndBox(account_ref, box) + "\\" + ticket + ".json";
  }
string AndReasonFile(const string account_ref, const string ticket) { return AndBox(account_ref, "dead") + "\\" + ticket + ".txt"; }

bool AndIsDigits(const string text)
  {
   if(StringLen(text) == 0 || StringLen(text) > 20)
      return false;
   for(int i = 0; i < StringLen(text); i++)
     {
      const int c = (int)StringGetCharacter(text, i);
      if(c < '0' || c > '9')
         return false;
     }
   return true;
  }

//--- The ticket of a file in a box, empty for anything else that lies there.
string AndTicketOf(const string file_name)
  {
   const int size = StringLen(file_name);
   if(size < 6 || StringSubstr(file_name, size - 5) != ".json")
      return "";
   const string ticket = StringSubstr(file_name, 0, size - 5);
   return AndIsDigits(ticket) ? ticket : "";
  }

//--- Tickets as numbers, the older first; they have no leading zeros.
bool AndOlder(const string a, const string b)
  {
   if(StringLen(a) != StringLen(b))
      return StringLen(a) < StringLen(b);
   return StringCompare(a, b) < 0;
  }

bool AndIsRef(const string text)
  {
   if(StringLen(text) == 0 || StringLen(text) > 16)
      return false;
   for(int i = 0; i < StringLen(text); i++)
     {
      const int c = (int)StringGetCharacter(text, i);
      if(!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
         return false;
     }
   return true;
  }

bool AndIsSecret(const string text)
  {
   if(StringLen(text) != 64)
      return false;
   for(int i = 0; i < 64; i++)
     {
      const int c = (int)StringGetCharacter(text, i);
      if(!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
         return false;
     }
   return true;
  }

//--- What to do with a close after an attempt.
enum AndVerdict
  {
   AND_DONE,         // durable on the other side
   AND_DEAD,         // will never pass as it is: a person must look
   AND_KEEP,         // outcome unknown or busy: again after back-off, the same id makes it safe
   AND_KEEP_LATER,   // again in a minute
   AND_SKEW,         // our clock: take the server's, sign anew, once a minute
   AND_NEW_NONCE,    // sign anew at once
   AND_CONFIG,       // nothing will pass: keep all, stop, probe every five minutes
   AND_NOT_ALLOWED   // the URL is not on the terminal's list
  };

//--- status: of WebRequest; last_error: GetLastError() where it is -1; error, result: members of the answer.
AndVerdict AndJudge(const int status, const int last_error, const string error, const string result)
  {
   if(status == -1)
     {
      if(last_error == 4014 || last_error == 4060)
         return AND_NOT_ALLOWED;
      if(last_error == 5200)
         return AND_CONFIG;
      return AND_KEEP;
     }
   if(status < 100 || status > 599)
      return AND_KEEP;  // 1001 and 1003 were reported: no HTTP status, no outcome
   if(status == 200)
     {
      if(result == "accepted" || result == "duplicate" || result == "held" || result == "ok")
         return AND_DONE;
      return AND_KEEP;  // an answer that is not ours: a portal, a proxy
     }
   if(status == 401 && error == "clock_skew")
      return AND_SKEW;
   if(status == 401 && error == "replayed_nonce")
      return AND_NEW_NONCE;
   if(status == 422 && error == "in_future")
      return AND_KEEP_LATER;
   if(status == 400 || status == 409 || status == 413 || status == 415 || status == 422)
      return StringLen(error) > 0 ? AND_DEAD : AND_KEEP;  // only our service may bury a close
   if(status == 408 || status == 429 || status >= 500)
      return AND_KEEP;
   return AND_CONFIG;  // 401, 403, 404, 405, redirects, anything else
  }

//--- 1, 2, 4, ... 60 s and 20 % either way; chance: 0..999. Milliseconds.
long AndBackoffMs(const int failures, const int chance)
  {
   long seconds = 1;
   for(int i = 1; i < failures && seconds < 60; i++)
      seconds *= 2;
   if(seconds > 60)
      seconds = 60;
   return seconds * 800 + seconds * 400 * chance / 999;
  }

//--- 24 hex digits and more: nothing of it repeats within the service's memory of nonces.
string AndNonce(const long local_s, const long tick_ms, const long chart, const long counter)
  {
   string out = StringFormat("%08x", (uint)(local_s & 0xffffffff));
   out += StringFormat("%08x", (uint)(tick_ms & 0xffffffff));
   out += StringFormat("%04x", (uint)(chart & 0xffff));
   out += StringFormat("%08x", (uint)(counter & 0xffffffff));
   return out;
  }

//--- Server time less UTC in seconds, in quarters of an hour; false when that is no time zone.
bool AndUtcOffset(const long trade_server_s, const long utc_s, long &offset_s)
  {
   const long difference = trade_server_s - utc_s;
   const long quarter = 900;
   long rounded = ((difference < 0 ? -difference : difference) + quarter / 2) / quarter * quarter;
   if(difference < 0)
      rounded = -rounded;
   if(rounded < -12 * 3600 || rounded > 14 * 3600)
      return false;
   offset_s = rounded;
   return true;
  }

#endif
