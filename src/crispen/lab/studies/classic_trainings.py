"""The training runs of the classic comparison."""

from __future__ import annotations

from crispen.lab.studies.study import Training

QUALITIES = {2: "good", 3: "medium", 4: "poor"}
EPOCHS = (1, 20)
# Epochs for which the SRGAN study showed samples. Epochs are short here, as in that study.
SRGAN_EPOCHS = (5, 15, 25, 35, 90, 100, 150)
_SRGAN_CROPS = 56
STRIP = "srgan-epochs"
UNET = "autoencoder-unet"
# Decoding all pictures would take longer than some of these runs.
_DATA = ("data.limit=30", "data.memory=stream", "data.valid_share=0.05")
# Overrides for SRResNet, and for SRGAN, which has the same generator.
_SMALL = ("network.width=32", "network.blocks=4", "data.batch=8")
# Overrides by suffix of the key: our ESPCN, and the original study's, with the same recipe.
_ESPCN: dict[str, tuple[str, ...]] = {
    "": (),
    "-as-built": ("network.variant=study", 'loss=[{kind="mse"}]'),
}


def classic_trainings() -> tuple[Training, ...]:
    """All training runs; a run that starts from another one's weights comes after it."""
    trainings: list[Training] = []
    for scale in QUALITIES:
        of = f"scale={scale}"
        trainings += [
            Training(
                f"srcnn-x{scale}",
                f"srcnn-x{scale}",
                (
                    *_DATA,
                    f"train.epochs={EPOCHS[-1]}",
                    f"train.keep_epochs={list(EPOCHS)}",
                    "data.epoch=400",
                    # The target crop has 48 px at every scale.
                    f"data.patch={48 // scale}",
                    "train.warmup=20",
                    "train.learning_rate=1e-3",
                ),
                ("data.epoch=8", "train.warmup=5"),
            ),
            *(
                Training(
                    f"espcn-x{scale}{suffix}",
                    "espcn-x2",
                    (
                        *_DATA,
                        of,
                        *changes,
                        "data.patch=24",
                        "train.steps=400",
                        "train.warmup=50",
                        # At twice this rate all ReLUs die, and the output is the bicubic base.
                        "train.learning_rate=1e-3",
                    ),
                    ('data.color="luma"',),
                )
                for suffix, changes in _ESPCN.items()
            ),
            Training(
                f"srresnet-x{scale}",
                "srresnet-x4",
                (
                    *_DATA,
                    of,
                    *_SMALL,
                    "train.steps=200",
                    "train.warmup=20",
                    "train.learning_rate=1e-3",
                ),
                ("network.width=8", "network.blocks=1"),
            ),
            Training(
                f"srgan-x{scale}",
                "srgan-x4",
                (
                    *_DATA,
                    of,
                    *_SMALL,
                    "adversarial.discriminator.width=16",
                    "adversarial.pretrain_steps=0",
                    "train.steps=60",
                    "train.warmup=10",
                    "train.sample_epochs=[]",
                ),
                ("network.width=8", "network.blocks=1", "adversarial.discriminator.width=4"),
                start=f"srresnet-x{scale}",
            ),
        ]
    unet = Training(
        UNET,
        UNET,
        (
            *_DATA,
            "degradation.0.size=[0.25, 0.5]",
            "data.patch=64",
            "data.batch=4",
            "train.steps=150",
            "train.schedule='wsd'",
            "train.warmup=20",
            "train.learning_rate=1e-3",
            "train.validate_every=50",
        ),
    )
    strip = Training(
        STRIP,
        "srgan-x4",
        (
            *_DATA,
            *_SMALL,
            f"data.epoch={_SRGAN_CROPS}",
            "adversarial.discriminator.width=16",
            "adversarial.pretrain_steps=0",
            f"train.epochs={SRGAN_EPOCHS[-1]}",
            f"train.keep_epochs={list(SRGAN_EPOCHS)}",
            "train.warmup=10",
            "train.sample_epochs=[]",
        ),
        (
            "network.width=8",
            "network.blocks=1",
            "adversarial.discriminator.width=4",
            "data.epoch=4",
            "train.epochs=2",
            "train.keep_epochs=[2]",
        ),
        start="srresnet-x4",
    )
    return (*trainings, unet, strip)
