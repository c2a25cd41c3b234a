"""People enrolled from photographs, and photographs looked up among them: whose face is this, or nobody's we know?"""
