// What the HTTP API takes, and the sentence for what it does not.
#include "lessons/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::request_test {
namespace {

template <class F>
std::string refusal(F&& read) {
  try {
    read();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::usage);
    return error.what();
  }
  return "";
}

std::string explain_refusal(const std::string& body) {
  return refusal([&] { read_explain_request(body); });
}

TEST(Requests, ExplainReadsEveryName) {
  const ExplainRequest r = read_explain_request(
      R"({"text": "a b", "model": "gru", "top": 7, "units": false, "at": 1, "answer": "c", "leave_one_out": true,
          "horizon": {"at": 0, "with": "d"}, "ablation": {"from": 3, "held_at": "zero"},
          "microscope": {"units": [{"layer": 1, "unit": 28}, {"unit": 4}]},
          "changes": {"replace": [{"at": 0, "with": "e"}], "delete": [1],
                      "clamp": [{"layer": 1, "gate": "retain", "units": [3, 7], "first": 2, "last": 5, "value": 0.5},
                                {"gate": "reset", "value": 1}]}})");
  EXPECT_EQ(r.text, "a b");
  EXPECT_EQ(r.models, std::vector<std::string>{"gru"});
  EXPECT_FALSE(r.units);
  EXPECT_EQ(r.options.top, 7u);
  EXPECT_EQ(r.options.at, 1u);
  EXPECT_EQ(r.options.answer, "c");
  EXPECT_TRUE(r.options.leave_one_out);
  EXPECT_EQ(r.options.horizon->at, 0u);
  EXPECT_EQ(r.options.horizon->with, "d");
  EXPECT_EQ(r.options.ablation->from, 3u);
  EXPECT_TRUE(r.options.ablation->zero);
  EXPECT_EQ(r.options.microscope->units, (std::vector<Unit>{{1, 28}, {0, 4}}));
  EXPECT_EQ(r.options.changes.replace.at(0).with, "e");
  EXPECT_EQ(r.options.changes.remove, std::vector<std::size_t>{1});
  const Clamp& clamp = r.options.changes.clamp.at(0);
  EXPECT_EQ(clamp.layer, 1u);
  EXPECT_EQ(clamp.units, (std::vector<std::size_t>{3, 7}));
  EXPECT_EQ(clamp.first, 2u);
  EXPECT_EQ(clamp.last, 5u);
  EXPECT_EQ(clamp.value, 0.5);
  EXPECT_FALSE(r.options.changes.clamp.at(1).layer);
}

// Of a model of two layers with 40 units, by hand: a GRU's layer has three gates, each with W, U and b.
TEST(Requests, WorkIsThatOfTheSteps) {
  const Model model({.cell = "gru", .layers = 2, .hidden = 40, .embedding = 40, .tied = false},
                    Vocabulary({}, {"<unk>", "a", "b", "c"}));
  const double step = 2 * 3 * 40 * (40 + 40 + 1) + 4;  // and the head's bias
  const double logits = 4 * 40;
  ExplainRequest request{
      .text = "", .models = {}, .units = false, .options = {.horizon = {}, .ablation = {}, .microscope = {}}};
  request.options.leave_one_out = false;
  EXPECT_DOUBLE_EQ(work_of(request, model, 100), 100 * (5 * step + logits));
  request.options.leave_one_out = true;
  // Each word left out, and replaced by four others.
  EXPECT_DOUBLE_EQ(work_of(request, model, 100), 100 * (5 * step + logits) + 500 * (50 * step + logits));
  request.options.changes.remove = {1};
  EXPECT_DOUBLE_EQ(work_of(request, model, 100), 2 * (100 * (5 * step + logits) + 500 * (50 * step + logits)));
  CompleteRequest complete;
  complete.tokens = 256;
  EXPECT_GT(work_of(complete, model, 100), 356 * (step + logits));
  EXPECT_GT(work_of(GatesRequest{}, model, 100), 100 * step);
}

TEST(Requests, WhatCostsIsAskedFor) {
  const ExplainRequest r = read_explain_request(R"({"text": "a"})");
  EXPECT_FALSE(r.options.leave_one_out);
  EXPECT_FALSE(r.options.horizon);
  EXPECT_TRUE(r.models.empty());
  EXPECT_TRUE(r.options.changes.empty());
  EXPECT_FALSE(read_explain_request(R"({"text": "a", "horizon": {}})").options.horizon->at);
  EXPECT_FALSE(r.options.ablation || r.options.microscope);
  EXPECT_FALSE(read_explain_request(R"({"text": "a", "ablation": {}})").options.ablation->zero);
  EXPECT_EQ(explain_refusal(R"({"text": "a", "ablation": {"held_at": "one"}})"),
            "ablation.held_at: expected \"mean\" or \"zero\", found \"one\"");
  EXPECT_EQ(explain_refusal(R"({"text": "a", "microscope": {"units": [{"layer": 0}]}})"),
            "microscope.units.unit: expected a value, found none");
}

