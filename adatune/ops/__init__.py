"""The operations StyleGAN2 is made of, each differentiable twice on every device."""

from adatune.ops.bias_act import bias_act
from adatune.ops.conv2d import conv2d_resample
from adatune.ops.modulated_conv2d import modulated_conv2d
from adatune.ops.upfirdn2d import upfirdn2d

__all__ = ["bias_act", "conv2d_resample", "modulated_conv2d", "upfirdn2d"]
