#include "formats/foreign/zip.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

constexpr std::uint32_t local_magic = 0x04034b50, central_magic = 0x02014b50, end_magic = 0x06054b50,
                        end64_magic = 0x06064b50, locator_magic = 0x07064b50;
constexpr std::uint32_t in_zip64 = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t local_bytes = 30, central_bytes = 46, end_bytes = 22, locator_bytes = 20, end64_bytes = 56;

// Where an entry lies, by the central directory.
struct Record {
  std::string name;
  std::uint16_t method = 0, flags = 0;
  std::uint64_t size = 0, packed = 0, offset = 0;  // offset: of its local header
  std::uint64_t first = 0, last = 0;               // of local header and bytes
};

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  Zip read() {
    find_directory();
    std::vector<Record> records;
    std::uint64_t at = directory_;
    for (std::uint64_t i = 0; i < count_; ++i) records.push_back(central_record(at));
    if (at != directory_ + directory_bytes_) {
      refuse("a directory of " + std::to_string(directory_bytes_) + " bytes", std::to_string(at - directory_));
    }
    Zip zip = {where_, {}};
    for (Record& record : records) zip.entries.push_back(entry(record));
    check_apart(std::move(records));
    std::ranges::sort(zip.entries, {}, &ZipEntry::name);
    for (std::size_t i = 1; i < zip.entries.size(); ++i) {
      const std::string& name = zip.entries[i].name;
      if (name == zip.entries[i - 1].name) refuse("each name once", shown(name) + " twice");
    }
    return zip;
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw Error(Status::bad_file, where_ + ": zip archive: expected " + expected + ", found " + found);
  }

  // A number of the file; within it or refused.
  template <class T>
  T number(std::uint64_t at) const {
    if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) {
      refuse("a number at byte " + std::to_string(at), "the end of the file");
    }
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  std::string_view text(std::uint64_t at, std::uint64_t size) const {
    if (at > bytes_.size() || bytes_.size() - at < size) {
      refuse(std::to_string(size) + " bytes at byte " + std::to_string(at), "the end of the file");
    }
    return bytes_.substr(at, size);
  }

  // The end record stands last, but for a comment.
  void find_directory() {
    const std::uint64_t size = bytes_.size();
    const std::uint64_t farthest = size > end_bytes + 65535 ? size - end_bytes - 65535 : 0;
    if (size < end_bytes) refuse("an end record", "a file of " + std::to_string(size) + " bytes");
    std::uint64_t end = size - end_bytes;
    while (number<std::uint32_t>(end) != end_magic || number<std::uint16_t>(end + 20) != size - end - end_bytes) {
      if (end == farthest) refuse("an end record", "none");
      --end;
    }
    count_ = number<std::uint16_t>(end + 10);
    directory_bytes_ = number<std::uint32_t>(end + 12);
    directory_ = number<std::uint32_t>(end + 16);
    std::uint64_t behind = end;
    if (end >= locator_bytes && number<std::uint32_t>(end - locator_bytes) == locator_magic) {
      const std::uint64_t end64 = number<std::uint64_t>(end - locator_bytes + 8);
      if (number<std::uint32_t>(end64) != end64_magic) refuse("a zip64 end record where the locator points", "none");
      text(end64, end64_bytes);
      count_ = number<std::uint64_t>(end64 + 32);
      directory_bytes_ = number<std::uint64_t>(end64 + 40);
      directory_ = number<std::uint64_t>(end64 + 48);
      behind = end64;
    }
    if (directory_ > behind || directory_bytes_ > behind - directory_) {
      refuse("a directory that ends at byte " + std::to_string(behind) + " or before", "one that does not");
    }
    if (count_ > directory_bytes_ / central_bytes) {
      refuse("room for " + std::to_string(count_) + " entries", std::to_string(directory_bytes_) + " bytes");
    }
  }

  Record central_record(std::uint64_t& at) const {
    if (number<std::uint32_t>(at) != central_magic) refuse("a directory entry at byte " + std::to_string(at), "none");
    Record record;
    record.flags = number<std::uint16_t>(at + 8);
    record.method = number<std::uint16_t>(at + 10);
    record.packed = number<std::uint32_t>(at + 20);
    record.size = number<std::uint32_t>(at + 24);
    const std::uint64_t name = number<std::uint16_t>(at + 28), extra = number<std::uint16_t>(at + 30),
                        comment = number<std::uint16_t>(at + 32);
    record.offset = number<std::uint32_t>(at + 42);
    record.name = text(at + central_bytes, name);
    read_zip64(text(at + central_bytes + name, extra), record);
    at += central_bytes + name + extra + comment;
    if (at > bytes_.size()) refuse("a directory within the file", "one that leaves it");
    if (record.flags & 1) refuse("entries that are not encrypted", shown(record.name));
    return record;
  }

  // What does not fit 32 bits stands in an extra field, in this order.
  static void read_zip64(std::string_view extra, Record& record) {
    while (extra.size() >= 4) {
      std::uint16_t id, size;
      std::memcpy(&id, extra.data(), 2);
      std::memcpy(&size, extra.data() + 2, 2);
      extra.remove_prefix(4);
      if (size > extra.size()) return;
      std::string_view field = extra.substr(0, size);
      extra.remove_prefix(size);
      if (id != 1) continue;
      for (std::uint64_t* wide : {&record.size, &record.packed, &record.offset}) {
        if (*wide != in_zip64 || field.size() < 8) continue;
        std::memcpy(wide, field.data(), 8);
        field.remove_prefix(8);
      }
    }
  }

  ZipEntry entry(Record& record) const {
    const std::uint64_t at = record.offset;
    if (number<std::uint32_t>(at) != local_magic) refuse("an entry at byte " + std::to_string(at), "none");
    const std::uint64_t name = number<std::uint16_t>(at + 26), extra = number<std::uint16_t>(at + 28);
    if (text(at + local_bytes, name) != record.name) {
      refuse("the name " + shown(record.name), shown(text(at + local_bytes, name)));
    }
    if (number<std::uint16_t>(at + 8) != record.method) refuse("one method for " + shown(record.name), "two");
    const std::uint64_t data = at + local_bytes + name + extra;
    const std::string_view bytes = text(data, record.packed);
    record.first = at;
    record.last = data + record.packed;
    if (record.last > directory_) refuse(shown(record.name) + " before the directory", "one that reaches into it");
    const bool stored = record.method == 0;
    if (stored && record.size != record.packed) {
      refuse("one size for " + shown(record.name),
             std::to_string(record.size) + " and " + std::to_string(record.packed));
    }
    return {record.name, stored, stored ? bytes : std::string_view()};
  }

  void check_apart(std::vector<Record> records) const {
    std::ranges::sort(records, {}, &Record::first);
    for (std::size_t i = 1; i < records.size(); ++i) {
      if (records[i].first < records[i - 1].last) {
        refuse("entries apart", shown(records[i - 1].name) + " and " + shown(records[i].name) + ", which overlap");
      }
    }
  }

  std::string_view bytes_;
  const std::string& where_;
  std::uint64_t count_ = 0, directory_ = 0, directory_bytes_ = 0;
};

}  // namespace

const ZipEntry* Zip::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(entries, name, {}, &ZipEntry::name);
  return found == entries.end() || found->name != name ? nullptr : &*found;
}

std::string_view Zip::read(const ZipEntry& entry) const {
  if (entry.stored) return entry.bytes;
  throw Error(Status::bad_file, where + ": entry " + shown(entry.name) +
                                    ": expected it stored, found it compressed (save it again without compression)");
}

bool is_zip(std::string_view bytes) { return bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06"); }

Zip read_zip(std::string_view bytes, const std::string& where) { return Reader(bytes, where).read(); }

}  // namespace sluice::foreign
