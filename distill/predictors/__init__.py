"""From uint8 pictures to named answers, by every kind of file a student ships as."""
