"""The public sets that Crispen knows by name.

Checksums were published by others: those of DIV2K, CIFAR-10 and Places365 in the lists of
TensorFlow Datasets, that of Dogs-vs-Cats in GoMLX. For a set without one, the checksum of the first
download is kept, and later downloads must match it.
"""

from __future__ import annotations

from dataclasses import dataclass

from crispen.lab.data.tables import SetName


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A set that can be downloaded, or put in its place by hand.

    Attributes:
        title: A short description.
        url: URL of its archive, or of the page to download it from if `account` is set.
        archive: The file's name in the cache.
        size_mb: Approximate size of the archive.
        sha256: SHA-256 of the archive; empty if none is published.
        licence: Licence for the card.
        train: Folders inside the archive with the pictures to train on.
        held_out: Folders with the pictures that the set itself holds out.
        account: The service that requires an account; empty if none is needed.
        unpack: Whether it is unpacked; CIFAR-10 is read from the archive.
        pairs: For a set of pairs: the file that lists them, and the folders of inputs and targets.
    """

    title: str
    url: str
    archive: str
    size_mb: int
    sha256: str
    licence: str
    train: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    account: str = ""
    unpack: bool = True
    pairs: tuple[str, str, str] | None = None


_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
_DIV2K_LICENCE = "DIV2K (ETH Zürich): for academic research"
_UNSPLASH = "Image Super Resolution - Unsplash"

SETS: dict[SetName, PublicSet] = {
    "div2k": PublicSet(
        "DIV2K, 800 pictures of 2K to train on",
        _DIV2K + "DIV2K_train_HR.zip",
        "DIV2K_train_HR.zip",
        3531,
        "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
        _DIV2K_LICENCE,
        train=("DIV2K_train_HR",),
    ),
    "div2k-valid": PublicSet(
        "DIV2K, its 100 validation pictures",
        _DIV2K + "DIV2K_valid_HR.zip",
        "DIV2K_valid_HR.zip",
        449,
        "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
        _DIV2K_LICENCE,
        train=("DIV2K_valid_HR",),
    ),
    "bsds500": PublicSet(
        "BSDS500, 400 pictures to train on, 100 (BSD100) held out",
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
        "BSR_bsds500.tgz",
        71,
        "",
        "BSDS500 (UC Berkeley): for non-commercial research and education",
        train=("BSR/BSDS500/data/images/train", "BSR/BSDS500/data/images/test"),
        held_out=("BSR/BSDS500/data/images/val",),
    ),
    "cifar10": PublicSet(
        "CIFAR-10, 50,000 + 10,000 pictures of 32x32, binary form",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "cifar-10-binary.tar.gz",
        170,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        "none stated (CIFAR-10, A. Krizhevsky 2009, for research)",
        unpack=False,
    ),
    "cats-dogs": PublicSet(
        "Dogs vs. Cats, 25,000 photos (a few of them broken)",
        "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
        "kagglecatsanddogs_5340.zip",
        "kagglecatsanddogs_5340.zip",
        825,
        "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
        "Asirra (Microsoft Research, Petfinder): for non-commercial research",
        train=("PetImages",),
    ),
    "places365-val": PublicSet(
        "Places365, its 36,500 validation photos of 256x256",
        "http://data.csail.mit.edu/places/places365/val_256.tar",
        "val_256.tar",
        525,
        "24b4e639ef12a0012af525bc4cb443e4ab4aaea8369a1fb009b70e4a4aad5d48",
        "Places365 (MIT): for research and education; photos belong to their owners",
        train=("val_256",),
    ),
    "unsplash-pairs": PublicSet(
        "Image Super Resolution from Unsplash, pairs of low and high resolution",
        "https://www.kaggle.com/datasets/quadeer15sh/image-super-resolution-from-unsplash",
        "archive.zip",
        0,
        "",
        "Unsplash License",
        account="Kaggle",
        pairs=(f"{_UNSPLASH}/image_data.csv", f"{_UNSPLASH}/low res", f"{_UNSPLASH}/high res"),
    ),
}
