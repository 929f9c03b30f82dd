"""Asking a mail provider for access tokens: the providers, their endpoints, and the ways to ask."""
