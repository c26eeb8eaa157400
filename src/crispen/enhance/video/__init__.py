"""Videos: decode, enhance and encode side by side, in segments that outlive interruptions."""
