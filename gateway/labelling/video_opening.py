"""Where a film's opening ends: the first picture behind two seconds at which the rest can be joined on unchanged.

Rules: packets are walked through and none decoded; what has to be encoded again is bounded, in pictures and in
pixels.
"""

from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

from gateway.labelling.members import LabelError

SHOWN_SECONDS = Fraction(2)
"""Length of the label at normal speed, at least (GB 45438-2025 5.4)."""
MOST_PICTURES = 20_000
"""Most pictures that are encoded again: eleven minutes of a film without any key picture but the first."""
MOST_PIXELS = 8192 * 4608
_LOOKED_AHEAD = 300


class Opening(NamedTuple):
    """The packets in front of the joint.

    Attributes:
        first: time of the first picture.
        joint: number of the first packet that stays, in their order in the file; None when all are encoded again.
        joint_time: time of its picture.
        decoded_at: when each packet of the opening is decoded, in their order; empty without a joint.
        lengths: how long each picture is shown, by its time.
    """

    first: int
    joint: int | None
    joint_time: int | None
    decoded_at: tuple[int, ...]
    lengths: dict[int, int]

    def until(self, time_base: Fraction) -> int:
        """Return the time of the first picture that needs no label: the one before is shown until then."""
        return self.first + ceil(SHOWN_SECONDS / time_base)


def opening_of(container: Any, stream: Any) -> Opening:  # noqa: ANN401 of the library
    """Return the opening of a film.

    Args:
        container: open at its start.
        stream: its pictures.

    Raises:
        LabelError: there are no pictures, they are encrypted or transparent, or too many would be encoded again.
    """
    if stream.width * stream.height > MOST_PIXELS:
        raise LabelError(f"the film's pictures have more than {MOST_PIXELS} pixels")
    times: list[tuple[int, int | None, int]] = []
    joint: int | None = None
    for number, packet in enumerate(each for each in container.demux(stream) if each.size):
        _refuse_hidden(packet)
        if packet.pts is None:
            raise LabelError("the film does not say when its pictures are shown")
        if joint is not None:
            if packet.pts < times[joint][0]:
                joint = None  # a picture behind it in the file is shown in front of it, and may need what was there
            elif packet.is_keyframe or number - joint > _LOOKED_AHEAD:
                break
        times.append((packet.pts, packet.dts, packet.duration or 0))
        begun = min(each[0] for each in times[:_LOOKED_AHEAD])
        if joint is None and packet.is_keyframe and packet.pts - begun >= SHOWN_SECONDS / stream.time_base:
            joint = number
        if joint is None and number >= MOST_PICTURES:
            raise LabelError(
                f"more than {MOST_PICTURES} pictures would have to be encoded again, since the film can be entered"
                " nowhere else; draw the words when it is made"
            )
    if not times:
        raise LabelError("the film has no pictures")
    part = times[:joint]
    lengths = {shown: length for shown, _, length in part}
    first, joint_time = min(lengths), None if joint is None else times[joint][0]
    decoded_at = () if joint is None else _decoded_at([decoded for _, decoded, _ in part])
    return Opening(first, joint, joint_time, decoded_at, lengths)


def whole(opening: Opening, container: Any, stream: Any) -> Opening:  # noqa: ANN401 of the library
    """Return the opening that reaches to the end.

    Args:
        opening: as it was to be.
        container: open at its start.
        stream: its pictures.

    Raises:
        LabelError: that would be too many pictures.
    """
    lengths: dict[int, int] = {}
    for number, packet in enumerate(each for each in container.demux(stream) if each.size):
        lengths[packet.pts] = packet.duration or 0
        if number >= MOST_PICTURES:
            raise LabelError(
                f"more than {MOST_PICTURES} pictures would have to be encoded again; draw when it is made"
            )
    return Opening(opening.first, None, None, (), lengths)


def _decoded_at(times: list[int | None]) -> tuple[int, ...]:
    # Matroska does not say it, and the library guesses from the third packet on or so.
    known = next((number for number, each in enumerate(times) if each is not None), None)
    if known is None or None in times[known:]:
        return ()
    first = times[known] or 0
    return tuple(first - known + number if each is None else each for number, each in enumerate(times))


def _refuse_hidden(packet: Any) -> None:  # noqa: ANN401 of the library
    if packet.has_sidedata("encryption_info") or packet.has_sidedata("encryption_init_info"):
        raise LabelError("the film is encrypted; draw the words before it is")
    if packet.has_sidedata("matroska_block_additional"):
        raise LabelError("the film's pictures are transparent, which drawing here would lose")
