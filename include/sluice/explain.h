// What a network remembers of a text: its gates word by word, which words a prediction depends on, how long a
// word's trace lives, and what would have come out had a word or a gate been another.
//
// Words, units and layers are counted from 0. T words, H units, L layers, E numbers a word (embedding).
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/export.h"
#include "sluice/model.h"
#include "sluice/standard.h"

namespace sluice {

// A gate held at `value` in [0, 1] while words first to last (included) are read.
struct Clamp {
  std::string gate = {};                  // a name of CellInfo::gates
  std::optional<std::size_t> layer = {};  // nothing: all
  std::vector<std::size_t> units = {};    // empty: all
  std::size_t first = 0;
  std::optional<std::size_t> last = {};  // nothing: the last word
  double value = 0;
};

struct Replacement {
  std::size_t at = 0;
  std::string with = {};  // read as one token of the model's
};

// What if: all numbers of words are those of the text as given.
struct Changes {
  std::vector<Replacement> replace = {};
  std::vector<std::size_t> remove = {};
  std::vector<Clamp> clamp = {};  // later ones overrule earlier ones
  bool empty() const { return replace.empty() && remove.empty() && clamp.empty(); }
};

struct HorizonQuestion {
  std::optional<std::size_t> at = {};  // nothing: the word on which the prediction depends most
  std::string with = std::string(Vocabulary::unknown_text);
};

// A unit of a layer.
struct Unit {
  std::size_t layer = 0, unit = 0;
  bool operator==(const Unit&) const = default;
};

struct AblationQuestion {
  std::optional<std::size_t> from = {};  // nothing: the word before `at` on which it depends most
  bool zero = false;                     // held at zero; else at its mean over the text up to `at`
};

struct MicroscopeQuestion {
  std::vector<Unit> units = {};  // empty: those first in the ablation, `usual` of them
  static constexpr std::size_t usual = 16, most = 64;
};

// Other words that a text could have had in the place of one, drawn from a corpus such as what the model was trained
// on: those that stand there behind the same word, as often as they do; where there is none, words about as frequent
// there as the one replaced.
class SLUICE_API CorpusWords {
 public:
  // Tokens of a vocabulary of that size. Throws Error (usage) for others, and for more than 2^32 of them.
  CorpusWords(std::span<const Token> corpus, std::size_t vocabulary, std::uint64_t seed = 1);
  // So many of them for word number `at`, which stands behind `before`; neither `word` itself nor <unk>, so fewer where
  // there is no other. A function of these and of the seed.
  std::vector<Token> draw(std::optional<Token> before, Token word, std::size_t at, std::size_t count) const;

