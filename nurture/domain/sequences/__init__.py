"""Sequences, and how far somebody is in one."""
