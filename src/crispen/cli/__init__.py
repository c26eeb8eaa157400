"""The command line: one file per command, each of them parse, one library call, print."""
