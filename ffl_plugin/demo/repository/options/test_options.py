from .base_options import BaseOptions


class TestOptions(BaseOptions):
    isTrain = False

    def initialize(self, parser):
        parser = BaseOptions.initialize(self, parser)
        parser.add_argument("--results_dir", default="./results/", help="where results are saved")
        parser.add_argument("--phase", default="test", help="which images to read")
        parser.add_argument("--eval", action="store_true", help="evaluation mode: no dropout")
        parser.add_argument("--num_test", type=int, default=50, help="how many test images to run")
        return parser
