import argparse
from pathlib import Path

import models


class BaseOptions:
    """Options of training and test, and those that the chosen model adds."""

    def initialize(self, parser):
        parser.add_argument("--dataroot", required=True, help="folder with train/ and test/")
        parser.add_argument("--name", default="experiment_name", help="name of the experiment")
        parser.add_argument("--checkpoints_dir", default="./checkpoints", help="where models are saved")
        parser.add_argument("--model", default="pix2pix", help="which model to use [pix2pix]")
        parser.add_argument("--input_nc", type=int, default=3, help="channels of the input images")
        parser.add_argument("--output_nc", type=int, default=3, help="channels of the output images")
        parser.add_argument("--ngf", type=int, default=16, help="filters of the generator's first layer")
        parser.add_argument("--ndf", type=int, default=16, help="filters of the discriminator's first layer")
        parser.add_argument("--netG", default="unet_64", help="generator [unet_64 | unet_128 | unet_256]")
        parser.add_argument("--n_layers_D", type=int, default=2, help="layers of the PatchGAN discriminator")
        parser.add_argument("--norm", default="instance", help="normalisation [batch | instance | none]")
        parser.add_argument("--init_gain", type=float, default=0.02, help="deviation of the initial weights")
        parser.add_argument("--no_dropout", action="store_true", help="no dropout in the generator")
        parser.add_argument("--dataset_mode", default="aligned", help="how data is loaded [aligned]")
        parser.add_argument("--direction", default="AtoB", help="AtoB or BtoA")
        parser.add_argument("--serial_batches", action="store_true", help="take images in order")
        parser.add_argument("--num_threads", type=int, default=0, help="processes that load data")
        parser.add_argument("--batch_size", type=int, default=1, help="images per step")
        parser.add_argument("--load_size", type=int, default=64, help="scale images to this size")
        parser.add_argument("--crop_size", type=int, default=64, help="then crop to this size")
        parser.add_argument("--preprocess", default="resize_and_crop", help="[resize_and_crop | none]")
        parser.add_argument("--no_flip", action="store_true", help="do not mirror images at random")
        parser.add_argument("--epoch", default="latest", help="which saved model to load")
        return parser

    def gather_options(self):
        parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        parser = self.initialize(parser)
        opt, _ = parser.parse_known_args()
        parser = models.get_option_setter(opt.model)(parser, self.isTrain)
        self.parser = parser
        return parser.parse_args()

    def print_options(self, opt):
        """Print the options, and save them beside the checkpoints."""
        lines = ["----------------- Options ---------------"]
        for name, value in sorted(vars(opt).items()):
            default = self.parser.get_default(name)
            note = "" if value == default else f"\t[default: {default}]"
            lines.append(f"{name:>25}: {value!s:<30}{note}")
        lines.append("----------------- End -------------------")
        message = "\n".join(lines)
        print(message)
        folder = Path(opt.checkpoints_dir) / opt.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{opt.phase}_opt.txt").write_text(message + "\n")

    def parse(self):
        opt = self.gather_options()
        opt.isTrain = self.isTrain
        self.print_options(opt)
        return opt
