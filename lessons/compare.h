// Cells trained on the same text in the same order, at matched size, over several seeds: what each costs and how far
// each remembers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sluice/train.h"

namespace sluice {

enum class Match { parameters, hidden };

struct CompareOptions {
  std::vector<std::string> cells = {"rnn", "lstm", "gru"};
  Match match = Match::parameters;  // parameters: hidden sizes chosen so that counts come within 2 % of the first gru's
  Config config;                    // hidden is the size of the gru (match parameters) or of all (match hidden)
  std::vector<std::uint64_t> seeds = {1};
  TrainOptions train;
};

struct Recall {
  std::size_t words = 0;  // distance; see compare() and compare_favourites()
  double accuracy = 0;
  std::uint64_t n = 0;
};

// What was recalled when so much had been trained.
struct RecallThen {
  std::uint64_t update = 0, updates = 0, tokens = 0;  // updates: of the whole training
  std::vector<Recall> by_distance;
};

struct CellResult {
  std::string cell;
  std::uint64_t seed = 0;
  std::size_t hidden = 0, parameters = 0;
  double seconds = 0, tokens_per_second = 0, step_microseconds = 0;  // one streaming step, one thread, median
  double nats_per_token = 0;                                         // held-out
  std::vector<Recall> recall_by_distance;
  std::vector<RecallThen> recall_while_training;  // at equal distances before the end, where that was asked for
};

struct CompareProgress {
  std::string cell;
  std::size_t hidden = 0;
  std::uint64_t seed = 0;
  std::size_t run = 0, runs = 0;  // counts from 1
  Report report;
};

struct CompareRun {
  CellResult result;
  Model model;
};

using CompareCallback = std::function<bool(const CompareProgress&)>;

// On a text: recall_by_distance counts how often the likeliest token is right, by how many tokens back the true token
// last occurred (buckets up to 1, 2, 4, 8, ... tokens). The last tenth of the text is held out.
std::vector<CompareRun> compare(const Corpus& corpus, const CompareOptions& options,
                                const CompareCallback& report = {});

// On favourites: distances are words between clue and answer, on held-out stories.
struct FavouritesOptions {
  std::size_t words = 0;      // of training text; 0: the default of the demonstration
  std::size_t longest = 0;    // longest distance trained on; 0: the default
  std::size_t stories = 500;  // held-out stories a distance
  std::vector<std::size_t> distances = {0, 10, 20, 40, 80};
  std::size_t times = 0;  // that recall is measured while training goes on, on the first `stories_then` of the stories
  std::size_t stories_then = 100;
};
std::vector<CompareRun> compare_favourites(const FavouritesOptions& favourites, const CompareOptions& options,
                                           const CompareCallback& report = {});
// The options with which the demonstration trains.
CompareOptions favourites_defaults();
// Accuracy of a model on held-out favourites stories.
std::vector<Recall> favourites_recall(const Model& model, const FavouritesOptions& favourites, std::uint64_t seed);

// The hidden size that brings `config` with another cell nearest to `parameters` weights.
std::size_t match_hidden(Config config, const std::string& cell, std::size_t vocabulary, std::size_t parameters);
// Median microseconds of one streaming step, one thread.
double step_microseconds(const Model& model);

}  // namespace sluice
