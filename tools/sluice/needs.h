// What each verb, and each route of the server, needs of a model. It is checked here, as soon as the model is there and
// before anything else is done with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/sluice.h"
#include "tasks/task.h"

namespace sluice::tool {

// Throws Error (bad_file), with `path` in front, unless the model is what `verb` needs.
void expect_model_for(std::string_view verb, const Model& model, const std::string& path);
// Throws Error (bad_file) where one of these files, which are to be trained on, is a model: what it is for, and which
// verbs know it.
void refuse_models(std::string_view verb, const std::vector<std::string>& files);
// What a model of a task is for and which verbs know it: "one that classifies; sluice eval measures it, ...".
std::string what_it_is_for(TaskKind kind);
// The same of a model, which may be of no task: "one of numbers, 2 in and 1 out a step", as the library makes them.
std::string what_it_is_for(const Model& model, const std::string& path);
// The model in a file of ours, or in one of another system that says its network itself.
Model open_model(const std::string& path);
// The same, for this verb.
Model load_for(std::string_view verb, const std::string& path, Precision precision = Precision::f32);

}  // namespace sluice::tool
