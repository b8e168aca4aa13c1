"""What staff see when they sign in and look after their account."""
