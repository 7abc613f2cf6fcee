"""预警: what reports find is kept, followed, and answered by people."""
