// oneDNN's side of the comparison: vanilla_rnn, vanilla_lstm, vanilla_gru and lbr_gru, inference and training.
// Requests are lines of JSON (../peer.py). Weights come in oneDNN's order of gates, as [gates * H, inputs].
//
// Weights are kept as ldigo, the layout of oneDNN's own forward pass. A training step brings them into the layouts that
// the primitives ask for, since they change with every step, and clears the weights' gradients, which the primitives
// add to; inference brings them there once.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <dnnl.hpp>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

namespace {

using Json = nlohmann::json;
using dnnl::memory;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc plain(const memory::dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

void read(const std::string& path, const memory& m) {
  std::ifstream file(path, std::ios::binary);
  const auto bytes = static_cast<std::streamsize>(m.get_desc().get_size());
  if (!file.read(static_cast<char*>(m.get_data_handle()), bytes) || file.peek() != EOF) {
    throw std::runtime_error(path + ": expected " + std::to_string(bytes) + " bytes");
  }
}

void write(const std::string& path, const memory& m) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(m.get_data_handle()), static_cast<std::streamsize>(m.get_desc().get_size()));
}

// A primitive's description: version 2 of the library puts one around another that version 3 has not.
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc describe(const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {cpu(), arguments...};
#else
  return {typename Primitive::desc(arguments...), cpu()};
#endif
}
template <class Primitive, class Hint, class... Arguments>
typename Primitive::primitive_desc describe_after(const Hint& hint, const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {cpu(), arguments..., hint};
#else
  return {typename Primitive::desc(arguments...), cpu(), hint};
#endif
}

// Weights in the layout they are kept in, and in the one that a primitive asks for.
struct Weights {
  memory kept, wanted;
  dnnl::reorder reorder;

  Weights(const memory& from, const memory::desc& wish) : kept(from), wanted(from) {
    if (wish == from.get_desc()) return;
    wanted = memory(wish, cpu());
    reorder = dnnl::reorder(kept, wanted);
  }
  void refresh(dnnl::stream& stream) {
    if (reorder.get(true) != nullptr) reorder.execute(stream, const_cast<memory&>(kept), wanted);
  }
};

struct Size {
  memory::dim steps, batch, inputs, hidden, gates, bias_gates;
  bool lstm;
};

// A layer and all it reads and writes.
class Layer {
 public:
  Layer(const Json& request);
  std::function<void()> prepare();

 private:
  template <class Forward, class Backward, class... Activation>
  std::function<void()> build(Activation... activation);
  template <class Forward, class... Activation>
  typename Forward::primitive_desc describe_forward(dnnl::prop_kind kind, bool carry, Activation... activation);
  template <class Forward, class Backward, class... Activation>
  std::function<void()> train(Activation... activation);
  memory ldigo(const std::string& name, const memory::dims& dims);
  void write_gradients(const memory& dw, const memory& du, const memory& db, const memory& dx);

  std::string work_, cell_, data_, out_;
  Size size_;
  dnnl::stream stream_{cpu()};
  memory x_, y_, h_, c_, w_, u_, b_, h_after_, c_after_;
};

Layer::Layer(const Json& r) : work_(r.at("work")), cell_(r.at("cell")), data_(r.at("data")), out_(r.at("out")) {
  const memory::dim gates = cell_ == "rnn" ? 1 : cell_ == "lstm" ? 4 : 3;
  size_ = {work_ == "step" ? 1 : r.at("steps").get<memory::dim>(),
           r.at("batch"),
           r.at("inputs"),
           r.at("hidden"),
           gates,
           cell_ == "gru-reset-after" ? 4 : gates,
           cell_ == "lstm"};
  const auto& s = size_;
  x_ = memory(plain({s.steps, s.batch, s.inputs}, Tag::tnc), cpu());
  y_ = memory(plain({s.steps, s.batch, s.hidden}, Tag::tnc), cpu());
  const memory::desc state = plain({1, 1, s.batch, s.hidden}, Tag::ldnc);
  for (memory* m : {&h_, &h_after_, &c_, &c_after_}) *m = memory(state, cpu());
  w_ = ldigo("weight_ih", {1, 1, s.inputs, s.gates, s.hidden});
  u_ = ldigo("weight_hh", {1, 1, s.hidden, s.gates, s.hidden});
  b_ = memory(plain({1, 1, s.bias_gates, s.hidden}, Tag::ldgo), cpu());
  read(data_ + "bias", b_);
  if (work_ != "step") read(data_ + "x", x_);
  read(data_ + "h", h_);
  if (s.lstm) read(data_ + "c", c_);
}

