import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps


class AlignedDataset(torch.utils.data.Dataset):
    """Pairs of images, side by side in one file: A on the left, B on the right."""

    def __init__(self, opt):
        self.opt = opt
        self.paths = sorted(Path(opt.dataroot, opt.phase).glob("*.png"))
        if not self.paths:
            raise SystemExit(f"no PNG files in {Path(opt.dataroot, opt.phase)}")

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        path = self.paths[index]
        with Image.open(path) as file:
            pair = file.convert("RGB")
        half = pair.width // 2
        a = pair.crop((0, 0, half, pair.height))
        b = pair.crop((half, 0, 2 * half, pair.height))
        a, b = self.transform(a, b)
        return {"A": a, "B": b, "A_paths": str(path), "B_paths": str(path)}

    def transform(self, *images):
        """Scale, crop and mirror all images alike; tensors (3, H, W) in [-1, 1]."""
        opt = self.opt
        mirror = not opt.no_flip and random.random() < 0.5
        top, left = (random.randint(0, opt.load_size - opt.crop_size) for _ in range(2))
        tensors = []
        for image in images:
            if opt.preprocess != "none":
                if image.size != (opt.load_size, opt.load_size):
                    image = image.resize((opt.load_size, opt.load_size), Image.BICUBIC)
                image = image.crop((left, top, left + opt.crop_size, top + opt.crop_size))
            if mirror:
                image = ImageOps.mirror(image)
            tensors.append(torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 127.5 - 1)
        return tensors
