"""From uint8 pictures to probabilities, by every kind of file a student ships as."""
