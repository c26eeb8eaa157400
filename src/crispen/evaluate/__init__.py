"""How good a result is: metrics, benchmark tables, comparison sheets."""