TEST(Requests, CompleteAndGatesReadTheirs) {
  const CompleteRequest c = read_complete_request(
      R"({"text": "a", "model": ["x", "y"], "top": 2, "tokens": 9, "temperature": 0, "top_p": 0.5, "top_k": 3, "seed": 4})");
  EXPECT_EQ(c.models, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(c.tokens, 9u);
  EXPECT_EQ(c.sample.temperature, 0);
  EXPECT_EQ(c.sample.top_p, 0.5);
  EXPECT_EQ(c.sample.top_k, 3u);
  EXPECT_EQ(c.seed, 4u);
  EXPECT_EQ(read_gates_request(R"({"text": "é"})").text, "é");
}

TEST(Requests, UnitsReadTheirs) {
  const UnitsRequest u = read_units_request(
      R"({"model": "x", "layer": 1, "units": [{"unit": 4}, {"layer": 2, "unit": 5}], "places": 3,
          "like": {"text": "a b", "first": 0, "last": 1, "threshold": 1.5, "layer": 2, "most": 4}})");
  EXPECT_EQ(u.models, std::vector<std::string>{"x"});
  EXPECT_EQ(u.layer, 1u);
  EXPECT_EQ(u.units, (std::vector<Unit>{{0, 4}, {2, 5}}));
  EXPECT_EQ(u.places, 3u);
  ASSERT_TRUE(u.like);
  EXPECT_EQ(u.like->text, "a b");
  EXPECT_EQ(u.like->question.last, 1u);
  EXPECT_EQ(u.like->question.threshold, 1.5);
  EXPECT_EQ(u.like->question.layer, 2u);
  EXPECT_EQ(u.like->question.most, 4u);
  const UnitsRequest all = read_units_request("{}");
  EXPECT_FALSE(all.units || all.like);
  EXPECT_EQ(all.places, 0u);
  EXPECT_EQ(read_units_request(R"({"units": []})").units, std::vector<Unit>());
  EXPECT_EQ(refusal([] { read_units_request(R"({"places": 1})"); }), "places without units: expected 0 to 0, found 1");
  EXPECT_EQ(refusal([] { read_units_request(R"({"units": [{}]})"); }), "units.unit: expected a value, found none");
  EXPECT_EQ(refusal([] { read_units_request(R"({"like": {"text": "a", "first": 0}})"); }),
            "like.last: expected a value, found none");
}

TEST(Requests, RefusesInASentence) {
  EXPECT_EQ(explain_refusal(""), "body: expected JSON of at most 64 levels, found broken JSON at byte 1");
  EXPECT_EQ(explain_refusal("[1]"), "body: expected an object, found a list");
  EXPECT_EQ(explain_refusal("{}"), "text: expected a value, found none");
  EXPECT_EQ(explain_refusal(R"({"text": 5})"), "text: expected a string, found 5");
  EXPECT_EQ(explain_refusal(R"({"text": "a", "top": 0})"), "top: expected 1 to 20, found 0");
  EXPECT_EQ(explain_refusal(R"({"text": "a", "top": -1})"), "top: expected a whole number, 0 or more, found -1");
  EXPECT_EQ(explain_refusal(R"({"text": "a", "at": 1.5})"), "at: expected a whole number, 0 or more, found 1.5");
  EXPECT_EQ(explain_refusal(R"({"text": "a", "at": 18446744073709551615})"),
            "at: expected a whole number, 0 or more, found 18446744073709551615");
  EXPECT_THAT(explain_refusal(R"({"text": "a", "colour": 1})"), testing::EndsWith(", found \"colour\""));
  EXPECT_EQ(explain_refusal(R"({"text": "a", "model": []})"),
            "model: expected a name or a list of 1 to 64 names, found a list");
  EXPECT_EQ(explain_refusal(R"({"text": "a", "changes": {"clamp": [{"value": 1}]}})"),
            "changes.clamp.gate: expected a value, found none");
  EXPECT_EQ(explain_refusal(R"({"text": "a", "changes": {"clamp": [{"gate": "retain", "value": 1.5}]}})"),
            "changes.clamp.value: expected 0.0 to 1.0, found 1.5");
  EXPECT_THAT(explain_refusal(R"({"text": "a", "changes": {"replace": [{"at": 1, "with": "b", "x": 1}]}})"),
              testing::StartsWith("changes.replace: expected names out of at, with"));
  EXPECT_EQ(explain_refusal("\"" + std::string(70000, 'a') + "\""), "body: expected at most 65536 bytes, found 70002");
  EXPECT_EQ(explain_refusal("{\"text\": \"\xff\"}"),
            "body: expected JSON of at most 64 levels, found broken JSON at byte 11");
  EXPECT_EQ(explain_refusal(R"({"text": "a", "at": 1e999})"),
            "body: expected JSON of at most 64 levels, found a number that is too large at byte 25");
  EXPECT_THAT(explain_refusal(R"({"text": "a", "text": "b"})"),
              testing::EndsWith("found the name \"text\" a second time"));
  EXPECT_EQ(refusal([] { read_complete_request(R"({"text": "a", "tokens": 257})"); }),
            "tokens: expected 0 to 256, found 257");
}

// Depth costs no stack: brackets up to the limit of a body are refused like other nonsense.
TEST(Requests, DeepNestingIsRefused) {
  for (const std::string& body : {std::string(60000, '['), std::string(30000, '[') + std::string(30000, ']')}) {
    EXPECT_EQ(explain_refusal(body), "body: expected JSON of at most 64 levels, found more");
  }
}

}  // namespace
}  // namespace sluice::request_test
