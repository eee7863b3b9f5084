// See event_file.h. Fields are numbered as in TensorFlow's event.proto, summary.proto and histogram.proto.
#include "event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <protozero/pbf_writer.hpp>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "terminal.h"

namespace sluice::tool {
namespace {

namespace fs = std::filesystem;
using Writer = protozero::pbf_writer;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);  // Castagnoli's polynomial
    table[i] = crc;
  }
  return table;
}

// CRC-32C, masked as records have it, so that a checksum of checksums is none.
std::uint32_t checksum(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_table();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

template <class T>
std::string little_endian(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

void add_scalar(std::string& summary, const std::string& tag, double value) {
  std::string one;
  Writer writer(one);
  writer.add_string(1, tag);
  writer.add_float(2, static_cast<float>(value));
  Writer(summary).add_message(1, one);
}

void add_histogram(std::string& summary, const std::string& tag, const GateHistogram& gate) {
  std::array<double, GateHistogram::bins> ends{}, counts{};
  double all = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    ends[i] = static_cast<double>(i + 1) / static_cast<double>(ends.size());
    counts[i] = static_cast<double>(gate.counts[i]);
    all += counts[i];
  }
  std::string histogram, one;
  Writer of(histogram);
  of.add_double(1, 0);  // where the first bin begins and the last ends
  of.add_double(2, 1);
  of.add_double(3, all);
  of.add_double(4, gate.sum);
  of.add_double(5, gate.sum_of_squares);
  of.add_packed_double(6, ends.begin(), ends.end());
  of.add_packed_double(7, counts.begin(), counts.end());
  Writer writer(one);
  writer.add_string(1, tag);
  writer.add_message(5, histogram);
  Writer(summary).add_message(1, one);
}

// Of a folder, the files that TensorBoard reads.
std::vector<fs::path> event_files(const std::string& folder) {
  std::vector<fs::path> found;
  std::error_code unreadable;
  for (fs::directory_iterator one(folder, unreadable), end; !unreadable && one != end; one.increment(unreadable)) {
    if (one->path().filename().string().find("tfevents") != std::string::npos) found.push_back(one->path());
  }
  return found;
}

}  // namespace

void check_event_folder(const std::string& folder, bool resume, bool force) {
  std::error_code unknown;
  if (!fs::exists(folder, unknown)) return check_writable(folder, true);
  if (!fs::is_directory(folder, unknown)) {
    throw Error(Status::failed, fmt::format("{}: expected a folder for event files, found a file", printable(folder)));
  }
  check_writable((fs::path(folder) / "events").string(), true);
  const std::vector<fs::path> there = event_files(folder);
  if (resume || force || there.empty()) return;
  throw Error(Status::failed,
              fmt::format("{}: event files of an earlier run: go on with --resume, replace them with --force, or name "
                          "another folder",
                          printable(there.front().string())));
}

EventFile::EventFile(const std::string& folder, bool replace) {
  if (folder.empty()) return;
  std::error_code failure;
  fs::create_directory(folder, failure);
  if (failure) {
    throw Error(Status::failed, fmt::format("{}: cannot make the folder: {}", printable(folder), failure.message()));
  }
  if (replace) {
    for (const fs::path& old : event_files(folder)) fs::remove(old, failure);
  }
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  // Runs of the same second have names of their own, in their order.
  std::string path;
  for (int n = 0; path.empty() || fs::exists(path, failure); ++n) {
    const std::string name = fmt::format("events.out.tfevents.{:.0f}.{}.{}.{}", now(), host, ::getpid(), n);
    path = (fs::path(folder) / name).string();
  }
  file_.emplace(path, AppendFile::Begin::as_first, "event file");
  std::string event;
  Writer writer(event);
  writer.add_double(1, now());
  writer.add_string(3, "brain.Event:2");
  write(event);
}

void EventFile::write(std::string_view event) {
  const std::string length = little_endian(static_cast<std::uint64_t>(event.size()));
  std::string record = length + little_endian(checksum(length));
  record += event;
  file_->write(record + little_endian(checksum(event)));
}

void EventFile::enter(const Report& report, std::span<const GateHistogram> gates) {
  if (!file_) return;
  std::string summary;
  if (report.kind == Report::Kind::update) {
    // Where training begins, goes on from a checkpoint or goes back, what others wrote from there on does not count.
    if (!last_ || report.update <= *last_) {
      std::string session, event;
      Writer(session).add_enum(1, 1);  // START
      Writer writer(event);
      writer.add_double(1, now());
      writer.add_int64(2, static_cast<std::int64_t>(report.update));
      writer.add_message(7, session);
      write(event);
    }
    last_ = report.update;
    add_scalar(summary, "loss/training", report.loss);
    add_scalar(summary, "learning_rate", report.learning_rate);
    add_scalar(summary, "gradient_norm", report.gradient_norm);
    add_scalar(summary, "tokens_per_second", report.tokens_per_second);
  } else if (report.kind == Report::Kind::validation) {
    add_scalar(summary, "loss/validation", report.validation_loss);
    for (const GateHistogram& gate : gates) {
      add_histogram(summary, fmt::format("gates/layer_{}/{}", gate.layer, gate.gate), gate);
    }
  }
  if (summary.empty()) return;
  std::string event;
  Writer writer(event);
  writer.add_double(1, now());
  writer.add_int64(2, static_cast<std::int64_t>(report.update));
  writer.add_message(5, summary);
  write(event);
}

}  // namespace sluice::tool
