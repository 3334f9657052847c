"""A small U-Net and a small PatchGAN."""

import torch
from torch import nn


def get_scheduler(optimizer, opt):
    """Constant for n_epochs, then linear to zero over n_epochs_decay."""

    def factor(epoch):
        late = max(0, epoch + opt.epoch_count - opt.n_epochs)
        return 1.0 - late / (opt.n_epochs_decay + 1)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def init_weights(net, gain):
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, gain)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return net


def norm_layer(name, channels):
    if name == "batch":
        return nn.BatchNorm2d(channels)
    if name == "instance":
        return nn.InstanceNorm2d(channels)
    return nn.Identity()


def define_G(input_nc, output_nc, ngf, net, norm, use_dropout, init_gain):
    halvings = int(net.rsplit("_", 1)[1]).bit_length() - 1  # unet_64 halves 64 pixels to one
    return init_weights(UnetGenerator(input_nc, output_nc, halvings, ngf, norm, use_dropout), init_gain)


def define_D(input_nc, ndf, n_layers, norm, init_gain):
    return init_weights(PatchDiscriminator(input_nc, ndf, n_layers, norm), init_gain)


class GANLoss(nn.Module):
    """Least squares or cross entropy against a constant target."""

    def __init__(self, gan_mode):
        super().__init__()
        self.loss = {"lsgan": nn.MSELoss(), "vanilla": nn.BCEWithLogitsLoss()}[gan_mode]

    def forward(self, prediction, target_is_real):
        return self.loss(prediction, torch.full_like(prediction, float(target_is_real)))


class UnetGenerator(nn.Module):
    """Halve the image until it is one pixel, double it again, and hand every scale across."""

    def __init__(self, input_nc, output_nc, halvings, ngf, norm, use_dropout):
        super().__init__()
        widths = [ngf * min(2**level, 8) for level in range(halvings)]
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for level, width in enumerate(widths):
            outermost, innermost = level == 0, level == halvings - 1
            above = input_nc if outermost else widths[level - 1]
            plain = outermost or innermost
            from_below = width if innermost else 2 * width
            to_above = output_nc if outermost else above
            self.down.append(
                nn.Sequential(
                    nn.Identity() if outermost else nn.LeakyReLU(0.2),
                    nn.Conv2d(above, width, 4, 2, 1),
                    nn.Identity() if plain else norm_layer(norm, width),
                )
            )
            self.up.append(
                nn.Sequential(
                    nn.ReLU(),
                    nn.ConvTranspose2d(from_below, to_above, 4, 2, 1),
                    nn.Tanh() if outermost else norm_layer(norm, above),
                    nn.Dropout(0.5) if use_dropout and width == above == 8 * ngf else nn.Identity(),
                )
            )

    def forward(self, image):
        scales = [image]
        for block in self.down:
            scales.append(block(scales[-1]))
        result = scales.pop()
        for block in reversed(self.up):
            result = block(result)
            scale = scales.pop()
            if scales:
                result = torch.cat([scale, result], 1)
        return result


class PatchDiscriminator(nn.Module):
    """Judge overlapping patches as real or generated: (N, C, H, W) -> (N, 1, h, w)."""

    def __init__(self, input_nc, ndf, n_layers, norm):
        super().__init__()
        layers = [nn.Conv2d(input_nc, ndf, 4, 2, 1), nn.LeakyReLU(0.2)]
        width = ndf
        for level in range(1, n_layers + 1):
            wider = ndf * min(2**level, 8)
            stride = 2 if level < n_layers else 1
            layers += [nn.Conv2d(width, wider, 4, stride, 1), norm_layer(norm, wider), nn.LeakyReLU(0.2)]
            width = wider
        self.model = nn.Sequential(*layers, nn.Conv2d(width, 1, 4, 1, 1))

    def forward(self, image):
        return self.model(image)