memory Layer::ldigo(const std::string& name, const memory::dims& dims) {
  memory file(plain(dims, Tag::ldgoi), cpu()), kept(plain(dims, Tag::ldigo), cpu());
  read(data_ + name, file);
  dnnl::reorder(file, kept).execute(stream_, file, kept);
  stream_.wait();
  return kept;
}

// carry: the state after the last step is wanted.
template <class Forward, class... Activation>
typename Forward::primitive_desc Layer::describe_forward(dnnl::prop_kind kind, bool carry, Activation... activation) {
  const auto direction = dnnl::rnn_direction::unidirectional_left2right;
  const memory::desc w = plain(w_.get_desc().dims(), Tag::any), u = plain(u_.get_desc().dims(), Tag::any);
  const memory::desc after = carry ? h_.get_desc() : memory::desc();
  if constexpr (std::is_same_v<Forward, dnnl::lstm_forward>) {
    return describe<Forward>(kind, direction, x_.get_desc(), h_.get_desc(), c_.get_desc(), w, u, b_.get_desc(),
                             y_.get_desc(), after, after);
  } else {
    return describe<Forward>(kind, activation..., direction, x_.get_desc(), h_.get_desc(), w, u, b_.get_desc(),
                             y_.get_desc(), after);
  }
}

template <class Forward, class Backward, class... Activation>
std::function<void()> Layer::build(Activation... activation) {
  if (work_ == "training") return train<Forward, Backward>(activation...);
  const auto description = describe_forward<Forward>(dnnl::prop_kind::forward_inference, true, activation...);
  const auto w = std::make_shared<Weights>(w_, description.weights_layer_desc());
  const auto u = std::make_shared<Weights>(u_, description.weights_iter_desc());
  w->refresh(stream_);
  u->refresh(stream_);
  stream_.wait();
  const Forward forward(description);
  Arguments arguments = {
      {DNNL_ARG_SRC_LAYER, x_},          {DNNL_ARG_SRC_ITER, h_},       {DNNL_ARG_BIAS, b_},
      {DNNL_ARG_DST_LAYER, y_},          {DNNL_ARG_DST_ITER, h_after_}, {DNNL_ARG_WEIGHTS_LAYER, w->wanted},
      {DNNL_ARG_WEIGHTS_ITER, u->wanted}};
  if (size_.lstm) {
    arguments.insert({DNNL_ARG_SRC_ITER_C, c_});
    arguments.insert({DNNL_ARG_DST_ITER_C, c_after_});
  }
  if (work_ == "inference") {
    return [=, this]() mutable {
      forward.execute(stream_, arguments);
      stream_.wait();
    };
  }
  // Two sets of arguments, each writing the states that the other reads.
  Arguments other = arguments;
  other.at(DNNL_ARG_SRC_ITER) = h_after_;
  other.at(DNNL_ARG_DST_ITER) = h_;
  if (size_.lstm) {
    other.at(DNNL_ARG_SRC_ITER_C) = c_after_;
    other.at(DNNL_ARG_DST_ITER_C) = c_;
  }
  return [=, this, turn = false]() mutable {
    forward.execute(stream_, turn ? other : arguments);
    stream_.wait();
    turn = !turn;
  };
}

