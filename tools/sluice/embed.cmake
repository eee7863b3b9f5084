# Writes OUTPUT, C++ that holds every file of FILES (separated by |) as bytes, with its SHA-256.
#   cmake -D FILES=a|b -D OUTPUT=page_files.cc -P embed.cmake
string(REPLACE "|" ";" FILES "${FILES}")
set(arrays "")
set(list "")
set(index 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  file(SHA256 ${file} sum)
  string(REGEX REPLACE "(................................................................)" "\\1\n" lines "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${lines}")
  string(APPEND arrays "const unsigned char bytes_${index}[] = {\n${bytes}0};\n")
  string(APPEND list "    {\"${name}\", {reinterpret_cast<const char*>(bytes_${index}), sizeof bytes_${index} - 1}, \"${sum}\"},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made from tools/sluice/page by tools/sluice/embed.cmake.
#include \"page.h\"

namespace sluice::tool {
namespace {

${arrays}
const PageFile files[] = {
${list}};

}  // namespace

std::span<const PageFile> page_files() { return files; }

}  // namespace sluice::tool
")
