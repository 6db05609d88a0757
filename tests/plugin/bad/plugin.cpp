// A plugin written against the C header alone, wrong in one way chosen at compile time.
#include <cstring>

#include "anduin/plugin.h"

#if defined(BAD_SOCKET)
#include <sys/socket.h>
#endif

#define MANIFEST_HEAD "{\"schema\":1,\"id\":\"bad\",\"name\":\"Bad\",\"version\":\"1.0\",\"abi\":{\"major\":1,\"minor\":0,\"minor_min\":"
#define MANIFEST_TAIL "},\"venue\":{\"name\":\"Bad\",\"type\":\"cex\",\"position_ids\":\"venue\"},\"feeds\":{\"prices\":\"stable\"},\"endpoints\":[{\"id\":\"p\",\"kind\":\"ws\",\"url\":\"wss://x.example/\"}],\"limits\":{\"records_per_input\":10}}"
#if defined(BAD_NEWER_MINOR)
#define MANIFEST MANIFEST_HEAD "9" MANIFEST_TAIL
#else
#define MANIFEST MANIFEST_HEAD "0" MANIFEST_TAIL
#endif

namespace {

#if !defined(BAD_NO_MANIFEST)
__attribute__((section(".anduin"), used)) const char kManifest[] = MANIFEST;  // with its terminating zero
#endif
const char kText[] = MANIFEST;

const and_host_v1* g_host = nullptr;
int g_instance = 0;

int32_t create(const and_host_v1* host, and_bytes, void** inst) {
  g_host = host;
  *inst = &g_instance;
  return AND_OK;
}
void destroy(void*) {}
int32_t step(void*, const and_in* const*, uint32_t) {
#if defined(BAD_SOCKET)
  return socket(AF_INET, SOCK_STREAM, 0);
#elif defined(BAD_RECORD)
  and_rec_status r;
  std::memset(&r, 0, sizeof r);
  r.h.size = sizeof r;
  r.h.kind = AND_REC_STATUS;
  r.h.fixed = sizeof r;
  r.feed.off = sizeof r;
  r.feed.len = 4096;  // far behind the record
  return g_host->emit(g_host->ctx, &r.h);
#elif defined(BAD_FLOOD)
  and_rec r;
  std::memset(&r, 0, sizeof r);
  r.size = r.fixed = sizeof r;
  r.kind = AND_REC_DIAL;
  for (int i = 0; i < 1000; ++i)
    if (g_host->emit(g_host->ctx, &r) != AND_OK) return AND_E_LIMIT;
  return AND_OK;
#elif defined(BAD_FATAL)
  return AND_E_FATAL;
#else
  return AND_OK;
#endif
}
int32_t save(void*, and_buf*) { return AND_E_UNSUPPORTED; }
int32_t restore(void*, and_bytes) { return AND_E_UNSUPPORTED; }
const void* get_ext(const char*) { return nullptr; }

}  // namespace

#if defined(BAD_SECOND_SYMBOL)
extern "C" ANDUIN_EXPORT int another_symbol;
int another_symbol = 1;
#endif

#if defined(BAD_OTHER_MAJOR)
extern "C" ANDUIN_EXPORT const and_plugin_v1 anduin_plugin_v2;
extern "C" ANDUIN_EXPORT const and_plugin_v1 anduin_plugin_v2 =
#else
extern "C" ANDUIN_EXPORT const and_plugin_v1 anduin_plugin_v1 =
#endif
    {sizeof(and_plugin_v1), 0, 0, "bad", "1.0", create, destroy, step, save, restore, get_ext, kText, sizeof(MANIFEST) - 1};
