"""Problems and risks of an email, found before it is sent."""
