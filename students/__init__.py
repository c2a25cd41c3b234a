"""MobileNets to be taught, by name, and the files they are kept in."""
