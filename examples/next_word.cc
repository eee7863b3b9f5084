// The next word in a terminal, as one types.
//
//   next_word MODEL.safetensors
//
// Shows the likeliest words behind the cursor: Tab takes the first, Backspace goes back as far as one likes, Enter ends
// the line, Ctrl-D ends the program. Where standard input is no terminal, it reads keys just the same and prints each
// line with what it would have shown at its end.
#include <sluice/formats.h>
#include <sluice/stream.h>
#include <termios.h>
#include <unistd.h>

#include <cctype>
#include <iostream>
#include <string>
#include <vector>

namespace {

// What was typed, word by word. A State is a value, so going back is putting an old one back.
class Typing {
 public:
  explicit Typing(const sluice::Model& model) : stream_(model) { start_line(); }

  void start_line() {
    words_.clear();
    begun_.clear();
    stream_.begin();
  }

  void type(char key) {
    begun_ += key;
    if (key != ' ') return;
    words_.push_back({begun_, stream_.state()});
    stream_.feed(begun_);
    begun_.clear();
  }

  void back() {
    if (begun_.empty() && !words_.empty()) {
      begun_ = words_.back().text;
      words_.pop_back();
      if (words_.empty()) {
        stream_.begin();
      } else {  // the word before once more, since an answer comes with a step
        stream_.set_state(words_.back().before);
        stream_.feed(words_.back().text);
      }
    }
    while (!begun_.empty() && (begun_.back() & 0xc0) == 0x80) begun_.pop_back();  // the rest of a UTF-8 character
    if (!begun_.empty()) begun_.pop_back();
  }

  // The likeliest next words that begin with what stands after the last space.
  std::vector<std::string> suggestions(std::size_t count) const {
    std::vector<std::string> words;
    const sluice::Vocabulary& vocabulary = stream_.model().vocabulary();
    for (const auto& [token, probability] : stream_.top(vocabulary.size())) {
      const std::string& word = vocabulary.token(token);
      const bool is_word = std::isalnum(static_cast<unsigned char>(word[0])) != 0 || (word[0] & 0x80) != 0;
      if (is_word && word.size() > begun_.size() && word.starts_with(begun_)) words.push_back(word);
      if (words.size() == count) break;
    }
    return words;
  }

  void accept(const std::string& word) {
    begun_ = word;
    type(' ');
  }

  std::string text() const {
    std::string all;
    for (const Word& word : words_) all += word.text;
    return all + begun_;
  }

 private:
  struct Word {
    std::string text;      // with the space after it
    sluice::State before;  // the state in front of it
  };
  sluice::Stream stream_;
  std::vector<Word> words_;
  std::string begun_;
};

// A terminal that gives every key at once and leaves showing it to us, while this lives.
class RawTerminal {
 public:
  RawTerminal() : active_(::isatty(STDIN_FILENO) != 0 && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!active_) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~RawTerminal() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  bool active() const { return active_; }

 private:
  termios before_{};
  bool active_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += ' ' + word;
  return all;
}

void run(const sluice::Model& model) {
  if (model.vocabulary().text().level == sluice::Level::character) {
    throw sluice::Error(sluice::Status::usage, "expected a model of words, found one of characters");
  }
  const RawTerminal terminal;
  Typing typing(model);
  const auto show = [&] {  // dim, behind the text, and the cursor put back to the text's end
    std::cout << "\r\x1b[K" << typing.text() << "\x1b[s\x1b[2m  " << joined(typing.suggestions(3)) << "\x1b[0m\x1b[u"
              << std::flush;
  };
  char key = 0;
  const auto next_key = [&] {
    if (terminal.active()) show();
    return std::cin.get(key) && key != '\x04';
  };
  while (next_key()) {
    if (key == '\n') {
      std::cout << (terminal.active() ? "\x1b[K\n" : typing.text() + " |" + joined(typing.suggestions(3)) + '\n');
      typing.start_line();
    } else if (key == '\t') {
      if (const auto words = typing.suggestions(1); !words.empty()) typing.accept(words[0]);
    } else if (key == '\x7f' || key == '\b') {
      typing.back();
    } else {
      typing.type(key);
    }
  }
  if (terminal.active()) std::cout << "\x1b[K\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw sluice::Error(sluice::Status::usage, "expected: next_word MODEL.safetensors");
    run(sluice::load(argv[1]));
    return 0;
  } catch (const sluice::Error& error) {
    std::cerr << "next_word: " << error.what() << '\n';
    return static_cast<int>(error.status());
  }
}
