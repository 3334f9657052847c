from .base_options import BaseOptions


class TrainOptions(BaseOptions):
    isTrain = True

    def initialize(self, parser):
        parser = BaseOptions.initialize(self, parser)
        parser.add_argument("--print_freq", type=int, default=100, help="images between two lines of losses")
        parser.add_argument("--save_epoch_freq", type=int, default=5, help="epochs between two saved models")
        parser.add_argument("--continue_train", action="store_true", help="go on from the latest model")
        parser.add_argument("--epoch_count", type=int, default=1, help="number of the first epoch")
        parser.add_argument("--phase", default="train", help="which images to read")
        parser.add_argument("--n_epochs", type=int, default=10, help="epochs at the initial learning rate")
        parser.add_argument("--n_epochs_decay", type=int, default=10, help="epochs of decay to zero")
        parser.add_argument("--beta1", type=float, default=0.5, help="momentum of Adam")
        parser.add_argument("--lr", type=float, default=0.0002, help="initial learning rate of Adam")
        parser.add_argument("--gan_mode", default="lsgan", help="GAN objective [vanilla | lsgan]")
        return parser
