"""Statements that join several tables."""
