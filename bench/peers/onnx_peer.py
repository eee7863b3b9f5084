"""ONNX Runtime's side of the comparison: inference of one layer, the weights constants of the graph."""

import numpy
import onnx
import onnxruntime

import gates
from peer import Unsupported, serve

OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "gru-reset-after": "GRU"}


def graph(request, steps):
    """The operator with our weights: X [steps, B, I] and its states in, Y [steps, 1, B, H] and its states out."""
    cell, hidden, inputs = request.cell, request.hidden, request.inputs
    x_rows, h_rows = (len(rows) for rows in gates.OURS[cell])
    w, u, b = gates.to_peer(cell, gates.ONNX[cell], request.read("weight_ih", x_rows * hidden, inputs),
                            request.read("weight_hh", h_rows * hidden, hidden), request.read("bias", x_rows * hidden))
    own = b * 0
    if cell == "gru-reset-after":
        own[2 * hidden:] = request.read("bias_hn", hidden)
    constants = [onnx.numpy_helper.from_array(a[None], n) for n, a in
                 (("W", w), ("R", u), ("B", numpy.concatenate([b, own])))]
    names = ["h", "c"] if cell == "lstm" else ["h"]
    node = onnx.helper.make_node(OPERATORS[cell], ["X", "W", "R", "B", ""] + names, ["Y"] + [n + "1" for n in names],
                                 hidden_size=hidden,
                                 **({"linear_before_reset": int(cell != "gru")} if "gru" in cell else {}))

    def value(name, *shape):
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    state = [1, request.batch, hidden]
    made = onnx.helper.make_graph(
        [node], "layer", [value("X", steps, request.batch, inputs)] + [value(n, *state) for n in names],
        [value("Y", steps, 1, request.batch, hidden)] + [value(n + "1", *state) for n in names], constants)
    return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), names


def prepare(request):
    if request.work not in ("inference", "step"):
        raise Unsupported("inference alone")
    steps = 1 if request.work == "step" else request.steps
    model, names = graph(request, steps)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = request.read("x", request.steps, request.batch, request.inputs)
    state = request.read("state", len(names), 1, request.batch, request.hidden)
    if request.work == "inference":
        y = numpy.empty((steps, 1, request.batch, request.hidden), "float32")
        binding = bind(session, x, dict(zip(names, state)), y)
        session.run_with_iobinding(binding)
        request.write("y", y)
        return lambda: session.run_with_iobinding(binding)
    # Two bindings, each writing the states that the other reads.
    y = numpy.empty((1, 1, 1, request.hidden), "float32")
    states = [dict(zip(names, state.copy())), dict(zip(names, state.copy()))]
    bindings = [[bind(session, x[t:t + 1], states[i], y, states[1 - i]) for i in range(2)]
                for t in range(request.steps)]
    place = [0]

    def run():
        session.run_with_iobinding(bindings[place[0] % request.steps][place[0] % 2])
        place[0] += 1

    outputs = []
    for _ in range(request.steps):
        run()
        outputs.append(y.copy())
    request.write("y", numpy.concatenate(outputs))
    return run


def bind(session, x, states, y, states_after=None):
    binding = session.io_binding()

    def address(array):
        return dict(device_type="cpu", device_id=0, element_type=numpy.float32, shape=array.shape,
                    buffer_ptr=array.ctypes.data)

    binding.bind_input(name="X", **address(x))
    for name, array in states.items():
        binding.bind_input(name=name, **address(array))
    binding.bind_output(name="Y", **address(y))
    for name, array in (states_after or {n: numpy.empty_like(a) for n, a in states.items()}).items():
        binding.bind_output(name=name + "1", **address(array))
        _keep.append(array)
    _keep.extend([x, y, *states.values()])
    return binding


_keep = []  # arrays that bindings point to


serve(onnxruntime.__version__, prepare)
