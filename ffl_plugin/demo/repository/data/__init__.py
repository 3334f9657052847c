"""Data sets: `--dataset_mode aligned` reads data/aligned_dataset.py."""

import torch.utils.data

from .aligned_dataset import AlignedDataset

DATASETS = {"aligned": AlignedDataset}


def create_dataset(opt):
    return torch.utils.data.DataLoader(
        DATASETS[opt.dataset_mode](opt),
        batch_size=opt.batch_size,
        shuffle=not opt.serial_batches,
        num_workers=opt.num_threads,
    )
