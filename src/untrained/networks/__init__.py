"""Networks f_θ: z -> image. Frozen settings build modules; one paper a file."""

from untrained.networks.conv_decoder import ConvDecoder, ConvDecoderNetwork
from untrained.networks.custom import Custom
from untrained.networks.dcgan import Dcgan, DcganNetwork
from untrained.networks.deep_decoder import DeepDecoder, DeepDecoderNetwork
from untrained.networks.each_frame import EachFrame, EachFrameNetwork
from untrained.networks.inputs import CodeSettings, FourierFeatures, Guide, Meshgrid, Noise
from untrained.networks.layered import Layered, LayeredNetwork
from untrained.networks.layers import NetworkSettings, for_image, initialize
from untrained.networks.members import Members
from untrained.networks.plain import Plain, PlainNetwork, Pointwise, PointwiseNetwork
from untrained.networks.resnet import ResNet, ResNetNetwork
from untrained.networks.side_by_side import SideBySide, can_stand_side_by_side
from untrained.networks.skip import Skip, SkipNetwork
from untrained.networks.summary import LayerSummary, NetworkSummary, summarize
from untrained.networks.time_dependent import Helix, TimeDependent, TimeDependentNetwork
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
    "EachFrame",
    "EachFrameNetwork",
    "FourierFeatures",
    "Guide",
    "Helix",
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
    "SideBySide",
    "Skip",
    "SkipNetwork",
    "TimeDependent",
    "TimeDependentNetwork",
    "UNet",
    "UNetNetwork",
    "can_stand_side_by_side",
    "for_image",
    "initialize",
    "summarize",
]
