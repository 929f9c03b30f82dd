"""Tests of bringing in people."""
