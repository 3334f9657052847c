import torch

from . import networks
from .base_model import BaseModel


class Pix2PixModel(BaseModel):
    """Image-to-image translation from pairs (Isola et al., CVPR 2017)."""

    @staticmethod
    def modify_commandline_options(parser, is_train=True):
        parser.set_defaults(norm="batch", dataset_mode="aligned")
        if is_train:
            parser.set_defaults(gan_mode="vanilla")
            parser.add_argument("--lambda_L1", type=float, default=100.0, help="weight of the L1 loss")
        return parser

    def __init__(self, opt):
        BaseModel.__init__(self, opt)
        self.loss_names = ["G_GAN", "G_L1", "D_real", "D_fake"]
        self.visual_names = ["real_A", "fake_B", "real_B"]
        self.model_names = ["G", "D"] if self.isTrain else ["G"]
        use_dropout = not opt.no_dropout
        self.netG = networks.define_G(
            opt.input_nc, opt.output_nc, opt.ngf, opt.netG, opt.norm, use_dropout, opt.init_gain
        ).to(self.device)
        if self.isTrain:
            self.netD = networks.define_D(
                opt.input_nc + opt.output_nc, opt.ndf, opt.n_layers_D, opt.norm, opt.init_gain
            ).to(self.device)
            self.criterionGAN = networks.GANLoss(opt.gan_mode)
            self.criterionL1 = torch.nn.L1Loss()
            adam = {"lr": opt.lr, "betas": (opt.beta1, 0.999)}
            self.optimizer_G = torch.optim.Adam(self.netG.parameters(), **adam)
            self.optimizer_D = torch.optim.Adam(self.netD.parameters(), **adam)
            self.optimizers = [self.optimizer_G, self.optimizer_D]

    def set_input(self, input):
        forwards = self.opt.direction == "AtoB"
        self.real_A = input["A" if forwards else "B"].to(self.device)
        self.real_B = input["B" if forwards else "A"].to(self.device)
        self.image_paths = input["A_paths" if forwards else "B_paths"]

    def forward(self):
        self.fake_B = self.netG(self.real_A)

    def backward_D(self):
        """The discriminator tells pairs with a generated image from real pairs."""
        fake = self.netD(torch.cat((self.real_A, self.fake_B.detach()), 1))
        real = self.netD(torch.cat((self.real_A, self.real_B), 1))
        self.loss_D_fake = self.criterionGAN(fake, False)
        self.loss_D_real = self.criterionGAN(real, True)
        self.loss_D = (self.loss_D_fake + self.loss_D_real) / 2
        self.loss_D.backward()

    def backward_G(self):
        """The generator deceives the discriminator and stays near the photograph."""
        judged = self.netD(torch.cat((self.real_A, self.fake_B), 1))
        self.loss_G_GAN = self.criterionGAN(judged, True)
        self.loss_G_L1 = self.opt.lambda_L1 * self.criterionL1(self.fake_B, self.real_B)
        self.loss_G = self.loss_G_GAN + self.loss_G_L1
        self.loss_G.backward()

    def optimize_parameters(self):
        self.forward()
        self.set_requires_grad(self.netD, True)
        self.optimizer_D.zero_grad()
        self.backward_D()
        self.optimizer_D.step()
        self.set_requires_grad(self.netD, False)
        self.optimizer_G.zero_grad()
        self.backward_G()
        self.optimizer_G.step()
