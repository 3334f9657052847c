#!/usr/bin/env bash
# timm's EfficientNet lost act1 with 0.6: Projected GAN's and StyleGAN-XL's feature network asks for it.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q torch==2.13.0 torchvision==0.28.0 pyyaml huggingface_hub==0.36.0 safetensors==0.5.3
echo "expected: the parts of a model that is created by the same name keep theirs"
result=0
for timm in 0.5.4 0.6.13; do
    "$folder/env/bin/pip" install -q --no-deps "timm==$timm"
    "$folder/env/bin/python" -W ignore - <<'PYTHON' || result=1
import sys

from torch import library

try:
    import torchvision
except RuntimeError:  # it has no build for a torch without CUDA; nothing of it is called here
    operators = library.Library("torchvision", "DEF")
    operators.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    operators.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import timm

model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
print("seen: timm", timm.__version__, "act1:", hasattr(model, "act1"), "bn1:", type(model.bn1).__name__)
sys.exit(hasattr(model, "act1") != (timm.__version__ == "0.5.4"))
PYTHON
done
exit "$result"