template <class Forward, class Backward, class... Activation>
std::function<void()> Layer::train(Activation... activation) {
  const auto direction = dnnl::rnn_direction::unidirectional_left2right;
  const auto description = describe_forward<Forward>(dnnl::prop_kind::forward_training, false, activation...);
  const memory::desc w_any = plain(w_.get_desc().dims(), Tag::any), u_any = plain(u_.get_desc().dims(), Tag::any);
  const memory::desc x = x_.get_desc(), h = h_.get_desc(), c = c_.get_desc(), b = b_.get_desc(), y = y_.get_desc();
  const memory::desc none;
  const auto back = [&] {
    const auto kind = dnnl::prop_kind::backward;
    if constexpr (std::is_same_v<Forward, dnnl::lstm_forward>) {
      return describe_after<Backward>(description, kind, direction, x, h, c, w_any, u_any, b, y, none, none, x, h, c,
                                      w_any, u_any, b, y, none, none);
    } else {
      return describe_after<Backward>(description, kind, activation..., direction, x, h, w_any, u_any, b, y, none, x, h,
                                      w_any, u_any, b, y, none);
    }
  }();
  const auto w = std::make_shared<Weights>(w_, description.weights_layer_desc());
  const auto u = std::make_shared<Weights>(u_, description.weights_iter_desc());
  const auto w_back = std::make_shared<Weights>(w_, back.weights_layer_desc());
  const auto u_back = std::make_shared<Weights>(u_, back.weights_iter_desc());
  memory workspace(description.workspace_desc(), cpu()), dx(x, cpu()), dh(h, cpu()), dc(c, cpu()), dy(y, cpu()),
      dw(back.diff_weights_layer_desc(), cpu()), du(back.diff_weights_iter_desc(), cpu()), db(b, cpu());
  read(data_ + "dy", dy);
  Arguments first = {{DNNL_ARG_SRC_LAYER, x_},
                     {DNNL_ARG_SRC_ITER, h_},
                     {DNNL_ARG_BIAS, b_},
                     {DNNL_ARG_DST_LAYER, y_},
                     {DNNL_ARG_WORKSPACE, workspace}};
  if (size_.lstm) first.insert({DNNL_ARG_SRC_ITER_C, c_});
  Arguments second = first;
  first.insert({{DNNL_ARG_WEIGHTS_LAYER, w->wanted}, {DNNL_ARG_WEIGHTS_ITER, u->wanted}});
  second.insert({{DNNL_ARG_WEIGHTS_LAYER, w_back->wanted},
                 {DNNL_ARG_WEIGHTS_ITER, u_back->wanted},
                 {DNNL_ARG_DIFF_SRC_LAYER, dx},
                 {DNNL_ARG_DIFF_SRC_ITER, dh},
                 {DNNL_ARG_DIFF_WEIGHTS_LAYER, dw},
                 {DNNL_ARG_DIFF_WEIGHTS_ITER, du},
                 {DNNL_ARG_DIFF_BIAS, db},
                 {DNNL_ARG_DIFF_DST_LAYER, dy}});
  if (size_.lstm) second.insert({DNNL_ARG_DIFF_SRC_ITER_C, dc});
  const Forward forward(description);
  const Backward backward(back);
  const auto step = [=, this]() mutable {
    for (const auto& weights : {w, u, w_back, u_back}) weights->refresh(stream_);
    forward.execute(stream_, first);
    for (const memory& m : {dw, du, db}) std::memset(m.get_data_handle(), 0, m.get_desc().get_size());
    backward.execute(stream_, second);
    stream_.wait();
  };
  std::function<void()> run = step;
  run();
  write_gradients(dw, du, db, dx);
  return run;
}

void Layer::write_gradients(const memory& dw, const memory& du, const memory& db, const memory& dx) {
  for (const auto& [name, gradient] : {std::pair{"dweight_ih", dw}, std::pair{"dweight_hh", du}}) {
    memory from = gradient, to(plain(gradient.get_desc().dims(), Tag::ldgoi), cpu());
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    write(out_ + name, to);
  }
  write(out_ + "dbias", db);
  write(out_ + "dx", dx);
}

std::function<void()> Layer::prepare() {
  std::function<void()> run;
  if (cell_ == "rnn") {
    run = build<dnnl::vanilla_rnn_forward, dnnl::vanilla_rnn_backward>(dnnl::algorithm::eltwise_tanh);
  } else if (cell_ == "lstm") {
    run = build<dnnl::lstm_forward, dnnl::lstm_backward>();
  } else if (cell_ == "gru") {
    run = build<dnnl::gru_forward, dnnl::gru_backward>();
  } else {
    run = build<dnnl::lbr_gru_forward, dnnl::lbr_gru_backward>();
  }
  if (work_ != "step") {
    if (work_ == "inference") run();
    write(out_ + "y", y_);
    return run;
  }
  // One input after another, then the last one again and again.
  std::ifstream inputs(data_ + "x", std::ios::binary);
  std::ofstream outputs(out_ + "y", std::ios::binary);
  while (
      inputs.read(static_cast<char*>(x_.get_data_handle()), static_cast<std::streamsize>(x_.get_desc().get_size()))) {
    run();
    outputs.write(static_cast<const char*>(y_.get_data_handle()),
                  static_cast<std::streamsize>(y_.get_desc().get_size()));
  }
  return run;
}

struct Peer {
  std::shared_ptr<Layer> layer;
  std::function<void()> run;

  Json answer(const Json& request) {
    const std::string what = request.at("do");
    if (what == "about") {
      const dnnl_version_t* v = dnnl_version();
      return {{"version", std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch)}};
    }
    if (what == "prepare") {
      run = nullptr;
      if (request.at("work").get<std::string>().ends_with("-model")) return {{"unsupported", "layers alone"}};
      omp_set_num_threads(request.at("threads"));
      layer = std::make_shared<Layer>(request);
      run = layer->prepare();
      return {{"ready", true}};
    }
    using Clock = std::chrono::steady_clock;
    const std::size_t runs = request.at("runs");
    const auto start = Clock::now();
    for (std::size_t i = 0; i < runs; ++i) run();
    return {{"seconds", std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(runs)}};
  }
};

}  // namespace

int main() {
  Peer peer;
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      answer = peer.answer(Json::parse(line));
    } catch (const std::exception& error) {
      answer = {{"error", error.what()}};
    }
    std::cout << answer << std::endl;
  }
}
