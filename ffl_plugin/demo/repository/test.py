"""Apply a trained model to the test images: python test.py --dataroot DATA --name NAME --model pix2pix"""

from pathlib import Path

from data import create_dataset
from models import create_model
from options.test_options import TestOptions
from util.visualizer import save_images

if __name__ == "__main__":
    opt = TestOptions().parse()
    opt.batch_size = 1
    opt.serial_batches = True
    opt.no_flip = True
    dataset = create_dataset(opt)
    model = create_model(opt)
    model.setup(opt)
    if opt.eval:
        model.eval()
    folder = Path(opt.results_dir) / opt.name / f"{opt.phase}_{opt.epoch}" / "images"
    for number, data in enumerate(dataset):
        if number >= opt.num_test:
            break
        model.set_input(data)
        model.test()
        save_images(folder, model.get_current_visuals(), model.get_image_paths())
    print(f"results are in {folder}")
