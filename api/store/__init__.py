"""Tables, and every statement that touches them."""
