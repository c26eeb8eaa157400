"""Python client of the HTTP API: resumable uploads, jobs, progress and results."""
