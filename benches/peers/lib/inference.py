"""The reference U-Net beside PyTorch and ONNX Runtime: the same weights, the same picture, in turns.

    benches/peers/inference [--width W ...] [--size S] [--repeat K] [--pairs P] [--threads T] [--by wall|cpu] [--json FILE]

The best of each counts: wall, or with `--by cpu` the processor time, which other work on the machine touches less.
Probabilities must agree, else the networks are not the same and no ratio is given. Ours goes from the picture of the
file to the mask; the peers get the prepared picture.
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from unet import find_binary, load, network, tensors

# The goal of the table: ours to ONNX Runtime's.
GOAL = 1.1
# Probabilities may differ by this much: sums are taken in another order.
SAME = 1e-4


def ours(binary, width, args, weights, trace):
    command = [binary, "bench", "unet", "--width", str(width), "--size", str(args.size), "--json"]
    command += ["--repeat", str(args.repeat), "--jobs", str(args.threads), "--device", "cpu"]
    command += ["--weights-out", weights, "--trace-out", trace]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        case = json.loads(line)
        if "gflop" in case:
            return {"wall": min(case["wall_ms"]), "cpu": min(case["cpu_ms"])}
    sys.exit("the bench gave no times")


def timed(args, run):
    run()
    times = {"wall": math.inf, "cpu": math.inf}
    for _ in range(args.repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        times["wall"] = min(times["wall"], 1000 * (time.perf_counter() - wall))
        times["cpu"] = min(times["cpu"], 1000 * (time.process_time() - cpu))
    return times


def graph(onnx, width, weights, size, depth=5):
    """The same network as an ONNX model."""
    helper, nodes, initial = onnx.helper, [], []

    def convolution(name, x, side, rectified, inner=""):
        for part in ("weight", "bias"):
            values = weights[f"{name}{inner}.{part}"].numpy()
            initial.append(onnx.numpy_helper.from_array(values, f"{name}.{part}"))
        pads = [side // 2] * 4
        inputs = [x, f"{name}.weight", f"{name}.bias"]
        nodes.append(helper.make_node("Conv", inputs, [name], kernel_shape=[side] * 2, pads=pads))
        if not rectified:
            return name
        nodes.append(helper.make_node("Relu", [name], [f"{name}.relu"]))
        return f"{name}.relu"

    def block(name, x):
        x = convolution(f"{name}.first", x, 3, True, ".convolution")
        return convolution(f"{name}.second", x, 3, True, ".convolution")

    x, skips = "input", []
    for level in range(depth):
        if level > 0:
            node = helper.make_node("MaxPool", [x], [f"pool.{level}"], kernel_shape=[2, 2], strides=[2, 2])
            nodes.append(node)
            x = f"pool.{level}"
        x = block(f"encoder.{level}", x)
        skips.append(x)
    skips.pop()
    for level in reversed(range(depth - 1)):
        x = convolution(f"up.{level}", x, 1, False)
        nodes.append(helper.make_node("DepthToSpace", [x], [f"large.{level}"], blocksize=2, mode="CRD"))
        nodes.append(helper.make_node("Concat", [skips.pop(), f"large.{level}"], [f"both.{level}"], axis=1))
        x = block(f"decoder.{level}", f"both.{level}")
    x = convolution("head", x, 1, False)
    nodes.append(helper.make_node("Sigmoid", [x], ["probability"]))
    shape = [1, 1, size, size]
    sides = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in ("input", "probability")]
    body = helper.make_graph(nodes, "unet", sides[:1], sides[1:], initial)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def measure(torch, runtime, width, args, binary, folder):
    weights, trace = os.path.join(folder, "weights.safetensors"), os.path.join(folder, "trace.safetensors")
    best = {name: {"wall": math.inf, "cpu": math.inf} for name in ("ours", "torch", "onnxruntime")}
    apart = {"torch": 0.0, "onnxruntime": 0.0}

    def keep(name, times):
        for kind, value in times.items():
            best[name][kind] = min(best[name][kind], value)

    keep("ours", ours(binary, width, args, weights, trace))
    net = network(torch, width, folded=True)
    load(torch, net, weights)
    net.eval()
    ready, session = tensors(torch, trace), None
    if runtime:
        import onnx

        path = os.path.join(folder, "unet.onnx")
        onnx.save(graph(onnx, width, tensors(torch, weights), args.size), path)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = args.threads
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for _ in range(args.pairs):
        found = {}

        def by_torch():
            with torch.no_grad():
                found["torch"] = torch.sigmoid(net(ready["input"]))

        def by_runtime():
            found["onnxruntime"] = torch.from_numpy(session.run(None, {"input": ready["input"].numpy()})[0])

        keep("torch", timed(args, by_torch))
        if session:
            keep("onnxruntime", timed(args, by_runtime))
        for name, values in found.items():
            apart[name] = max(apart[name], (values - ready["probability"]).abs().max().item())
        keep("ours", ours(binary, width, args, weights, trace))
    return best, apart


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--width", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--by", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--json")
    args = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("16 inference: not measured, PyTorch is not here")
        return
    torch.set_num_threads(args.threads)
    try:
        import onnxruntime as runtime
    except ImportError:
        runtime = None
    binary, rows = find_binary(args.binary), []
    for width in args.width:
        with tempfile.TemporaryDirectory() as folder:
            best, apart = measure(torch, runtime, width, args, binary, folder)
        for name, goal in (("torch", None), ("onnxruntime", GOAL)):
            if not math.isfinite(best[name]["wall"]):
                print(f"16 inference, width {width}, beside {name}: not measured, it is not here")
                continue
            ratio = best["ours"][args.by] / best[name][args.by]
            verdict = "no goal" if goal is None else ("reached" if ratio <= goal else "not reached")
            if apart[name] > SAME:
                verdict = "not the same"
            rows.append({"width": width, "peer": name, "by": args.by, "ratio": ratio, "apart": apart[name],
                         "verdict": verdict, "ours": best["ours"], "theirs": best[name]})
            print(
                f"16 inference, width {width}, {args.size} x {args.size}, {args.threads} threads: ours "
                f"{best['ours']['wall']:.1f} ms (cpu {best['ours']['cpu']:.1f}), {name} {best[name]['wall']:.1f} ms "
                f"(cpu {best[name]['cpu']:.1f}), ratio by {args.by} {ratio:.2f}"
                f"{f' (goal {goal})' if goal else ''}, probabilities {apart[name]:.1e} apart: {verdict}"
            )
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
