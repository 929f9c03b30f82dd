"""Complaints about data protection: receiving them, and dealing with each in time."""
