"""From a recipe's member to its network."""

from steelsight.networks.build import Network, build_classifier, build_segmenter
from steelsight.recipe import Member


def build_member(member: Member, classes: int) -> Network:
    """The randomly initialised network of a resolved member, for `classes` defect classes."""
    channels = member.preprocess.channels
    if member.decoder is None:
        return build_classifier(member.encoder, channels, member.dropout, member.drop_path)
    return build_segmenter(member.encoder, member.decoder, member.decoder_channels, classes, channels, member.drop_path)
