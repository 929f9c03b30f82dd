"""Statements that join several tables, with one module for each question that is asked."""
