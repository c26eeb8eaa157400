"""The parts of `gpu_job`."""
