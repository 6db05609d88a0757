#include "plugin/elf.hpp"

#include <elf.h>

#include <cstring>
#include <optional>

namespace anduin::plugin {
namespace {

constexpr std::size_t kSymbolsMax = 100'000;  // a plugin has dozens; a file that claims millions is damaged

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> file) : file_(file) {}

  template <class T>
  [[nodiscard]] std::optional<T> at(std::uint64_t offset) const {
    if (offset > file_.size() || file_.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, file_.data() + offset, sizeof(T));
    return value;
  }
  [[nodiscard]] std::optional<std::span<const std::uint8_t>> bytes(std::uint64_t offset, std::uint64_t size) const {
    if (offset > file_.size() || size > file_.size() - offset) return std::nullopt;
    return file_.subspan(offset, size);
  }

 private:
  std::span<const std::uint8_t> file_;
};

std::optional<std::string> name_in(std::span<const std::uint8_t> table, std::uint64_t offset) {
  if (offset >= table.size()) return std::nullopt;
  const auto* start = reinterpret_cast<const char*>(table.data()) + offset;
  const std::size_t room = table.size() - offset;
  const std::size_t n = strnlen(start, room);
  if (n == room) return std::nullopt;
  return std::string(start, n);
}

}  // namespace

Result<ElfInfo> read_elf(std::span<const std::uint8_t> file, const std::string& section, const std::string& where) {
  const auto broken = [&](const char* what) {
    return Error{ErrorKind::kBadRequest, where,
                 std::string("not a complete shared object (") + what + "): copy the file again, whole"};
  };
  const Reader reader(file);
  const auto header = reader.at<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return broken("no ELF header");
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_type != ET_DYN)
    return Error{ErrorKind::kBadRequest, where, "not a 64-bit little-endian shared object"};
  if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum == 0) return broken("no section table");

  std::vector<Elf64_Shdr> sections;
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    const auto s = reader.at<Elf64_Shdr>(header->e_shoff + std::uint64_t{i} * sizeof(Elf64_Shdr));
    if (!s) return broken("the section table is cut off");
    sections.push_back(*s);
  }
  if (header->e_shstrndx >= sections.size()) return broken("no section names");
  const auto names = reader.bytes(sections[header->e_shstrndx].sh_offset, sections[header->e_shstrndx].sh_size);
  if (!names) return broken("section names are cut off");

  ElfInfo info;
  for (const Elf64_Shdr& s : sections) {
    if (s.sh_type == SHT_NOBITS) continue;
    const auto body = reader.bytes(s.sh_offset, s.sh_size);
    if (!body) return broken("a section is cut off");
    const auto name = name_in(*names, s.sh_name);
    if (name && *name == section) info.section.assign(body->begin(), body->end());
    if (s.sh_type != SHT_DYNSYM) continue;
    if (s.sh_link >= sections.size() || s.sh_entsize != sizeof(Elf64_Sym)) return broken("bad symbol table");
    const auto strings = reader.bytes(sections[s.sh_link].sh_offset, sections[s.sh_link].sh_size);
    if (!strings || s.sh_size / sizeof(Elf64_Sym) > kSymbolsMax) return broken("bad symbol table");
    for (std::uint64_t off = sizeof(Elf64_Sym); off + sizeof(Elf64_Sym) <= s.sh_size; off += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, body->data() + off, sizeof(symbol));
      const auto symbol_name = name_in(*strings, symbol.st_name);
      if (!symbol_name) return broken("bad symbol name");
      const auto bind = ELF64_ST_BIND(symbol.st_info);
      if (bind == STB_LOCAL || symbol_name->empty()) continue;
      if (symbol.st_shndx == SHN_UNDEF) info.imported.push_back(*symbol_name);
      else if (ELF64_ST_VISIBILITY(symbol.st_other) == STV_DEFAULT && symbol.st_shndx != SHN_ABS)
        info.exported.push_back(*symbol_name);
    }
  }
  return info;
}

}  // namespace anduin::plugin
