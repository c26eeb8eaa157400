"""Pages of measurements and of training runs: self-contained HTML, tables and charts."""
