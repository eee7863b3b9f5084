// The page of explain and serve: its files as they stand in tools/sluice/page, and one file that holds them all.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tool {

struct PageFile {
  std::string_view name;  // "index.html"
  std::string_view bytes;
  std::string_view sha256;  // hexadecimal
};

// Made by CMake from the folder (tools/sluice/embed.cmake).
std::span<const PageFile> page_files();
// nullptr: there is none of that name.
const PageFile* find_page_file(std::string_view name);

// A page with its styles, scripts and `data` (JSON) inside; it loads nothing, and says so to the browser.
std::string page_with_data(std::string_view data, std::string_view page = "index.html");
// {"schema": 1, "texts": [{"explanations": [...]}], "comparison": ...}; an empty comparison is null.
std::string page_data(const std::vector<std::vector<std::string>>& texts, const std::string& comparison = "");

}  // namespace sluice::tool
