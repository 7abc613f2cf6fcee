"""From a corrected label to a better model: labels, training, comparison, promotion, drift."""
