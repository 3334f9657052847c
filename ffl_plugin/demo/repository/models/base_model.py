from collections import OrderedDict
from pathlib import Path

import torch

from . import networks


class BaseModel:
    """What every model has: networks to save and load, losses to print, images to show."""

    def __init__(self, opt):
        self.opt = opt
        self.isTrain = opt.isTrain
        self.save_dir = Path(opt.checkpoints_dir) / opt.name
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.loss_names = []
        self.model_names = []
        self.visual_names = []
        self.optimizers = []
        self.image_paths = []

    @staticmethod
    def modify_commandline_options(parser, is_train):
        return parser

    def setup(self, opt):
        """Load what was trained before, and create the learning rate schedules."""
        if not self.isTrain or opt.continue_train:
            self.load_networks(opt.epoch)
        if self.isTrain:
            self.schedulers = [networks.get_scheduler(optimizer, opt) for optimizer in self.optimizers]

    def test(self):
        with torch.no_grad():
            self.forward()

    def eval(self):
        for name in self.model_names:
            getattr(self, "net" + name).eval()

    def get_image_paths(self):
        return self.image_paths

    def update_learning_rate(self):
        for scheduler in self.schedulers:
            scheduler.step()

    def get_current_visuals(self):
        return OrderedDict((name, getattr(self, name)) for name in self.visual_names)

    def get_current_losses(self):
        losses = ((name, getattr(self, "loss_" + name)) for name in self.loss_names)
        return OrderedDict((name, torch.as_tensor(loss).item()) for name, loss in losses)

    def save_networks(self, epoch):
        for name in self.model_names:
            torch.save(getattr(self, "net" + name).state_dict(), self.save_dir / f"{epoch}_net_{name}.pth")

    def load_networks(self, epoch):
        for name in self.model_names:
            path = self.save_dir / f"{epoch}_net_{name}.pth"
            print(f"loading the model from {path}")
            state = torch.load(path, map_location=self.device, weights_only=True)
            getattr(self, "net" + name).load_state_dict(state)

    def set_requires_grad(self, net, requires_grad):
        for parameter in net.parameters():
            parameter.requires_grad = requires_grad
