// A program that needs everything: trains a small model on a text, saves it, and catches what the library throws.
#include <sluice/sluice.h>
#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "Ada sees a quiet river, and so it goes.\n";
    const auto corpus = sluice::Corpus::from_text(text);
    sluice::Model model({.cell = "gru", .hidden = 8}, corpus.vocabulary());
    sluice::train(model, corpus, {.epochs = 1, .batch = 4, .steps = 8, .threads = 1});
    sluice::save(model, argv[1], {.force = true});
    sluice::load("/nowhere/model.safetensors");
  } catch (const sluice::Error& error) {
    std::printf("%s\n", error.what());
    return error.status() == sluice::Status::bad_file ? 0 : 1;
  }
  return 1;
}
