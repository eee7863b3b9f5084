// Whole files in and out: what is written is read, nothing is lost when something goes wrong, and nothing is left over.
#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "errors.h"
#include "files.h"

namespace sluice::file_test {
namespace {

using test::error_of;
using test::text_of;
namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sluice-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    fs::permissions(folder_, fs::perms::owner_all);
    fs::remove_all(folder_);
  }
  std::string path(const std::string& name) const { return folder_ / name; }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(FileTest, WhatIsWrittenIsRead) {
  for (const std::size_t size : {0u, 1u, 4095u, 4096u, 3000000u}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 257);
    write_file(path("a"), bytes, true);
    EXPECT_EQ(text_of(path("a")), bytes);
  }
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, NewFileHasTheUsualPermissionsAndAReplacedOneKeepsItsOwn) {
  const mode_t mask = ::umask(027);
  write_file(path("a"), "new", false);
  ::umask(mask);
  EXPECT_EQ(static_cast<unsigned>(fs::status(path("a")).permissions()), 0640u);
  fs::permissions(path("a"), fs::perms(0604));
  write_file(path("a"), "newer", true);
  EXPECT_EQ(static_cast<unsigned>(fs::status(path("a")).permissions()), 0604u);
}

TEST_F(FileTest, ExistingFileIsKeptWithoutForce) {
  write_file(path("a"), "old", false);
  const auto again = [&] { write_file(path("a"), "new", false); };
  EXPECT_THAT(error_of(Status::failed, again), AllOf(HasSubstr(path("a")), HasSubstr("exists"), HasSubstr("--force")));
  EXPECT_THAT(error_of(Status::failed, [&] { check_writable(path("a"), false); }), HasSubstr("exists"));
  EXPECT_EQ(text_of(path("a")), "old");
  check_writable(path("a"), true);
  write_file(path("a"), "new", true);
  EXPECT_EQ(text_of(path("a")), "new");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, SymbolicLinkStaysOne) {
  fs::create_directory(folder_ / "there");
  write_file(path("there/real"), "old", false);
  fs::create_symlink("there/real", path("link"));
  write_file(path("link"), "new", true);
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(text_of(path("there/real")), "new");
  fs::create_symlink("nowhere", path("dangling"));
  EXPECT_THAT(error_of(Status::failed, [&] { write_file(path("dangling"), "x", false); }), HasSubstr("exists"));
  // Replaced by a file with the permissions of a new one.
  write_file(path("dangling"), "x", true);
  write_file(path("new"), "x", false);
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(path("dangling"))));
  EXPECT_EQ(fs::status(path("dangling")).permissions(), fs::status(path("new")).permissions());
}

TEST_F(FileTest, PlaceThatCannotBeWritten) {
  const auto message = [&](const std::string& to) {
    const std::string checked = error_of(Status::failed, [&] { check_writable(to, true); });
    EXPECT_EQ(error_of(Status::failed, [&] { write_file(to, "x", true); }), checked);
    return checked;
  };
  write_file(path("file"), "x", false);
  EXPECT_THAT(message(path("no/such/a")), AllOf(HasSubstr(path("no/such/a")), HasSubstr("No such file")));
  EXPECT_THAT(message(folder_), HasSubstr("directory"));
  EXPECT_THAT(message(path("new/")), HasSubstr("cannot write"));
  EXPECT_THAT(message(path("file/a")), HasSubstr("Not a directory"));
  EXPECT_THAT(message(""), HasSubstr("empty"));
  EXPECT_THAT(message(path(std::string(300, 'x'))), HasSubstr("too long"));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, PlacesWithoutPermission) {
  write_file(path("a"), "x", false);
  fs::permissions(path("a"), fs::perms::none);
  fs::permissions(folder_, fs::perms(0555));
  // Root may do everything, so somebody else tries.
  const bool root = ::geteuid() == 0;
  ASSERT_EQ(::seteuid(root ? 65534 : ::geteuid()), 0);
  const std::string read = error_of(Status::bad_file, [&] { text_of(path("a")); });
  const std::string checked = error_of(Status::failed, [&] { check_writable(path("b"), false); });
  const std::string written = error_of(Status::failed, [&] { write_file(path("b"), "x", false); });
  ASSERT_EQ(::seteuid(root ? 0 : ::geteuid()), 0);
  EXPECT_THAT(read, AllOf(HasSubstr(path("a")), HasSubstr("ermission")));
  EXPECT_THAT(checked, AllOf(HasSubstr(path("b")), HasSubstr("ermission")));
  EXPECT_EQ(written, checked);
}

// A limit on the size of files stands for a disk that is full in the middle of a write.
TEST_F(FileTest, FailedWriteLeavesTheOldFileAndNothingElse) {
  write_file(path("a"), "old", false);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = old;
  small.rlim_cur = 1 << 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    write_file(path("a"), std::string(3 << 20, 'x'), true);
  } catch (const Error& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, AllOf(HasSubstr(path("a")), HasSubstr("too large")));
  EXPECT_EQ(text_of(path("a")), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, FullDisk) {
  const std::string disk = path("disk");
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) GTEST_SKIP() << "no right to mount a small disk";
  write_file(disk + "/a", "old", false);
  const std::string message =
      error_of(Status::failed, [&] { write_file(disk + "/a", std::string(200000, 'x'), true); });
  EXPECT_THAT(message, AllOf(HasSubstr(disk + "/a"), HasSubstr("space")));
  EXPECT_EQ(text_of(disk + "/a"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(disk), fs::directory_iterator()), 1);
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

