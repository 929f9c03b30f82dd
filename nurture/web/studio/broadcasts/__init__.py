"""The pages of broadcasts: one email to everyone who agreed to it."""
