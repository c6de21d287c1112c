"""Tests of the plugin; what several of them share is imported as tests.NAME."""
