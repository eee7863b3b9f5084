// Many users served from one model, with a state each that outlives the program.
//
//   users MODEL.safetensors FOLDER < lines
//
// Every line is "USER TEXT". The text goes on where that user's last one ended, and "USER WORD" is printed: the
// likeliest next token. The weights stand in memory once; a user costs the few numbers of a State, which is kept in
// FOLDER as USER.state when the input ends, and read from there when that user comes back.
#include <sluice/formats.h>
#include <sluice/stream.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using sluice::Error;
using sluice::Status;

fs::path state_path(const fs::path& folder, const std::string& user) { return folder / (user + ".state"); }

// The state that a user was left in; for a new one, where a text begins.
sluice::State restored(const fs::path& path, sluice::Stream& stream) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    stream.begin();
    return stream.state();
  }
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  try {
    const sluice::State state = sluice::State::from_bytes(std::as_bytes(std::span(bytes)));
    if (!state.same_shape(stream.state())) throw Error(Status::bad_file, "a state of another model");
    return state;
  } catch (const Error& error) {
    throw Error(Status::bad_file, path.string() + ": " + error.what());
  }
}

// Beside the old one first, so that a user is never left without.
void save(const sluice::State& state, const fs::path& path) {
  const std::vector<std::byte> bytes = state.to_bytes();
  const fs::path beside = path.string() + ".new";
  std::ofstream file(beside, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw Error(Status::failed, beside.string() + ": cannot write");
  fs::rename(beside, path);
}

void serve(const sluice::Model& model, const fs::path& folder) {
  sluice::Stream stream(model);  // one is enough: whose turn it is lies in the state
  std::map<std::string, sluice::State> users;
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    const std::string user = line.substr(0, space);
    const bool good = !user.empty() && std::ranges::all_of(user, [](unsigned char c) { return std::isalnum(c) != 0; });
    if (space == std::string::npos || !good) {
      throw Error(Status::usage,
                  "expected lines of a user (letters and digits), a space and a text, found \"" + line + '"');
    }
    auto known = users.find(user);
    if (known == users.end()) known = users.emplace(user, restored(state_path(folder, user), stream)).first;
    stream.set_state(known->second);
    stream.feed(line.substr(space + 1));
    known->second = stream.state();
    std::cout << user << ' ' << model.vocabulary().token(stream.top(1)[0].first) << '\n';
  }
  for (const auto& [user, state] : users) save(state, state_path(folder, user));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw Error(Status::usage, "expected: users MODEL.safetensors FOLDER");
    if (!fs::is_directory(argv[2])) throw Error(Status::usage, std::string(argv[2]) + ": expected a folder");
    serve(sluice::load(argv[1]), argv[2]);
    return 0;
  } catch (const Error& error) {
    std::cerr << "users: " << error.what() << '\n';
    return static_cast<int>(error.status());
  } catch (const fs::filesystem_error& error) {
    std::cerr << "users: " << error.what() << '\n';
    return 1;
  }
}
