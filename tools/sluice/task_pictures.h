// Pictures of what a task's model does: forecasts, their errors, and how a training went.
#pragma once

#include <string>

#include "remarks.h"
#include "sluice/forecast.h"

namespace sluice::tool {

// What a way to predict (ForecastError::name) is called: "last value".
std::string title_of(std::string name);

// A chart for every series and target (of many, the first): what came last, the forecast with its outermost quantiles,
// and the truth where it is known.
std::string forecast_picture(const Forecaster& forecaster, const std::vector<Forecast>& forecasts);
// The last of the forecasts that were measured, and the errors by how far ahead, beside those of the baselines.
std::string evaluation_picture(const Forecaster& forecaster, const ForecastEvaluation& evaluation);
// Losses by epoch. `unit`: what they are a mean over, such as "token".
std::string learning_picture(const Course& course, const std::string& model, const std::string& unit);

}  // namespace sluice::tool
