"""What users' folders and archives hold in the end: one small file for each kind."""
