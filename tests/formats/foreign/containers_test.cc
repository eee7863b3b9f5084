// The containers of foreign files: what they hold is read, and what is wrong with them is said in one sentence.
#include <gtest/gtest.h>

#include "errors.h"
#include "foreign_files.h"
#include "formats/foreign/hdf5.h"
#include "formats/foreign/json_tree.h"
#include "formats/foreign/npy.h"
#include "formats/foreign/pytorch.h"
#include "formats/foreign/zip.h"

namespace sluice::foreign::containers_test {
namespace {

using test::error_of;
using test::floats;
using test::little;
using test::PickleWriter;
using test::zip_of;

std::vector<double> values(const RawTensor& tensor) {
  Budget budget(1 << 20, "file");
  const Array array = read_tensor(tensor, "file", budget);
  std::vector<double> made;
  for (std::size_t i = 0; i < array.values.size(); ++i) made.push_back(array.values[i]);
  return made;
}

std::string archive(const std::string& pickle, const std::vector<test::ZipPart>& more = {}) {
  std::vector<test::ZipPart> parts = {{"m/data.pkl", pickle}, {"m/byteorder", "little"}};
  parts.insert(parts.end(), more.begin(), more.end());
  return zip_of(parts);
}

TEST(ForeignZip, HoldsStoredEntriesByName) {
  const std::string bytes = zip_of({{"b", "two"}, {"a", "one"}});
  const Zip zip = read_zip(bytes, "file");
  EXPECT_EQ(zip.read(*zip.find("a")), "one");
  EXPECT_EQ(zip.read(*zip.find("b")), "two");
  EXPECT_EQ(zip.find("c"), nullptr);
}

TEST(ForeignZip, LiesAreNamed) {
  const auto refusal = [](const std::string& bytes) {
    return error_of(Status::bad_file, [&] { read_zip(bytes, "file"); });
  };
  EXPECT_EQ(refusal(zip_of({{"a", "one", 0, 1}})),
            "file: zip archive: expected \"a\" before the directory, found one that reaches into it");
  EXPECT_EQ(refusal(zip_of({{"a", "one", 0, 1 << 20}})),
            "file: zip archive: expected 1048579 bytes at byte 31, found the end of the file");
  EXPECT_EQ(refusal(zip_of({{"a", "one"}, {"a", "two"}})),
            "file: zip archive: expected each name once, found \"a\" twice");
  // The second entry's offset becomes that of the first, whose name is as long.
  std::string overlap = zip_of({{"a", "one"}, {"a", "two"}});
  overlap.replace(overlap.size() - 22 - 5, 4, little(std::uint32_t{0}));
  EXPECT_EQ(refusal(overlap), "file: zip archive: expected entries apart, found \"a\" and \"a\", which overlap");
  EXPECT_EQ(refusal("PK\x03\x04"), "file: zip archive: expected an end record, found a file of 4 bytes");
  std::string many = zip_of({{"a", "one"}});
  many.replace(many.size() - 12, 2, "\xff\xff");
  EXPECT_EQ(refusal(many), "file: zip archive: expected room for 65535 entries, found 47 bytes");
}

TEST(ForeignZip, ACompressedEntryIsRefusedWhenItIsRead) {
  const std::string bytes = zip_of({{"a", "one", 8}});
  const Zip zip = read_zip(bytes, "file");
  EXPECT_EQ(error_of(Status::bad_file, [&] { zip.read(*zip.find("a")); }),
            "file: entry \"a\": expected it stored, found it compressed (save it again without compression)");
}

TEST(ForeignNumpy, ReadsArraysAndRefusesShapesThatWrap) {
  const std::string bytes = zip_of({{"x.npy", test::npy_of("(2, 2)", floats({1, 2, 3, 4}))}});
  EXPECT_EQ(values(read_npz(bytes, "file")[0]), (std::vector<double>{1, 2, 3, 4}));
  const auto refusal = [](const std::string& array) {
    const std::string file = zip_of({{"x.npy", array}});
    return error_of(Status::bad_file, [&] { read_npz(file, "file"); });
  };
  EXPECT_EQ(refusal(test::npy_of("(4294967296, 4294967296)", floats({1}))),
            "file: array \"x\": expected at most 1 numbers there, found the shape [4294967296, 4294967296]");
  EXPECT_EQ(refusal(test::npy_of("(2,)", floats({1, 2}), "|O")),
            "file: array \"x\": expected little-endian numbers, found type \"|O\"");
  EXPECT_EQ(refusal(test::npy_of("(3,)", floats({1, 2}))),
            "file: array \"x\": expected at most 2 numbers there, found the shape [3]");
}

TEST(ForeignPytorch, TensorsShareStoragesWithOffsetsAndStrides) {
  const std::string pickle =
      PickleWriter().tensor("w", "0", 7, 1, {2, 3}, {3, 1}).tensor("t", "0", 7, 1, {3, 2}, {1, 3}).done();
  const std::string bytes = archive(pickle, {{"m/data/0", floats({9, 1, 2, 3, 4, 5, 6})}});
  const std::vector<RawTensor> tensors = read_pytorch(bytes, "file");
  EXPECT_EQ(tensors[0].name, "t");
  EXPECT_EQ(values(tensors[0]), (std::vector<double>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(values(tensors[1]), (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST(ForeignPytorch, APickleThatCallsIsRefusedByName) {
  const auto refusal = [](const std::string& pickle) {
    const std::string bytes = archive(pickle, {{"m/data/0", floats({1})}});
    return error_of(Status::bad_file, [&] { read_pytorch(bytes, "file"); });
  };
  const std::string only =
      "expected tensors and OrderedDict alone (save a state dictionary: torch.save(model.state_dict(), ...)), found "
      "a pickle that wants ";
  EXPECT_EQ(refusal("\x80\x02"
                    "cposix\nsystem\nX\x02\x00\x00\x00ls\x85R."),
            "file: pickle, byte 16: " + only + "\"posix system\"");
  EXPECT_EQ(refusal("\x80\x04\x8c\x08"
                    "builtins\x8c\x04"
                    "eval\x93."),
            "file: pickle, byte 19: " + only + "\"builtins eval\"");
  // What is known is called with what it takes alone.
  EXPECT_EQ(refusal(std::string("\x80\x02") + "ccollections\nOrderedDict\n]\x85R."),
            "file: pickle, byte 30: expected an empty OrderedDict, found one made from arguments");
  EXPECT_EQ(refusal("\x80\x02(((((R."), "file: pickle, byte 8: expected an object on the stack, found none");
  EXPECT_EQ(refusal("\x80\x02}q\x05."),
            "file: pickle, byte 5: expected objects remembered one after another, found number 5");
  EXPECT_EQ(refusal("\x80\x02}"), "file: pickle, byte 3: expected 1 bytes, found the end of the file");
}

TEST(ForeignPytorch, ShapesStayWithinTheirStorage) {
  const auto refusal = [](const std::vector<int>& shape, const std::vector<int>& strides, int offset = 0) {
    const std::string bytes = archive(PickleWriter().tensor("w", "0", 4, offset, shape, strides).done(),
                                      {{"m/data/0", floats({1, 2, 3, 4})}});
    return error_of(Status::bad_file, [&] {
      for (const RawTensor& tensor : read_pytorch(bytes, "file")) values(tensor);
    });
  };
  EXPECT_EQ(refusal({2, 2}, {3, 1}),
            "file: tensor \"w\": expected strides that stay within its 4 numbers, found [3, 1] for shape [2, 2]");
  EXPECT_EQ(
      refusal({2147483647, 2147483647, 2147483647}, {0, 0, 0}),
      "file: tensor \"w\": expected at most 4 numbers there, found the shape [2147483647, 2147483647, 2147483647]");
  EXPECT_EQ(refusal({1}, {1}, 5), "file: tensor \"w\": expected an offset within 4 numbers, found 5");
}

TEST(ForeignPytorch, NamesForTheSameBytesDoNotFillTheMemory) {
  RawTensor tensor = {"w", Type::f32, {1 << 20}, {}, {}};
  const std::string bytes(4 << 20, '\0');
  tensor.bytes = bytes;
  Budget budget(bytes.size(), "file");
  EXPECT_EQ(error_of(Status::bad_file,
                     [&] {
                       for (int i = 0; i < 100; ++i) read_tensor(tensor, "file", budget);
                     }),
            "file: expected tensors that hold no more than the file, found the same bytes used again and again");
}

TEST(ForeignHdf5, ReadsGroupsDatasetsAndTexts) {
  test::Hdf5Writer writer;
  const std::uint64_t data = writer.dataset({2, 2}, floats({1, 2, 3, 4}));
  const std::uint64_t inner = writer.group({{"kernel", data}}, {{"kind", "dense"}});
  const std::string bytes = writer.done(writer.group({{"layer", inner}}));
  const Hdf5 file = read_hdf5(bytes, "file");
  ASSERT_EQ(file.datasets.size(), 1u);
  EXPECT_EQ(file.datasets[0].name, "layer/kernel");
  EXPECT_EQ(file.datasets[0].shape, (Shape{2, 2}));
  EXPECT_EQ(values(file.datasets[0]), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(file.find_text("layer", "kind")->front(), "dense");
}

TEST(ForeignHdf5, CirclesAndOffsetsPastTheEndAreRefused) {
  test::Hdf5Writer writer;
  const std::uint64_t root = writer.group({{"a", 96}});
  std::string circle = writer.done(root);
  circle.replace(writer.tree + 32, 8, little(writer.tree));  // the tree's child is the tree
  EXPECT_EQ(error_of(Status::bad_file, [&] { read_hdf5(circle, "file"); }),
            "file: HDF5: expected each node of a tree once, found one that comes again");
  test::Hdf5Writer again;
  const std::uint64_t own = again.group({{"a", 96}});
  std::string loop = again.done(own);
  const std::size_t entry = loop.find(std::string("SNOD")) + 8 + 8;
  loop.replace(entry, 8, little(own));  // a group within itself
  EXPECT_EQ(error_of(Status::bad_file, [&] { read_hdf5(loop, "file"); }),
            "file: HDF5: expected each object once, found one that comes again");
  loop.replace(entry, 8, little(std::uint64_t{1} << 40));
  EXPECT_EQ(error_of(Status::bad_file, [&] { read_hdf5(loop, "file"); }),
            "file: HDF5: expected an address within the file, found 1099511627776");
  test::Hdf5Writer lying;
  const std::uint64_t data = lying.dataset({std::uint64_t{1} << 33, std::uint64_t{1} << 33}, floats({1}));
  const std::string bytes = lying.done(lying.group({{"a", data}}));
  EXPECT_EQ(error_of(Status::bad_file, [&] { read_hdf5(bytes, "file"); }),
            "file: \"a\": expected at most 1 numbers there, found the shape [8589934592, 8589934592]");
}

TEST(ForeignJson, IsBounded) {
  const JsonNode node = read_json(R"({"a": [1, 2.5], "b": [1, null, "x"]})", "file");
  EXPECT_EQ(node.find("a")->numbers, (std::vector<float>{1, 2.5}));
  EXPECT_EQ(node.find("b")->items.size(), 3u);
  const std::string what = "file: expected JSON of at most 64 levels and 2^18 values, found ";
  EXPECT_EQ(error_of(Status::bad_file, [&] { read_json(std::string(1 << 20, '['), "file"); }), what + "more levels");
  std::string wide = "[[]";
  for (int i = 0; i < (1 << 18); ++i) wide += ",[]";
  EXPECT_EQ(error_of(Status::bad_file, [&] { read_json(wide + "]", "file"); }), what + "more values");
  EXPECT_EQ(error_of(Status::bad_file, [&] { read_json(R"({"a": 1, "a": 2})", "file"); }),
            what + "the key \"a\" a second time");
}

}  // namespace
}  // namespace sluice::foreign::containers_test
