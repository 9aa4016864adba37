"""From a recipe's member to its network."""

import math

from torch import nn

from steelsight.networks.build import Network, build_classifier, build_segmenter, set_memory
from steelsight.networks.cells import CellClassifier
from steelsight.recipe import Member


def build_member(member: Member, classes: int) -> Network:
    """The randomly initialised network of a resolved member, for `classes` defect classes."""
    channels = member.preprocess.channels
    network: Network
    if member.head == "cells":
        network = CellClassifier(member.encoder, channels, classes, member.dropout, member.drop_path)
    elif member.decoder is None:
        network = build_classifier(member.encoder, channels, member.dropout, member.drop_path, member.last_layer)
    else:
        network = build_segmenter(
            member.encoder,
            member.decoder,
            member.decoder_channels,
            classes,
            channels,
            member.drop_path,
            member.exclusive,
        )
    set_memory(network, member.norm_momentum)
    # Lin et al. 2017, section 4.1: a rare foreground is learned sooner from a fresh network that expects it to be rare
    nn.init.constant_(network.output_bias, math.log(member.prior / (1 - member.prior)))
    return network
