// One writer at a time: another process or thread is refused by name, nobody is refused for long, nothing is left over.
#include "base/lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
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
  }
  EXPECT_TRUE(empty());
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
