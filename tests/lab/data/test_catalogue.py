"""The catalogue of data sets."""

from __future__ import annotations

from crispen.lab.data.catalogue import SETS


def test_the_catalogue_is_whole() -> None:
    for public in SETS.values():
        assert public.url.startswith(("https://", "http://data.csail.mit.edu/"))
        assert len(public.sha256) in (0, 64)
        assert public.title
        assert public.licence
        assert public.train or public.pairs or not public.unpack
        # What has no checksum is what its text calls so.
        assert bool(public.sha256) != (public.archive in ("BSR_bsds500.tgz", "archive.zip"))
