//+------------------------------------------------------------------+
//| How arrays are passed. The logic of this folder is compiled by    |
//| two compilers: MetaEditor's, and a C++ one that tests it, which   |
//| brings macros of its own. No other dialect is needed.             |
//+------------------------------------------------------------------+
#ifndef ANDUIN_ARRAYS_MQH
#define ANDUIN_ARRAYS_MQH

#ifdef __MQL5__
#define AND_ARRAY(type, name) type name[]
#define AND_IN(type, name) const type &name[]
#define AND_OUT(type, name) type &name[]
#endif

#endif
