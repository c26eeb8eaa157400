"""The HTTP API from Python: resumable uploads, jobs, progress and results."""
