//+------------------------------------------------------------------+
//| From the deals of one position to its closes. Volumes are lots    |
//| x 10^8, money is in the smallest units of the deposit currency.   |
//+------------------------------------------------------------------+
#ifndef ANDUIN_DEALS_MQH
#define ANDUIN_DEALS_MQH

#include "AnduinArrays.mqh"

#define AND_ENTRY_IN 0
#define AND_ENTRY_OUT 1
#define AND_ENTRY_INOUT 2
#define AND_ENTRY_OUT_BY 3

struct AndDeal
  {
   ulong             ticket;
   long              time_ms;         // server time
   bool              is_buy;
   int               entry;           // AND_ENTRY_*
   long              volume;
   double            price;
   long              profit, swap, commission, fee;
  };

struct AndClose
  {
   ulong             ticket;
   bool              is_long, entry_known;
   double            entry_price, exit_price;
   long              volume;
   long              profit, swap, commission, fee;  // of the deal, the part of an opening left out
   long              entry_costs, net;               // net: all of them; what the close was worth
  };

long AndAbs(const long value) { return value < 0 ? -value : value; }

long AndDivisor(const long a, const long b)
  {
   long x = AndAbs(a), y = AndAbs(b);
   while(y != 0)
     {
      const long rest = x % y;
      x = y;
      y = rest;
     }
   return x == 0 ? 1 : x;
  }

//--- total x part / whole, half away from zero. The fraction is shortened first: lots have few digits.
long AndShare(const long total, const long part, const long whole)
  {
   if(whole <= 0)
      return 0;
   const long divisor = AndDivisor(part, whole);
   const long p = part / divisor, w = whole / divisor;
   const long product = AndAbs(total) * p;
   const long share = (product + w / 2) / w;  // w odd: a half cannot come up
   return total < 0 ? -share : share;
  }

//--- Sorts by time, then ticket: histories come as the terminal likes.
void AndSortDeals(AND_OUT(AndDeal, deals))
  {
   for(int i = 1; i < ArraySize(deals); i++)
     {
      AndDeal moved = deals[i];
      int at = i;
      while(at > 0 && (deals[at - 1].time_ms > moved.time_ms ||
                       (deals[at - 1].time_ms == moved.time_ms && deals[at - 1].ticket > moved.ticket)))
        {
         deals[at] = deals[at - 1];
         at--;
        }
      deals[at] = moved;
     }
  }

//--- The closes of one position's buy and sell deals, in order. Returns the volume that is open in the end.
long AndDealsToCloses(AND_OUT(AndDeal, deals), AND_OUT(AndClose, closes))
  {
   AndSortDeals(deals);
   ArrayResize(closes, 0);
   long open = 0, pending = 0;
   double entry = 0.0;
   bool is_long = true;
   for(int i = 0; i < ArraySize(deals); i++)
     {
      AndDeal d = deals[i];
      const long costs = d.commission + d.fee;
      if(d.entry == AND_ENTRY_IN)
        {
         if(open == 0)
            is_long = d.is_buy;
         entry = open == 0 ? d.price : (entry * (double)open + d.price * (double)d.volume) / (double)(open + d.volume);
         open += d.volume;
         pending += costs;
         continue;
        }
      AndClose c;
      c.ticket = d.ticket;
      c.entry_known = open > 0 && (d.entry == AND_ENTRY_INOUT || d.volume <= open);
      c.is_long = open > 0 ? is_long : !d.is_buy;
      c.entry_price = open > 0 ? entry : 0.0;
      c.exit_price = d.price;
      c.volume = open > 0 ? (d.volume < open ? d.volume : open) : d.volume;
      c.profit = d.profit;
      c.swap = d.swap;
      c.commission = d.commission;
      c.fee = d.fee;
      c.entry_costs = open > 0 ? (c.volume == open ? pending : AndShare(pending, c.volume, open)) : 0;
      pending -= c.entry_costs;
      open -= open > 0 ? c.volume : 0;
      if(d.entry == AND_ENTRY_INOUT && d.volume > c.volume)
        {
         //--- The deal turns the position over: what it opens carries its share of the deal's costs.
         const long opened = d.volume - c.volume;
         const long opening_commission = AndShare(d.commission, opened, d.volume);
         const long opening_fee = AndShare(d.fee, opened, d.volume);
         c.commission -= opening_commission;
         c.fee -= opening_fee;
         open = opened;
         pending = opening_commission + opening_fee;
         entry = d.price;
         is_long = d.is_buy;
        }
      c.net = c.profit + c.swap + c.commission + c.fee + c.entry_costs;
      const int size = ArraySize(closes);
      ArrayResize(closes, size + 1);
      closes[size] = c;
     }
   return open;
  }

//--- Base units x 10^8 of that many lots x 10^8.
long AndBaseUnits(const long volume, const double contract_size)
  {
   const long whole = (long)MathRound(contract_size);
   if((double)whole == contract_size)
      return volume * whole;
   return (long)MathRound((double)volume * contract_size);
  }

#endif
