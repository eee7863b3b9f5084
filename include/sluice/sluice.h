// Everything.
#pragma once

#include "sluice/cell.h"
#include "sluice/config.h"
#include "sluice/data.h"
#include "sluice/error.h"
#include "sluice/explain.h"
#include "sluice/fine_tune.h"
#include "sluice/forecast.h"
#include "sluice/formats.h"
#include "sluice/import.h"
#include "sluice/model.h"
#include "sluice/sequences.h"
#include "sluice/series.h"
#include "sluice/stream.h"
#include "sluice/train.h"
#include "sluice/units.h"
