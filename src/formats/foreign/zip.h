// Zip archives of stored entries: what PyTorch, NumPy and Keras write. A compressed entry is refused.
// Format: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3 and 4.5 (zip64).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::foreign {

struct ZipEntry {
  std::string name;
  bool stored = true;
  std::string_view bytes;  // views into the file; empty where it is compressed
};

struct Zip {
  std::string where;
  std::vector<ZipEntry> entries;  // by name

  // The entry of that name; nullptr when there is none.
  const ZipEntry* find(std::string_view name) const;
  // Its bytes. Throws Error (bad_file) when it is compressed.
  std::string_view read(const ZipEntry& entry) const;
};

bool is_zip(std::string_view bytes);

// Throws Error (bad_file): sizes and offsets that leave the file or overlap, names twice, a header that says otherwise
// than the directory.
Zip read_zip(std::string_view bytes, const std::string& where);

}  // namespace sluice::foreign
