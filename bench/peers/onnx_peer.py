"""ONNX Runtime's side of the comparison: inference of one layer, the weights constants of the graph."""

import numpy
import onnx
import onnxruntime

import gates
from peer import Unsupported, serve
from work import stack_layers

OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "gru-reset-after": "GRU"}


def weights(request, suffix="", prefix="", inputs=None):
    """W, R and B of the operator."""
    cell, hidden, inputs = request.cell, request.hidden, inputs or request.inputs
    x_rows, h_rows = (len(rows) for rows in gates.OURS[cell])
    w, u, b = gates.to_peer(cell, gates.ONNX[cell],
                            request.read(f"{prefix}weight_ih{suffix}", x_rows * hidden, inputs),
                            request.read(f"{prefix}weight_hh{suffix}", h_rows * hidden, hidden),
                            request.read(f"{prefix}bias{suffix}", x_rows * hidden))
    own = b * 0
    if cell == "gru-reset-after":
        own[2 * hidden:] = request.read(f"{prefix}bias_hn{suffix}", hidden)
    return w, u, numpy.concatenate([b, own])


def graph(request, steps):
    """The operator with our weights: X [steps, B, I] and its states in, Y [steps, 1, B, H] and its states out."""
    cell, hidden, inputs = request.cell, request.hidden, request.inputs
    constants = [onnx.numpy_helper.from_array(array[None], name) for name, array in zip("WRB", weights(request))]
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


def stack(request):
    """Two bidirectional operators on padded sequences, whose lengths are in sequence_lens."""
    cell, hidden = request.cell, request.hidden
    nodes, constants, last = [], [], "X"
    directions = [weights(request, suffix, "rnn.", inputs) for suffix, inputs in stack_layers(request)]
    for layer in range(2):
        parts = directions[2 * layer:2 * layer + 2]
        names = [f"{name}{layer}" for name in ("W", "R", "B")]
        constants += [onnx.numpy_helper.from_array(numpy.stack(arrays), name)
                      for name, arrays in zip(names, zip(*parts))]
        nodes.append(onnx.helper.make_node(OPERATORS[cell], [last, *names, "lengths"], [f"Y{layer}"], hidden_size=hidden,
                                           direction="bidirectional",
                                           **({"linear_before_reset": 1} if cell == "gru-reset-after" else {})))
        nodes.append(onnx.helper.make_node("Transpose", [f"Y{layer}"], [f"T{layer}"], perm=[0, 2, 1, 3]))
        nodes.append(onnx.helper.make_node("Reshape", [f"T{layer}", "shape"], [f"out{layer}"]))
        last = f"out{layer}"
    constants.append(onnx.numpy_helper.from_array(numpy.array([0, 0, 2 * hidden], "int64"), "shape"))
    constants.append(onnx.numpy_helper.from_array(numpy.array(request.lengths, "int32"), "lengths"))

    def value(name, width):
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [request.steps, request.batch, width])

    made = onnx.helper.make_graph(nodes, "stack", [value("X", request.inputs)], [value(last, 2 * hidden)], constants)
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    packed = request.read("x", sum(request.lengths), request.inputs)
    x = numpy.zeros((request.steps, request.batch, request.inputs), "float32")
    counts = numpy.arange(request.steps)[:, None] < numpy.array(request.lengths)[None, :]
    x[counts] = packed  # both are in the order of steps, and of sequences within
    y = numpy.empty((request.steps, request.batch, 2 * hidden), "float32")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options_for(request),
                                           providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for bound, name, array in ((binding.bind_input, "X", x), (binding.bind_output, last, y)):
        bound(name=name, device_type="cpu", device_id=0, element_type=numpy.float32, shape=array.shape,
              buffer_ptr=array.ctypes.data)
    _keep.extend([x, y])
    session.run_with_iobinding(binding)
    request.write("y", y[counts])
    return lambda: session.run_with_iobinding(binding)


def options_for(request):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request.threads
    options.inter_op_num_threads = 1
    return options


def prepare(request):
    if request.work.endswith("-inference"):
        return stack(request)
    if request.work not in ("inference", "step"):
        raise Unsupported("inference alone")
    steps = 1 if request.work == "step" else request.steps
    model, names = graph(request, steps)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options_for(request), providers=["CPUExecutionProvider"])
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
