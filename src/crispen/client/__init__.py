"""The HTTP API from Python: uploads that continue, jobs, progress and results."""
