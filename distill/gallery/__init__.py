"""People enrolled from photographs, and photographs looked up among them: who is this, if it is anybody we know."""
