// Models that audio plug-ins play: RTNeural and AIDA-X JSON, GuitarML and Proteus JSON, state dictionaries as JSON,
// NAM, and RNNoise's text files.
#pragma once

#include <string>
#include <string_view>

#include "formats/foreign/import.h"

namespace sluice::foreign {

Network read_audio_json(std::string_view bytes, const std::string& path, const Options& options);

bool is_rnnoise(std::string_view bytes);
Network read_rnnoise(std::string_view bytes, const std::string& path);

}  // namespace sluice::foreign
