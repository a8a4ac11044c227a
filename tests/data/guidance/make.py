#!/usr/bin/env python3
"""Writes the files beside it: channels of points as MONAI makes them, and what a small network of MONAI with random weights answers
to a picture with such channels. The suite's `networks::guidance` compares. Nothing is copied from anywhere; weights and picture are
random numbers. Written with monai 1.6.1 and torch 2.15.

    make.py     needs numpy, torch and monai
"""
import json
import pathlib
import struct
import zlib

import numpy as np
import torch
from monai.apps.deepedit.transforms import AddGuidanceSignalDeepEditd
from monai.apps.deepgrow.transforms import AddGuidanceSignald
from monai.networks.nets import UNet

HERE = pathlib.Path(__file__).resolve().parent
# Slices, rows, columns.
VOLUME = (9, 12, 14)
PICTURE = (12, 14)
# Two that overlap, one in a corner, one twice.
PLUS = [[4, 5, 6], [4, 6, 8], [0, 0, 0], [4, 5, 6]]
MINUS = [[8, 11, 3], [2, 3, 13]]
WINDOW = (16, 16, 16)
ON_WINDOW = {"plus": [[8, 8, 7], [9, 6, 7]], "minus": [[3, 12, 12]]}


def safetensors(arrays):
    header, blobs, at = {}, [], 0
    for name in sorted(arrays):
        raw = np.ascontiguousarray(arrays[name], "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(arrays[name].shape), "data_offsets": [at, at + len(raw)]}
        blobs.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def numbers(name, shape):
    """Uniform between -1 and 1, the same in every language: the upper 24 bits of a product modulo 2^32."""
    i = np.arange(int(np.prod(shape)), dtype=np.uint64)
    x = (i * np.uint64(2654435761) + np.uint64(zlib.crc32(name.encode()))) & np.uint64(0xFFFFFFFF)
    x = ((x ^ (x >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    return ((x >> np.uint64(8)).astype(np.float64) / (1 << 23) - 1.0).astype(np.float32).reshape(shape)


def deepgrow(shape, plus, minus, sigma):
    image = np.zeros((1, *shape), np.float32)
    # Its guidance counts from the last axis; a leading number of a flat one is passed over.
    return AddGuidanceSignald(sigma=sigma)._get_signal(image, [plus, minus])


def deepedit(shape, points, sigma):
    image = np.zeros((1, *shape), np.float32)
    return AddGuidanceSignalDeepEditd(keys="image", sigma=sigma)._get_signal(image, points)[0]


def main():
    arrays = {
        "deepgrow-3d": deepgrow(VOLUME, PLUS, MINUS, 2),
        "deepgrow-2d": deepgrow(PICTURE, PLUS, MINUS, 2),
        "deepgrow-3d-plus-only": deepgrow(VOLUME, PLUS, [], 1.5),
        "deepedit-3d": np.stack([deepedit(VOLUME, PLUS, 3), deepedit(VOLUME, MINUS, 3)]),
    }
    torch.manual_seed(7)
    net = UNet(spatial_dims=3, in_channels=3, out_channels=1, channels=(4, 8), strides=(2,), num_res_units=0, norm="batch", act="prelu")
    state = net.state_dict()
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        x = torch.from_numpy(numbers(name, tuple(tensor.shape) or (1,))).reshape(tensor.shape)
        if tensor.dim() > 1:
            x = x * (6.0 / (tensor.numel() // tensor.shape[0])) ** 0.5
            # The last layer tells a wide range of probabilities.
            x = x * (6.0 if name == "model.2.conv.weight" else 1.0)
        elif name.endswith("running_var"):
            x = 1.0 + 0.5 * x
        else:
            x = 0.3 * x
        tensor.copy_(x)
    net.load_state_dict(state)
    net.eval()
    picture = numbers("picture", WINDOW)
    signal = deepgrow(WINDOW, ON_WINDOW["plus"], ON_WINDOW["minus"], 2)
    seen = np.concatenate([picture[None], signal])[None]
    with torch.no_grad():
        logits = net.double()(torch.from_numpy(seen).double()).numpy()[0, 0]
    arrays["probability"] = 1 / (1 + np.exp(-logits))
    (HERE / "expected.safetensors").write_bytes(safetensors(arrays))
    weights = {k: v.numpy() for k, v in state.items() if v.is_floating_point()}
    (HERE / "by-points.safetensors").write_bytes(safetensors(weights))


main()
