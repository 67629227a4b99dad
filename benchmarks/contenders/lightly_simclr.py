"""lightly's way to train SimCLR on CIFAR-10: its dataset, its transform in workers of a DataLoader, its loss.

The network and its head are nolabel's; images are decoded beforehand. The optimizer is the one that nolabel uses.
"""

import time
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from harness import torchvision_beside_cpu
from harness.contender import Answer, answer
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.types import DataSpec


class Pictures(torch.utils.data.Dataset[Any]):
    """Views of Pillow images in memory, each with a label that nobody asks for."""

    def __init__(self, stored: np.ndarray, transform: Any) -> None:
        self.transform = transform
        self.pictures = [Image.fromarray(image.transpose(1, 2, 0)) for image in stored]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(self.pictures[index]), 0


def work(given: Answer) -> Answer:
    """Views a second; the first epoch is not counted."""
    torchvision_beside_cpu.declare()
    from lightly.data import LightlyDataset
    from lightly.loss import NTXentLoss
    from lightly.transforms.simclr_transform import SimCLRTransform

    torch.set_num_threads(given["threads"])
    torch.manual_seed(0)
    views = SimCLRTransform(
        input_size=32, cj_prob=0.8, cj_strength=1.0, cj_bright=0.4, cj_contrast=0.4, cj_sat=0.4, cj_hue=0.1,
        min_scale=0.2, gaussian_blur=0.0,
    )  # fmt: skip
    data = LightlyDataset.from_torch_dataset(Pictures(np.load(given["images"]), views))
    loader = torch.utils.data.DataLoader(
        data, batch_size=given["batch"], shuffle=True, drop_last=True, num_workers=given["workers"],
        persistent_workers=given["workers"] > 0,
    )  # fmt: skip
    backbone = make_backbone(DataSpec("image", (3, 32, 32), "unit"), "small")
    network = nn.Sequential(backbone, projector((backbone.width, 512, 128), last_norm=True))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    criterion = NTXentLoss(temperature=0.2)
    for epoch in range(given["epochs"] + 1):
        if epoch == 1:
            start = time.perf_counter()
        for (v1, v2), *_ in loader:
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=given["precision"] == "bf16"):
                z1, z2 = network(torch.cat([v1, v2])).chunk(2)
                loss = criterion(z1, z2)
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - start
    seen = 2 * given["batch"] * len(loader) * given["epochs"]
    parameters = sum(p.numel() for p in network.parameters())
    return {"per_second": seen / seconds, "loss": float(loss), "parameters": parameters}


answer(work)
