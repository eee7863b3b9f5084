// One writer at a time: another process or thread is refused by name, nobody is refused for long, nothing is left over.
#include "base/lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "errors.h"
#include "files.h"

namespace sluice::lock_test {
namespace {

using test::error_of;
namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class LockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sluice-lock-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ / name; }
  bool empty() const { return fs::is_empty(folder_); }

  fs::path folder_;
};

// What f does in a process of its own, which then lives until `release` is closed.
class Child {
 public:
  template <class F>
  explicit Child(F&& f) {
    int ready[2], release[2];
    EXPECT_EQ(::pipe(ready) + ::pipe(release), 0);
    id_ = ::fork();
    if (id_ == 0) {
      ::close(release[1]);
      f();
      char byte = 0;
      (void)!::write(ready[1], &byte, 1);
      (void)!::read(release[0], &byte, 1);
      ::_exit(0);
    }
    ::close(release[0]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    release_ = release[1];
  }
  ~Child() { end(); }
  pid_t id() const { return id_; }
  void kill() { ::kill(id_, SIGKILL); }
  void end() {
    if (id_ == 0) return;
    ::close(release_);
    ::waitpid(id_, nullptr, 0);
    id_ = 0;
  }

 private:
  pid_t id_ = 0;
  int release_ = -1;
};

// Given back by the end of the process alone.
void hold(const std::string& path) {
  static std::vector<FileLock> held;
  held.emplace_back(path);
}

TEST_F(LockTest, AnotherProcessIsNamedAndItsEndIsEnough) {
  for (const bool killed : {false, true}) {
    Child other([&] { hold(path("a")); });
    const std::string message = error_of(Status::failed, [&] { FileLock lock(path("a")); });
    EXPECT_THAT(message, AllOf(HasSubstr(path("a.lock")), HasSubstr("process " + std::to_string(other.id()))));
    FileLock free(path("b"));
    if (killed) other.kill();
    other.end();
    { FileLock lock(path("a")); }
    EXPECT_FALSE(fs::exists(path("a.lock")));
  }
  EXPECT_TRUE(empty());
}

TEST_F(LockTest, OneFileUnderTwoNamesIsOne) {
  write_file(path("a"), "x", false);
  fs::create_symlink("a", path("link"));
  Child other([&] { hold(path("link")); });
  EXPECT_THAT(error_of(Status::failed, [&] { FileLock lock(path("./a")); }), HasSubstr("writes it too"));
}

TEST_F(LockTest, TheThreadThatHoldsItMayTakeItAgainAndNoOther) {
  {
    std::optional<FileLock> outer(std::in_place, path("a"));
    const FileLock inner(path("a"));
    const FileLock copy = inner;
    std::thread([&] {
      EXPECT_THAT(error_of(Status::failed, [&] { FileLock lock(path("a")); }), HasSubstr("another thread"));
    }).join();
    outer.reset();
    EXPECT_TRUE(fs::exists(path("a.lock")));
    EXPECT_TRUE(FileLock::is_held(path("./a.lock")));
    EXPECT_FALSE(FileLock::is_held(path("a")));
  }
  EXPECT_TRUE(empty());
}

TEST_F(LockTest, AFileOfSomebodyElseIsLeftAsItIs) {
  const auto refused = [&](const std::string& expected) {
    EXPECT_THAT(error_of(Status::failed, [&] { FileLock lock(path("a")); }),
                AllOf(HasSubstr(path("a.lock")), HasSubstr("left as it is"), HasSubstr(expected)));
  };
  for (const std::string mine : {"4711", "4711\n", "my notes", "sluice", "\n"}) {
    write_file(path("a.lock"), mine, true);
    refused("found another one");
    const RawVector<char> left = read_file(path("a.lock"));
    EXPECT_EQ(std::string(left.data(), left.size()), mine);
  }
  fs::remove(path("a.lock"));
  fs::create_symlink("nowhere", path("a.lock"));
  refused("another kind of file");
  EXPECT_FALSE(fs::exists(path("nowhere"))) << "made through the link";
  fs::remove(path("a.lock"));
  ASSERT_EQ(::mkfifo(path("a.lock").c_str(), 0600), 0);
  refused("another kind of file");
  fs::remove(path("a.lock"));
  fs::create_directory(path("a.lock"));
  EXPECT_THAT(error_of(Status::failed, [&] { FileLock lock(path("a")); }), HasSubstr("directory"));
}

// It may be one of ours on a disk that was full: it works as a lock, and stays.
TEST_F(LockTest, AnEmptyFileIsLockedAndKept) {
  write_file(path("a.lock"), "", false);
  {
    Child other([&] { hold(path("a")); });
    EXPECT_THAT(error_of(Status::failed, [&] { FileLock lock(path("a")); }),
                HasSubstr("another process writes it too"));
  }
  { const FileLock lock(path("a")); }
  EXPECT_TRUE(fs::is_empty(path("a.lock")));
}

TEST_F(LockTest, ManyWhoTryAgainComeInOneAtATime) {
  std::atomic<int> inside{0}, most{0}, times{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int got = 0; got < 50;) {
        try {
          const FileLock lock(path("a"));
          most = std::max(most.load(), ++inside);
          std::this_thread::yield();
          --inside;
          ++got;
          ++times;
        } catch (const Error&) {
          std::this_thread::yield();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(times, 200);
  EXPECT_TRUE(empty());
}

TEST_F(LockTest, DevicesAreNotLockedAndPlacesThatCannotBeWrittenAreRefused) {
  const FileLock one("/dev/null"), two("/dev/null");
  EXPECT_FALSE(fs::exists("/dev/null.lock"));
  EXPECT_THAT(error_of(Status::failed, [&] { FileLock lock(path("no/such/a")); }), HasSubstr("No such file"));
}

}  // namespace
}  // namespace sluice::lock_test