 private:
  std::vector<std::uint32_t> starts_;  // what stands behind token t: [starts_[t], starts_[t + 1]) of next_
  std::vector<Token> next_;
  std::vector<Token> by_frequency_;   // those that occur
  std::vector<std::uint32_t> ranks_;  // of each token, its place among them
  std::uint64_t seed_;
};

struct ExplainOptions {
  std::size_t top = 5;                 // candidates after each word
  std::optional<std::size_t> at = {};  // predict after this word; nothing: the last
  std::string answer = {};             // the token predicted; empty: the likeliest
  bool leave_one_out = true;           // about T * T / 2 steps
  std::optional<HorizonQuestion> horizon = HorizonQuestion{};
  std::optional<AblationQuestion> ablation = AblationQuestion{};
  std::optional<MicroscopeQuestion> microscope = MicroscopeQuestion{};
  Changes changes = {};
  const CorpusWords* words = nullptr;  // what words are replaced by; nullptr: those that the model expected most
  // Asked again and again while it works; false ends the work by Error (failed).
  std::function<bool()> go_on = {};
};

struct Word {
  std::string text;  // as written
  Token token = 0;   // as read
};

struct Choice {
  Token token = 0;
  float probability = 0;
};

// One gate of one layer over a text. A gate below 0.1 is left-saturated, above 0.9 right-saturated (Karpathy, Johnson &
// Li 2015, arXiv 1506.02078, section 4.3).
struct GateSummary {
  std::vector<double> words;             // [T] mean over the units
  std::vector<double> units;             // [H] mean over the words
  std::vector<double> low, high;         // [H] share of the words below 0.1, above 0.9
  double share_low = 0, share_high = 0;  // of all units and words
  static constexpr float low_end = 0.1f, high_end = 0.9f;
  // [T] quantiles over the units after each word: a mean alone does not tell a layer whose units all keep a third from
  // one of which a third keeps all.
  static constexpr double quantile_shares[] = {0.1, 0.25, 0.5, 0.75, 0.9};
  std::vector<std::array<double, 5>> quantiles = {};
};

// Means of |value|.
struct SizeSummary {
  std::vector<double> words, units;  // [T], [H]
};

struct LayerSummary {
  std::vector<GateSummary> gates;         // in the order of CellInfo::gates
  SizeSummary candidate, hidden, memory;  // empty where the trace is
  // [H] words after which half of what a unit holds is left on the direct path, where a step multiplies it by its
  // keeping gate k: ln(1/2) / (mean over the words of ln k). Infinite when k is always 1; empty for cells without such
  // a gate.
  std::vector<double> half_life;
  // [H] the same of the words at the quartiles of k: half of the words let a unit fade faster than the middle one.
  std::vector<std::array<double, 3>> half_life_quartiles;
};

// One pass over a text.
struct Reading {
  std::vector<Word> words;                      // [T]
  std::vector<double> surprise;                 // [T] -log p(word | words before), nats; NaN for the first
  std::vector<std::vector<Choice>> candidates;  // [T] after each word, likeliest first, ties by token number
  GateTrace trace;
  std::vector<LayerSummary> layers;
};

// How much log p(answer | words 0 ... at) depends on each of these words, [at + 1].
struct Connectivity {
  std::size_t at = 0;
  Token answer = 0;
  double probability = 0;
  std::vector<double> gradient;  // |d log p / d x_i|, x_i the embedded word
  std::vector<double> along;     // (d log p / d x_i) . x_i: for the answer (> 0) or against it, to first order
  // log p - log p with the word read as <unk>, in nats, and what is likeliest then; empty when not asked for.
  std::vector<double> leave_one_out;
  std::vector<Choice> without;
  // log p less the mean of log p with another word in its place: the words that the model itself expected most there,
  // up to four of them, fewer in a long text; <unk> in the place of the first word. With leave_one_out, else empty.
  // With ExplainOptions::words, four draws from these, fewer in a long text.
  std::vector<double> replaced;
  std::vector<std::vector<Token>> replacements;
  bool from_corpus = false;  // the replacements
};

// Distance between the states of a text and of the same text with word `at` read as another.
struct HorizonLayer {
  std::vector<double> hidden, memory;  // [T - at] Euclidean, of h and c; memory empty for cells with one state
  // The last distance (of c, else of h) that is at least half of the greatest, in words after `at`.
  std::size_t words = 0;
};
struct Horizon {
  std::size_t at = 0;
  Token with = 0;
  std::vector<HorizonLayer> layers;
};

// What of a word can still be used: the text is read up to some words after it, and then its last words, the question,
// at once. Had the state kept nothing of the word, the answer would be as likely with another in its place.
struct Usable {
  std::size_t at = 0;                  // the word
  Token answer = 0;                    // to the question
  std::size_t question = 0;            // its first word, behind `at`
  std::vector<Token> others;           // in the word's place
  std::vector<std::size_t> distances;  // words read after `at` before the question, ascending from 0
  std::vector<double> probability;     // of the answer, a number a distance
  std::vector<double> with_another;    // the same, mean over the others
  // The last distance at which the two differ by at least half of the most that they do.
  std::size_t words = 0;
};

// What the prediction loses when the memory of one unit is held at a value after each of the words `from` to `at` - 1,
// so that nothing passes through it from one word to the next.
struct UnitEffect {
  Unit unit;
  double nats = 0;  // log p(answer) - log p(answer with the unit held)
  Choice instead;   // the likeliest then
};
struct Ablation {
  std::size_t from = 0;
  bool zero = false;
  // By falling |nats|, of all units; or, where trying all would take more than about a second, of those whose memory
  // lies farthest from what it is held at, times the size of the weights that read it.
  std::vector<UnitEffect> units;
};

// What a unit's equations are made of at each word: with its states before, all that CellInfo::equations name.
struct UnitParts {
  Unit unit;
  std::vector<double> products;  // [T, P] in the order of Microscope::products
  std::vector<double> biases;    // [B]
  std::vector<double> before;    // [S] before the first word
  std::vector<double> states;    // [T, S] after each word, in the order of CellInfo::states
};
struct Microscope {
  std::vector<std::string> products, biases;  // as the equations call them: "W_z", "U_z"; "b_z"
  std::vector<UnitParts> units;
};

struct Changed {
  Reading reading;
  std::vector<std::optional<std::size_t>> from;  // number of each word in the text before; nothing: replaced
  std::optional<Connectivity> connectivity;      // nothing when gates are clamped
};

struct Explanation {
  std::string text;
  // What was read before the text and is no word of it: Model::begin_tokens(). Empty where the model has no such tokens
  // or the text starts with them; then the state before the text is empty.
  std::vector<Token> begins_after;
  Reading reading;
  Connectivity connectivity;
  std::optional<Horizon> horizon;
  std::optional<Usable> usable;      // of the horizon's word, where that stands before `at`
  std::optional<Ablation> ablation;  // nothing: not asked for, or no word stands before `at`
  std::optional<Microscope> microscope;
  Changes changes;
  std::optional<Changed> changed;
};

// Throws Error (usage) naming the option, what was expected and what was found: a model of numbers, or one whose
// weights are held in fewer bits than f32, a text without words, a number past its end, an answer the model does not
// know, a gate that the cell lacks, all words removed.
SLUICE_API Explanation explain(const Model& model, std::string_view text, const ExplainOptions& options = {});

// The single parts, from tokens and an empty state: whoever wants to begin as a text does puts Model::begin_tokens()
// in front. Throw Error (usage) for the same models, when there are no tokens, and for a token past the end of the
// vocabulary.
SLUICE_API Reading read_text(const Model& model, std::span<const Token> tokens, std::size_t top = 5,
                             std::span<const Clamp> clamps = {});
SLUICE_API Connectivity connect(const Model& model, std::span<const Token> tokens, std::optional<Token> answer = {},
                                bool leave_one_out = true, const std::function<bool()>& go_on = {});
SLUICE_API Horizon horizon(const Model& model, std::span<const Token> tokens, std::size_t at, Token with);
// `answer` is predicted after the last of `tokens`, `at` one before that. The question is what stands behind the last
// punctuation mark or line end between the two, else their second half, at most 24 tokens; `others` are the four tokens
// that the model expects most at `at`, or `with`, where that is given. Of more than 64 distances as many are tried.
SLUICE_API Usable usable(const Model& model, std::span<const Token> tokens, Token answer, std::size_t at,
                         std::optional<Token> with = {}, const std::function<bool()>& go_on = {});
// Predicts `answer` after the last of `tokens`; at least two of them, and from before the last.
SLUICE_API Ablation ablate(const Model& model, std::span<const Token> tokens, Token answer,
                           const AblationQuestion& question, const std::function<bool()>& go_on = {});
SLUICE_API Microscope microscope(const Model& model, std::span<const Token> tokens, std::span<const Unit> units);

// The gate that keeps the past ("retain", "forget"), as an index into CellInfo::gates; nothing for the plain RNN.
SLUICE_API std::optional<std::size_t> keeping_gate(const CellInfo& cell);

// The JSON of docs/explain-json.md.
struct ExplainJson {
  std::string name = {};  // of the model
  bool units = true;      // the [T][H] values of every unit
};
inline constexpr int explain_schema = 1;
SLUICE_API std::string to_json(const Model& model, const Explanation& explanation, const ExplainJson& options);

}  // namespace sluice
