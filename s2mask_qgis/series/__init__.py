"""Series: dated rasters on disk, from the files of a folder to blocks of pixels and back to files."""
