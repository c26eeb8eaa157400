"""`src/crispen/a/b.py` is tested by `tests/a/test_b.py`; exceptions are here, with a reason."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "crispen"
TESTS = ROOT / "tests"

# Modules that are one concept and are tested together: the test, the modules, and why.
TOGETHER: dict[str, tuple[tuple[str, ...], str]] = {
    "lab/networks/test_every_network.py": (
        ("lab/networks/*.py",),
        "every registered network goes through the same checks, and test_parameters.py counts it",
    ),
    "lab/losses/test_losses.py": (
        ("lab/losses/*.py",),
        "a formula each, checked against NumPy, scikit-image and torchmetrics",
    ),
    "lab/degradations/test_every.py": (
        ("lab/degradations/*.py",),
        "every registered degradation goes through the same checks",
    ),
    "lab/studies/test_studies.py": (
        ("lab/studies/*.py",),
        "every study runs from start to finish, and its page is compared",
    ),
    "enhance/stored/test_batch.py": (
        ("enhance/stored/delivery.py", "enhance/stored/pieces.py"),
        "parts of one path from an address to a result, against real servers",
    ),
    "lab/data/test_folder.py": (
        tuple(
            f"lab/data/{name}.py"
            for name in ("material", "named", "opening", "stores", "stream", "toy")
        ),
        "parts of one path from a recipe's [data] table to a batch",
    ),
    "lab/test_training.py": (
        tuple(
            f"lab/{name}.py"
            for name in (
                "adversarial_training",
                "curves",
                "learner",
                "sample_sheets",
                "table",
                "training_job",
            )
        ),
        "parts of one training, which runs whole",
    ),
    "lab/test_export.py": (
        ("lab/tracing.py",),
        "the graph, which is compared with the network there",
    ),
    "lab/search/test_searching.py": (
        ("lab/search/order.py", "lab/search/trials.py"),
        "parts of one search, which runs whole",
    ),
    "lab/test_processes.py": (
        ("lab/helper.py",),
        "the other side of processes.py, in a process of its own",
    ),
    "models/test_ncnn.py": (
        ("models/ncnn_files.py",),
        "both files of a model, which only ncnn.py reads",
    ),
    "engines/test_graphs.py": (
        ("engines/_nodes.py", "engines/_paint.py"),
        "the two graphs of a window and what they are made of",
    ),
    "engines/test_openvino.py": (
        ("engines/_failures.py",),
        "what this engine's library raises",
    ),
    "look/test_looking.py": (
        ("look/*.py", "lab/look.py"),
        "what is measured in a picture, and the training of its network",
    ),
    "media/picture/test_own_codecs.py": (
        ("media/picture/*.py",),
        "formats of one reader, each read from files that other programs wrote; test_reader.py, "
        "test_kept.py and test_vips_metadata.py read further ones",
    ),
    "enhance/video/test_joining.py": (
        tuple(
            f"media/video/{name}.py"
            for name in (
                *(
                    "continuity",
                    "copied",
                    "encoded",
                    "muxing",
                    "quicktime",
                    "sink",
                    "sound",
                    "tags",
                ),
                *("texts", "tracks"),
            )
        ),
        "parts of one join, seen in whole videos beside those that FFmpeg makes",
    ),
    "enhance/test_plan.py": (
        ("enhance/encoding.py",),
        "what an encoder is given is part of a plan",
    ),
    "media/test_formats.py": (
        ("media/video_formats.py",),
        "tables of one kind, whose suffixes and signatures must not collide",
    ),
    "enhance/test_request.py": (
        ("enhance/option.py", "enhance/values.py", "enhance/value_types.py"),
        "what an option's text means is seen in requests",
    ),
    "enhance/video/test_span.py": (
        (
            "enhance/video/part.py",
            *(f"media/video/{name}.py" for name in ("cutting", "seeking", "span")),
        ),
        "a part of a clip is seen in whole videos: frames, sound, subtitles and chapters",
    ),
    "enhance/video/test_crop.py": (
        ("media/video/box.py", "media/video/crop.py"),
        "a rectangle of a clip is compared with what FFmpeg cuts, whatever way it is turned",
    ),
    "enhance/video/test_live.py": (
        ("media/video/live_sound.py",),
        "the sound of a picture that is played while it is made",
    ),
    "evaluate/test_clip_comparison.py": (
        ("evaluate/side_by_side.py",),
        "the video that a comparison writes",
    ),
    "media/video/test_codecs.py": (
        ("media/video/video_codec.py",),
        "what is known of a codec, of which codecs.py has a table",
    ),
    "media/video/test_fields.py": (
        ("media/video/filtering.py",),
        "libavfilter, which fields and rectangles go through",
    ),
    "enhance/video/test_kept.py": (
        ("media/video/hdr.py", "media/video/header.py", "media/video/matroska.py"),
        "what a source says of its picture is seen in whole videos, as FFmpeg reads them",
    ),
    "engines/test_base.py": (
        ("engines/onnxruntime.py",),
        "every test of engines runs on it too, as the one that the others must equal",
    ),
    "cluster/test_batch.py": (
        tuple(
            f"cluster/{name}.py"
            for name in (
                "clips",
                "connection",
                "hello",
                "pictures",
                "pool",
                "segment_work",
                "worker",
            )
        ),
        "parts of one batch, seen on a Ray of several nodes",
    ),
    "enhance/test_batch.py": (
        ("enhance/file_work.py", "enhance/outcome.py"),
        "parts of one batch, which runs whole",
    ),
    "enhance/video/test_segments.py": (
        ("enhance/video/frame_flow.py", "enhance/video/segment_run.py"),
        "segments are made in runs of frames, which are interrupted there",
    ),
    "jobs/test_migrations.py": (
        ("jobs/migrations/*.py", "jobs/migrations/versions/*.py"),
        "a database written by an older version goes through all of them",
    ),
    "jobs/test_pool.py": (
        ("jobs/worker_process.py",),
        "the life of a worker is that of its process, which the pool starts",
    ),
    "server/http/test_openapi.py": (
        ("server/schemas.py",),
        "the document is made of the schemas, and requests and answers are checked against it",
    ),
    "server/http/test_app.py": (
        ("server/http/dependencies.py",),
        "routes are given single services",
    ),
}

# Tests of the program as a whole, or of what is no module.
WHOLE = {
    "browser/*.py": "the page in a browser",
    "test_deploy.py": "containers and services",
    "test_docs.py": "the documents",
    "test_extras.py": "what an install brings",
    "test_install.py": "what an install brings",
    "test_imports.py": "importing",
    "test_mirror.py": "these tests",
    "test_notebooks.py": "the notebooks of the documents",
    "test_page_build.py": "the build of the page",
    "test_api.py": "the public names",
    "test_windows.py": "what other systems do otherwise, simulated",
    "test_fuzz.py": "what the fuzzer found",
    "test_fuzz_video.py": "what the generator of random clips found",
    "media/test_matrix.py": "every format into every other",
    "media/picture/test_metadata_pairs.py": "metadata from every format into every other",
    "enhance/test_batch_command.py": "the command line",
    "enhance/test_kinds.py": "every kind of network in every engine",
    "enhance/test_large_scales.py": "models that ship",
    "enhance/test_shipped.py": "models that ship",
    "enhance/test_shipped_means.py": "models that ship",
    "enhance/video/test_random_clips.py": "whole videos that random clips have shown",
    "enhance/video/test_sizes.py": "whole videos",
    "enhance/video/test_streams.py": "which streams of whole videos go over",
    "enhance/video/test_troubles.py": "whole videos that are damaged",
    "evaluate/test_border.py": "commands and page agree",
    "jobs/test_outage.py": "queue and workers without their database",
    "lab/data/test_pages.py": "the documents",
    "lab/degradations/test_shrinking.py": "degradations that shrink, against other libraries",
    "lab/networks/test_pages.py": "the documents",
    "lab/networks/test_parameters.py": "parameter counts of all networks",
    "lab/networks/test_recipes.py": "the recipes of all networks",
    "lab/studies/test_comparisons.py": "what single studies compute",
    "lab/test_exact.py": "runs that are stopped and resumed",
    "lab/test_gpu_job.py": "a script of tools/",
    "server/test_cluster.py": "a server whose jobs run on a cluster",
    "server/test_outage.py": "a server without its database",
    "server/test_proxy.py": "a server behind nginx",
    "server/test_postgresql.py": "a server with another database",
    "server/test_shared.py": "servers and workers that share a queue",
}


def modules() -> list[str]:
    """All modules with code of their own."""
    return sorted(
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )


def present() -> set[str]:
    return {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}


def namesake(module: str) -> str:
    path = Path(module)
    return (path.parent / f"test_{path.name.lstrip('_')}").as_posix()


def together(module: str) -> list[str]:
    return [
        test
        for test, (patterns, _) in TOGETHER.items()
        if any(Path(module).parent == Path(p).parent and Path(module).match(p) for p in patterns)
    ]


def test_every_module_has_its_test() -> None:
    there = present()
    missing = [m for m in modules() if namesake(m) not in there and not together(m)]
    assert missing == [], "write the test, or add the module to TOGETHER with a reason"


def test_every_test_belongs_to_a_module_or_says_why_not() -> None:
    known = {namesake(module) for module in modules()} | TOGETHER.keys()
    strays = [
        test
        for test in sorted(present() - known)
        if not any(Path(test) == Path(p) or Path(test).match(p) for p in WHOLE)
    ]
    assert strays == [], "rename the test after its module, or add it to WHOLE with a reason"


def test_the_lists_hold_nothing_that_is_not_needed() -> None:
    there = present()
    assert TOGETHER.keys() <= there
    for test, (patterns, _) in TOGETHER.items():
        for pattern in patterns:
            meant = [m for m in modules() if m in SOURCE.parent.name or test in together(m)]
            assert any(Path(m).match(pattern) and namesake(m) not in there for m in meant), (
                f"{pattern}: all of its modules have tests of their own"
            )
    for pattern in WHOLE:
        assert any(Path(test).match(pattern) for test in there), f"{pattern}: there is none"
