"""Which titles, dates and other tags of a source its result keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.stream import Stream

# What players and FFmpeg find in an MP4 without the tags of QuickTime's newer scheme.
_CLASSIC_TAGS = frozenset(
    (
        *("title", "artist", "album_artist", "composer", "album", "date", "encoder", "comment"),
        *("genre", "copyright", "grouping", "lyrics", "description", "synopsis", "show"),
        *("episode_id", "network", "keywords", "track", "disc", "compilation", "creation_time"),
        *("location", "location-eng", "sort_name", "sort_artist", "sort_album", "hd_video"),
        *("media_type", "gapless_playback", "episode_sort", "season_number", "rating"),
        "timecode",
    )
)
# Facts about the old file, not about the video.
_FILE_FACTS = frozenset(
    ("major_brand", "minor_version", "compatible_brands", "encoder", "duration")
)
_STREAM_FACTS = frozenset(
    (
        *("encoder", "vendor_id", "duration", "number_of_frames"),
        *("number_of_bytes", "bps", "_statistics_writing_app"),
        *("_statistics_writing_date_utc", "_statistics_tags"),
    )
)
_PROGRAMS = re.compile(r"handler|media|gpac|l-smash|mainconcept|^\W*$", re.IGNORECASE)


def file_tags(metadata: Mapping[str, str]) -> dict[str, str]:
    """The tags of a file that are about the video."""
    return {k: v for k, v in metadata.items() if k.lower() not in _FILE_FACTS}


def needs_newer_scheme(metadata: Mapping[str, str]) -> bool:
    """Whether an MP4 needs QuickTime's newer scheme for these tags of a file."""
    return any(k.lower() not in _CLASSIC_TAGS | _FILE_FACTS for k in metadata)


def stream_tags(stream: Stream, *, strip: bool) -> dict[str, str]:
    """The tags of a stream that are not about its old file; only its language if `strip`."""
    if strip:  # a player chooses streams by language
        return {k: v for k, v in stream.metadata.items() if k == "language"}
    # Matroska's statistics ("BPS-eng", …) were counted on the old packets.
    tags = {
        k: v
        for k, v in stream.metadata.items()
        if k.lower() not in _STREAM_FACTS and k.lower().split("-")[0] not in _STREAM_FACTS
    }
    # A track's name is its title in some files and its handler in others, unless that names a
    # program.
    handler = tags.pop("handler_name", "")
    name = tags.get("title") or ("" if _PROGRAMS.search(handler) else handler)
    return tags | {"title": name, "handler_name": name} if name else tags
