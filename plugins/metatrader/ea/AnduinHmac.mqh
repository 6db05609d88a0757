//+------------------------------------------------------------------+
//| HMAC-SHA256 and the request signature of the Anduin contract.     |
//| MQL5 has the hash and no HMAC; traps stand where they bite.       |
//+------------------------------------------------------------------+
#ifndef ANDUIN_HMAC_MQH
#define ANDUIN_HMAC_MQH

#include "AnduinArrays.mqh"

#define AND_HASH_BYTES 32
#define AND_BLOCK_BYTES 64

//--- The bytes of a text in UTF-8. StringToCharArray ends them with a zero, which is no part of the text.
void AndBytes(const string text, AND_OUT(uchar, out))
  {
   ArrayResize(out, 0);
   if(StringLen(text) == 0)
      return;
   const int copied = StringToCharArray(text, out, 0, WHOLE_ARRAY, CP_UTF8);
   if(copied > 0 && out[copied - 1] == 0)
      ArrayResize(out, copied - 1);
  }

//--- Two digits a byte: one "%x" for several bytes loses leading zeros.
string AndHex(AND_IN(uchar, bytes))
  {
   const string digits = "0123456789abcdef";
   string out = "";
   for(int i = 0; i < ArraySize(bytes); i++)
     {
      out += StringSubstr(digits, bytes[i] >> 4, 1);
      out += StringSubstr(digits, bytes[i] & 15, 1);
     }
   return out;
  }

//--- False when the terminal cannot hash.
bool AndSha256(AND_IN(uchar, data), AND_OUT(uchar, hash))
  {
   AND_ARRAY(uchar, none);
   ArrayResize(none, 0);
   return CryptEncode(CRYPT_HASH_SHA256, data, none, hash) == AND_HASH_BYTES;
  }

bool AndHmac(AND_IN(uchar, secret), AND_IN(uchar, message), AND_OUT(uchar, mac))
  {
   AND_ARRAY(uchar, key);
   if(ArraySize(secret) > AND_BLOCK_BYTES)
     {
      if(!AndSha256(secret, key))
         return false;
     }
   else
     {
      ArrayResize(key, ArraySize(secret));
      for(int i = 0; i < ArraySize(secret); i++)
         key[i] = secret[i];
     }
   const int used = ArraySize(key);
   ArrayResize(key, AND_BLOCK_BYTES);
   for(int i = used; i < AND_BLOCK_BYTES; i++)
      key[i] = 0;

   const int size = ArraySize(message);
   AND_ARRAY(uchar, inner);
   ArrayResize(inner, AND_BLOCK_BYTES + size);
   for(int i = 0; i < AND_BLOCK_BYTES; i++)
      inner[i] = (uchar)(key[i] ^ 0x36);
   for(int i = 0; i < size; i++)
      inner[AND_BLOCK_BYTES + i] = message[i];
   AND_ARRAY(uchar, digest);
   if(!AndSha256(inner, digest))
      return false;

   AND_ARRAY(uchar, outer);
   ArrayResize(outer, AND_BLOCK_BYTES + AND_HASH_BYTES);
   for(int i = 0; i < AND_BLOCK_BYTES; i++)
      outer[i] = (uchar)(key[i] ^ 0x5c);
   for(int i = 0; i < AND_HASH_BYTES; i++)
      outer[AND_BLOCK_BYTES + i] = digest[i];
   return AndSha256(outer, mac);
  }

//--- What is signed; the body as the bytes that are sent.
string AndSigningText(const string path, const string key_id, const string timestamp, const string nonce,
                      AND_IN(uchar, body))
  {
   AND_ARRAY(uchar, hash);
   if(!AndSha256(body, hash))
      return "";
   string text = "ANDUIN-HMAC-V1\nPOST\n";
   text += path + "\n" + key_id + "\n" + timestamp + "\n" + nonce + "\n" + AndHex(hash);
   return text;
  }

//--- "v1=" and 64 digits; empty when the terminal cannot hash. The secret's characters are the key, undecoded.
string AndSignature(const string secret, const string signing_text)
  {
   if(StringLen(signing_text) == 0)
      return "";
   AND_ARRAY(uchar, key);
   AND_ARRAY(uchar, message);
   AND_ARRAY(uchar, mac);
   AndBytes(secret, key);
   AndBytes(signing_text, message);
   if(!AndHmac(key, message, mac))
      return "";
   string out = "v1=";
   out += AndHex(mac);
   return out;
  }

//--- The lines of a signed request, for WebRequest.
string AndHeaders(const string key_id, const string timestamp, const string nonce, const string signature)
  {
   string out = "Content-Type: application/json\r\nX-Anduin-Key: ";
   out += key_id + "\r\nX-Anduin-Timestamp: " + timestamp + "\r\nX-Anduin-Nonce: " + nonce +
          "\r\nX-Anduin-Signature: " + signature + "\r\n";
   return out;
  }

//--- Known answers before anything is sent: RFC 4231 cases 2 and 6, and a signed request of the contract.
bool AndSelfTest()
  {
   AND_ARRAY(uchar, key);
   AND_ARRAY(uchar, message);
   AND_ARRAY(uchar, mac);
   AndBytes("Jefe", key);
   AndBytes("what do ya want for nothing?", message);
   if(!AndHmac(key, message, mac) ||
      AndHex(mac) != "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
      return false;
   ArrayResize(key, 131);
   for(int i = 0; i < 131; i++)
      key[i] = 0xaa;
   AndBytes("Test Using Larger Than Block-Size Key - Hash Key First", message);
   if(!AndHmac(key, message, mac) ||
      AndHex(mac) != "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
      return false;
   AND_ARRAY(uchar, body);
   string close = "{\n  \"positionId\": \"MT5-67890\",\n  \"symbol\": \"XAUUSD\",\n  \"side\": \"long\",\n";
   close += "  \"entryPrice\": 2050.50,\n  \"exitPrice\": 2075.30,\n  \"size\": 10,\n  \"pnl\": 248.00,\n";
   close += "  \"closedAt\": 1708032123\n}";
   AndBytes(close, body);
   const string text = AndSigningText("/webhook/metatrader", "ea_ic01", "1708032125000", "65ce7f7d0001a2b300000001", body);
   return AndSignature("6b1f0c5d9e3a47b28c40d7715f92ae6330bd84f1c2e95a07d6481b3f7ca0e952", text) ==
          "v1=5b333ee55fa1e814f465c76be46a7867f359084d3bf4b4bcee57618a85bb4d83";
  }

#endif
