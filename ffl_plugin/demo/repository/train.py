"""Train a model: python train.py --dataroot DATA --name NAME --model pix2pix"""

import time

from data import create_dataset
from models import create_model
from options.train_options import TrainOptions
from util.visualizer import Visualizer

if __name__ == "__main__":
    opt = TrainOptions().parse()
    dataset = create_dataset(opt)
    print(f"The number of training images = {len(dataset)}")
    model = create_model(opt)
    model.setup(opt)
    visualizer = Visualizer(opt)
    last_epoch = opt.n_epochs + opt.n_epochs_decay
    for epoch in range(opt.epoch_count, last_epoch + 1):
        epoch_start = time.time()
        seen = 0
        for data in dataset:
            step_start = time.time()
            model.set_input(data)
            model.optimize_parameters()
            seen += opt.batch_size
            if seen % opt.print_freq < opt.batch_size:
                per_image = (time.time() - step_start) / opt.batch_size
                visualizer.print_current_losses(epoch, seen, model.get_current_losses(), per_image)
        model.update_learning_rate()
        if epoch % opt.save_epoch_freq == 0 or epoch == last_epoch:
            model.save_networks("latest")
        seconds = time.time() - epoch_start
        print(f"End of epoch {epoch} / {last_epoch} \t Time Taken: {seconds:.1f} sec", flush=True)
