"""What Google has beside Earth Engine and is needed with it: sign-in, projects, Drive, Cloud Storage."""
