#include "plugins/metatrader/terminal.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

namespace anduin::mql {

namespace fs = std::filesystem;

fs::path Terminal::path(const string& name) const {
  std::string text = name.v;
  std::replace(text.begin(), text.end(), '\\', '/');
  return files / text;
}

bool Terminal::HistorySelect(datetime from, datetime to) {
  selected_.clear();
  for (const Deal& d : history)
    if (d.time_ms / 1'000 >= from && d.time_ms / 1'000 <= to) selected_.push_back(d);
  return true;
}

bool Terminal::HistorySelectByPosition(ulong position) {
  selected_.clear();
  for (const Deal& d : history)
    if (static_cast<ulong>(d.position) == position) selected_.push_back(d);
  return true;
}

/// Only what is selected can be asked, as in the terminal.
const Terminal::Deal* Terminal::deal(ulong ticket) const {
  const auto it = std::find_if(selected_.begin(), selected_.end(), [&](const Deal& d) { return d.ticket == ticket; });
  return it == selected_.end() ? nullptr : &*it;
}

long Terminal::HistoryDealGetInteger(ulong ticket, ENUM_DEAL_PROPERTY_INTEGER what) const {
  const Deal* d = deal(ticket);
  if (!d) return 0;
  switch (what) {
    case DEAL_TYPE: return d->type;
    case DEAL_ENTRY: return d->entry;
    case DEAL_REASON: return d->reason;
    case DEAL_TIME_MSC: return d->time_ms;
    case DEAL_POSITION_ID: return d->position;
  }
  return 0;
}

double Terminal::HistoryDealGetDouble(ulong ticket, ENUM_DEAL_PROPERTY_DOUBLE what) const {
  const Deal* d = deal(ticket);
  if (!d) return 0;
  switch (what) {
    case DEAL_VOLUME: return d->volume;
    case DEAL_PRICE: return d->price;
    case DEAL_PROFIT: return d->profit;
    case DEAL_SWAP: return d->swap;
    case DEAL_COMMISSION: return d->commission;
    case DEAL_FEE: return d->fee;
  }
  return 0;
}

string Terminal::HistoryDealGetString(ulong ticket, ENUM_DEAL_PROPERTY_STRING) const {
  const Deal* d = deal(ticket);
  return d ? d->symbol : std::string();
}

int Terminal::FileOpen(const string& name, int flags) {
  Open o;
  o.path = path(name);
  o.write = (flags & FILE_WRITE) != 0;
  if (o.write) {
    if (disk_full) return INVALID_HANDLE;
  } else {
    std::ifstream in(o.path, std::ios::binary);
    if (!in) return INVALID_HANDLE;
    o.bytes.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  open_[++last_file_] = std::move(o);
  return last_file_;
}

uint Terminal::FileWriteArray(int file, const Array<uchar>& bytes, int, int count) {
  open_.at(file).bytes.append(reinterpret_cast<const char*>(bytes.items.data()), static_cast<std::size_t>(count));
  return static_cast<uint>(count);
}

uint Terminal::FileReadArray(int file, Array<uchar>& bytes) {
  const Open& o = open_.at(file);
  bytes.items.assign(o.bytes.begin(), o.bytes.end());
  return static_cast<uint>(o.bytes.size());
}

void Terminal::FileClose(int file) {
  const Open& o = open_.at(file);
  if (o.write) std::ofstream(o.path, std::ios::binary | std::ios::trunc) << o.bytes;
  open_.erase(file);
}

bool Terminal::FileMove(const string& from, int, const string& to, int) {
  std::error_code fault;
  fs::rename(path(from), path(to), fault);
  return !fault;
}

long Terminal::FileGetInteger(const string& name, ENUM_FILE_INTEGER) const {
  std::error_code fault;
  const auto at = fs::last_write_time(path(name), fault);
  if (fault) return -1;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(fs::file_time_type::clock::now() - at).count();
  return TimeLocal() - age;
}

bool Terminal::FolderCreate(const string& name) {
  std::error_code fault;
  fs::create_directories(path(name), fault);
  return !fault;
}

long Terminal::FileFindFirst(const string& filter, string& name) {
  found_.clear();
  const fs::path folder = path(filter).parent_path();
  std::error_code fault;
  for (const auto& entry : fs::directory_iterator(folder, fault))
    if (entry.path().extension() == ".json") found_.push_back(entry.path().filename().string());
  std::sort(found_.begin(), found_.end());  // by text, as a file system may: the program sorts by number itself
  std::reverse(found_.begin(), found_.end());
  return FileFindNext(0, name) ? 1 : INVALID_HANDLE;
}

bool Terminal::FileFindNext(long, string& name) {
  if (found_.empty()) return false;
  name = found_.back();
  found_.pop_back();
  return true;
}

int Terminal::WebRequest(const string&, const string& url, const string& headers, int timeout_ms, const Array<char>& data,
                         Array<char>& result, string& result_headers) {
  Web w;
  w.url = url.v;
  w.headers = headers.v;
  w.body.assign(data.items.begin(), data.items.end());
  w.timeout_ms = timeout_ms;
  web(w);
  result_headers = "";
  if (w.status == -1) {
    last_error_ = w.error;
    return -1;
  }
  result.items.assign(w.answer.begin(), w.answer.end());
  return w.status;
}

}  // namespace anduin::mql