TEST_F(FileTest, DevicesAndPipesAreWrittenToAsTheyAre) {
  write_file("/dev/null", "x", false);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_THAT(error_of(Status::failed, [] { write_file("/dev/full", "x", false); }), HasSubstr("space"));

  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = text_of(path("pipe")); });
  const std::string bytes(300000, 'p');
  write_file(path("pipe"), bytes, false);
  reader.join();
  EXPECT_EQ(got, bytes);
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
}

TEST_F(FileTest, OpenStreamIsNotReplaced) {
  const int fd = ::open(path("stream").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, "before ", 7), 7);
  write_file("/dev/fd/" + std::to_string(fd), "after", false);
  char text[20] = {};
  EXPECT_EQ(::pread(fd, text, sizeof text, 0), 12);
  EXPECT_STREQ(text, "before after");
  ::close(fd);
}

TEST_F(FileTest, FilesThatCannotBeRead) {
  const auto message = [](const std::string& from) { return error_of(Status::bad_file, [&] { text_of(from); }); };
  EXPECT_THAT(message(path("nowhere")), AllOf(HasSubstr(path("nowhere")), HasSubstr("none of that name")));
  EXPECT_THAT(message(folder_), AllOf(HasSubstr(folder_.string()), HasSubstr("directory")));
  EXPECT_THAT(message("/dev/zero"), HasSubstr("a device"));
  EXPECT_EQ(text_of("/proc/self/stat").empty(), false);  // a file that says its size is 0
  write_file(path("a"), "12345", false);
  EXPECT_EQ(text_of(path("a"), 5), "12345");
  EXPECT_THAT(error_of(Status::bad_file, [&] { text_of(path("a"), 4); }), AllOf(HasSubstr("4 bytes"), HasSubstr("5")));
}

TEST_F(FileTest, ManyWritersAtOnceLeaveOneWholeFile) {
  std::vector<std::thread> writers;
  for (char c = 'a'; c < 'e'; ++c) {
    writers.emplace_back([&, c] {
      for (int i = 0; i < 20; ++i) write_file(path("a"), std::string(50000, c), true);
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string bytes = text_of(path("a"));
  EXPECT_EQ(bytes, std::string(50000, bytes[0]));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, SeveralFilesAreAllWrittenOrNone) {
  const std::string a = path("a"), b = path("b");
  const auto write = [&](std::string_view first, std::string_view second, bool force) {
    const FileBytes files[] = {{a, first}, {b, second}};
    write_files(files, force);
  };
  write("a1", "b1", false);
  write("a2", "b2", true);
  EXPECT_EQ(text_of(a) + text_of(b), "a2b2");
  fs::remove(a);
  EXPECT_THAT(error_of(Status::failed, [&] { write("a3", "b3", false); }), HasSubstr("exists"));
  EXPECT_FALSE(fs::exists(a));
  EXPECT_EQ(entries(), 1u);
  // What goes to a device can fail as well.
  const FileBytes files[] = {{a, "a4"}, {"/dev/full", "x"}};
  EXPECT_THAT(error_of(Status::failed, [&] { write_files(files, true); }), HasSubstr("space"));
  EXPECT_FALSE(fs::exists(a));
}

// A file that something is mounted on can be looked at, but not replaced.
TEST_F(FileTest, ASetThatFailsLateGoesBack) {
  const std::string old = path("old"), none = path("none"), stuck = path("stuck");
  for (const std::string& file : {old, stuck}) write_file(file, "before", false);
  if (::mount(old.c_str(), stuck.c_str(), nullptr, MS_BIND, nullptr) != 0) GTEST_SKIP() << "no right to mount";
  const FileBytes files[] = {{old, "after"}, {none, "after"}, {stuck, "after"}};
  const std::string message = error_of(Status::failed, [&] { write_files(files, true); });
  ASSERT_EQ(::umount(stuck.c_str()), 0);
  EXPECT_THAT(message, HasSubstr(stuck));
  EXPECT_EQ(text_of(old), "before");
  EXPECT_FALSE(fs::exists(none));
  EXPECT_EQ(entries(), 2u);
}

// A child that writes `bytes` to a file as far as `most` bytes and is killed there.
void write_and_be_killed(const std::string& path, std::size_t most) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit = {most, most};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_DFL);
    write_file(path, std::string(2 * most, 'x'), true);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST_F(FileTest, WhatAKillLeftIsRemovedByTheNextWriter) {
  write_file(path("a"), "old", false);
  write_and_be_killed(path("a"), 100000);
  write_and_be_killed(path("b"), 100000);
  ASSERT_EQ(entries(), 3u);
  write_file(path("c"), "another file's are not its business", false);
  EXPECT_EQ(entries(), 4u);
  write_file(path("a"), "new", true);
  EXPECT_EQ(entries(), 3u);
  write_file(path("b"), "new", true);
  EXPECT_EQ(entries(), 3u);
  EXPECT_EQ(text_of(path("a")), "new");
}

}  // namespace
}  // namespace sluice::file_test
