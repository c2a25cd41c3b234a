"""Every size of student from one teacher: points planned, run side by side in processes, and set against each other."""
