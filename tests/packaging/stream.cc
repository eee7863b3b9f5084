// A program that needs the inference part alone: loads a model, streams three tokens, prints the bits of what comes
// out.
#include <sluice/formats.h>
#include <sluice/stream.h>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const sluice::Model model = sluice::load(argv[1]);
    sluice::Stream stream(model);
    for (const sluice::Token token : {1, 2, 3}) stream.step(token);
    for (const float p : stream.probabilities()) std::printf("%a\n", static_cast<double>(p));
  } catch (const sluice::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.status());
  }
}
