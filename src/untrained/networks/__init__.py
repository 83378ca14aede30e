"""Networks f_θ: z -> image. Frozen settings build modules; one paper a file."""

from untrained.networks.conv_decoder import ConvDecoder, ConvDecoderNetwork
from untrained.networks.custom import Custom
from untrained.networks.dcgan import Dcgan, DcganNetwork
from untrained.networks.deep_decoder import DeepDecoder, DeepDecoderNetwork
from untrained.networks.inputs import CodeSettings, FourierFeatures, Guide, Meshgrid, Noise
from untrained.networks.layered import Layered, LayeredNetwork
from untrained.networks.layers import NetworkSettings, initialize
from untrained.networks.members import Members
from untrained.networks.plain import Plain, PlainNetwork, Pointwise, PointwiseNetwork
from untrained.networks.resnet import ResNet, ResNetNetwork
from untrained.networks.skip import Skip, SkipNetwork
from untrained.networks.summary import LayerSummary, NetworkSummary, summarize
from untrained.networks.unet import UNet, UNetNetwork

__all__ = [
    "CodeSettings",
    "ConvDecoder",
    "ConvDecoderNetwork",
    "Custom",
    "Dcgan",
    "DcganNetwork",
    "DeepDecoder",
    "DeepDecoderNetwork",
    "FourierFeatures",
    "Guide",
    "LayerSummary",
    "Layered",
    "LayeredNetwork",
    "Members",
    "Meshgrid",
    "NetworkSettings",
    "NetworkSummary",
    "Noise",
    "Plain",
    "PlainNetwork",
    "Pointwise",
    "PointwiseNetwork",
    "ResNet",
    "ResNetNetwork",
    "Skip",
    "SkipNetwork",
    "UNet",
    "UNetNetwork",
    "initialize",
    "summarize",
]
