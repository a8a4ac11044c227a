"""The reference U-Net in PyTorch with our weights, for the tools that measure networks beside other runtimes."""

import json
import os
import pathlib


def find_binary(given):
    here = pathlib.Path(__file__).resolve().parents[3] / "target/release/negatoscope"
    for path in (given, os.environ.get("NEGATOSCOPE"), here):
        if path and pathlib.Path(path).is_file():
            return str(path)
    return "negatoscope"


def network(torch, width, depth=5, folded=False):
    """With batch normalisation, or `folded` into the convolutions, as networks are run."""
    nn = torch.nn

    class Step(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            self.convolution = nn.Conv2d(before, after, 3, padding=1, bias=folded)
            if not folded:
                self.norm = nn.BatchNorm2d(after, eps=1e-5)

        def forward(self, x):
            x = self.convolution(x)
            return torch.relu(x if folded else self.norm(x))

    class Block(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            self.first = Step(before, after)
            self.second = Step(after, after)

        def forward(self, x):
            return self.second(self.first(x))

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            wide = [width << level for level in range(depth)]
            self.encoder = nn.ModuleList(
                Block(1 if level == 0 else wide[level - 1], wide[level]) for level in range(depth)
            )
            self.decoder = nn.ModuleList(Block(2 * w, w) for w in wide[:-1])
            self.up = nn.ModuleList(nn.Conv2d(2 * w, 4 * w, 1) for w in wide[:-1])
            self.head = nn.Conv2d(width, 1, 1)

        def forward(self, x):
            skips = []
            for level, block in enumerate(self.encoder):
                if level > 0:
                    x = nn.functional.max_pool2d(x, 2)
                x = block(x)
                skips.append(x)
            skips.pop()
            for block, up, skip in reversed(list(zip(self.decoder, self.up, skips))):
                x = block(torch.cat([skip, nn.functional.pixel_shuffle(up(x), 2)], 1))
            return self.head(x)

    return UNet()


def tensors(torch, path):
    """Plain safetensors: a header of JSON, then little-endian numbers."""
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    found = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        begin, end = entry["data_offsets"]
        values = bytearray(data[8 + length + begin : 8 + length + end])
        found[name] = torch.frombuffer(values, dtype=torch.float32).reshape(entry["shape"])
    return found


def load(torch, net, weights):
    """Gives a network our weights."""
    state = net.state_dict()
    names = {"gamma": "weight", "beta": "bias"}
    for name, values in tensors(torch, weights).items():
        stem, _, last = name.rpartition(".")
        state[f"{stem}.{names.get(last, last)}"].copy_(values)
