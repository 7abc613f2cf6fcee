"""Many complaints: baskets in, findings out."""
