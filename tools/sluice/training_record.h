// What is kept of the course of a training, as was asked: lines in a log, event files, and a page that is made of the
// same lines.
#pragma once

#include <optional>
#include <string>

#include "append_file.h"
#include "base/lock.h"
#include "event_file.h"
#include "train/stopwatch.h"
#include "training_curves.h"

namespace sluice::tool {

struct RecordTarget {
  std::string log, page, events;  // events: a folder; empty: none of it
  bool resume = false, force = false;
};

class TrainingRecord {
 public:
  // `start`: what the log says of the run before anything else; `ngram`: what it is judged by, or null. What an earlier
  // part of the run left in its log is on the page too. Throws Error (failed): somebody else writes one of them, or it
  // cannot be.
  TrainingRecord(const RecordTarget& target, Json start, const Json& ngram);

  void enter(const Report& report);
  // A further line.
  void say(const Json& line);
  // What was lost since this was asked last, in a sentence; training goes on.
  std::string news();
  // Nothing follows. What was lost, as one sentence; empty when all is whole.
  std::string close();

 private:
  void write_page();

  const RecordTarget target_;
  Json start_, ngram_;
  TrainingCurves curves_;
  AppendFile log_;
  EventFile events_;
  std::optional<FileLock> page_lock_;
  std::string page_lost_;
  bool page_told_ = false, page_there_;
  Stopwatch clock_;
  double page_due_ = 0;
};

}  // namespace sluice::tool
