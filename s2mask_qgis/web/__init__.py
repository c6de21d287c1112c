"""Requests over HTTP as plain values, and a session that survives a bad connection."""
