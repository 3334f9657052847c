"""Models: `--model pix2pix` is the class Pix2PixModel of models/pix2pix_model.py."""

import importlib

from .base_model import BaseModel


def find_model_using_name(name):
    module = importlib.import_module(f"models.{name}_model")
    wanted = name.replace("_", "").lower() + "model"
    for attribute, value in vars(module).items():
        if attribute.lower() == wanted and issubclass(value, BaseModel):
            return value
    raise SystemExit(f"models/{name}_model.py has no model class")


def get_option_setter(name):
    return find_model_using_name(name).modify_commandline_options


def create_model(opt):
    model = find_model_using_name(opt.model)(opt)
    print(f"model [{type(model).__name__}] was created")
    return model
