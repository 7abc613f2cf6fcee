"""What leaves the house by itself: signed webhooks and mail, each once more until it arrives."""
